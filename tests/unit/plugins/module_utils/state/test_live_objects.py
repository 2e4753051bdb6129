# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live objects that count as ours."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.state.live_objects import KINDS, read_live_objects
from unit.fakes.store import FakeObjectStore

NAMES = Names.parse("mysql", "default")
OURS: Manifest = {"manager": "kubemysql.replication", "operation": "Apply"}


def config_map(labels: dict[str, str] | None = None, **metadata: object) -> Manifest:
    return {"kind": "ConfigMap", "metadata": {"name": "a", "labels": NAMES.labels if labels is None else labels, **metadata}}


@pytest.mark.parametrize(
    ("live", "owned"),
    [
        (config_map(managedFields=[OURS]), True),
        (config_map(managedFields=[{"manager": "kubectl-edit", "operation": "Update"}, OURS]), True),
        (config_map(), False),
        (config_map(managedFields=None), False),
        (config_map(managedFields=[{**OURS, "operation": "Update"}]), False),
        (config_map(managedFields=[{**OURS, "manager": "kubectl"}]), False),
        (config_map({}, managedFields=[OURS]), False),
        (config_map(Names.parse("other", "default").labels, managedFields=[OURS]), False),
        (config_map({**NAMES.labels, "app.kubernetes.io/managed-by": "Helm"}, managedFields=[OURS]), False),
    ],
)
def test_ownership(live: Manifest, owned: bool) -> None:
    assert read_live_objects(FakeObjectStore(live), NAMES).owned() == ([("ConfigMap", "a")] if owned else [])


def test_one_request_for_each_kind() -> None:
    store = FakeObjectStore()
    read_live_objects(store, NAMES)
    assert store.requests == [("list", kind, "") for kind in KINDS]
