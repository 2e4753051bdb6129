# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a rollout is."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.pod import PodView
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.stateful_set import (
    StatefulSetView,
    completion_pending,
    rollout_pending,
)

TEMPLATE: Manifest = {"spec": {"volumes": [{"name": "run", "emptyDir": {}}, {"name": "x", "configMap": {"name": "mysql-x"}}]}}


def stateful_set(*, generation: int = 2, current: str = "a") -> Manifest:
    status = {"observedGeneration": 2, "currentRevision": current, "updateRevision": "b"}
    return {"metadata": {"generation": generation}, "spec": {"replicas": 3, "template": TEMPLATE}, "status": status}


def pods(*letters: str) -> list[Manifest]:
    """A pod for each letter, of the template of that name: a capital is ready, one in brackets is being deleted."""
    return [
        {
            "metadata": {
                "name": f"mysql-{number}",
                "labels": {"controller-revision-hash": letter.strip("()").lower()},
                **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if letter.startswith("(") else {}),
            },
            "status": {"conditions": [{"type": "Ready", "status": str(letter.strip("()").isupper())}]},
        }
        for number, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("live", "there", "missing"),
    [
        (None, "", "the StatefulSet to exist"),
        (stateful_set(), "BBB", None),
        (stateful_set(generation=3), "BBB", "the StatefulSet controller to take notice"),
        (stateful_set(), "BbB", "2 of 3 instances to be ready"),
        (stateful_set(), "BBBBb", "2 surplus instances to end"),
        (stateful_set(), "AAB", "1 of 3 instances to be on the newest template"),
        (stateful_set(), ["B", "B", "(B)"], "2 of 3 instances to be on the newest template"),
        (stateful_set(), "AAA", "0 of 3 instances to be on the newest template"),
        (stateful_set(), "", "0 of 3 instances to be on the newest template"),
        (
            {"metadata": {"generation": 1}, "spec": {"replicas": 1, "template": TEMPLATE}},
            "",
            "the StatefulSet controller to take notice",
        ),
    ],
)
def test_rollout(live: Manifest | None, there: Iterable[str], missing: str | None) -> None:
    view = None if live is None else StatefulSetView.parse(live)
    assert rollout_pending(view, [PodView.parse(each) for each in pods(*there)]) == missing


@pytest.mark.parametrize(
    ("live", "missing"),
    [
        (None, "the StatefulSet to exist"),
        (stateful_set(), "the StatefulSet controller to complete the rollout"),
        (stateful_set(current="b"), None),
        # The status is that of an older specification.
        (stateful_set(current="b", generation=3), "the StatefulSet controller to complete the rollout"),
    ],
)
def test_completion(live: Manifest | None, missing: str | None) -> None:
    assert completion_pending(None if live is None else StatefulSetView.parse(live)) == missing


def test_the_config_maps_of_a_template() -> None:
    assert StatefulSetView.parse(stateful_set()).config_maps == {"mysql-x"}
