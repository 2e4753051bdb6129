# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One deployment against a cluster whose pods do as told."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import CollectionError
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import (
    WaitOptions,
    deploy,
    plan_deployment,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.outcome import Outcome
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from params import cluster_spec
from unit.fakes.cluster import Controllers, FakeDiagnostics, FakePods, FakeRuntime, completed
from unit.fakes.store import FakeObjectStore

__all__ = ["ALL", "NAMES", "NOTED", "TIMEOUT", "Rollout"]

NAMES = Names.parse("mysql", "default")
ALL = ("mysql-0", "mysql-1", "mysql-2")
# What the fake calendar says.
NOTED = "2026-01-01T12:00:00Z"
TIMEOUT = 100.0


class Rollout:
    """A deployment of the names ``NAMES``, and the time in which it happens."""

    def __init__(self, store: FakeObjectStore | None = None, diagnostics: FakeDiagnostics | None = None) -> None:
        self.store = store or FakeObjectStore()
        self.diagnostics = diagnostics or FakeDiagnostics()
        self.time = Controllers(self.store, NAMES)
        self.pods = FakePods(self.store, NAMES)

    def at(self, second: float, *, ready: Sequence[str] = (), others: Sequence[Manifest] | None = None) -> None:
        self.time.at(second, lambda: self.time.pods(ready=ready, others=others))

    def run(self, *, wait: bool = True, **given: t.Any) -> Topology:
        planned = plan_deployment(self.store.planning(), cluster_spec(**given), FakeRuntime(), self.pods, wait=wait)
        waiting = WaitOptions(self.diagnostics, self.pods, TIMEOUT, self.time)
        done = deploy(self.store, planned, FakeRuntime(), waiting, wait=wait)
        self.done = done.outcome
        completed(done.outcome)
        return done.topology

    def fails(self, error: type[CollectionError], **given: t.Any) -> Outcome:
        with pytest.raises(error):
            self.run(**given)
        return self.done

    def message(self, error: type[CollectionError], **given: t.Any) -> str:
        """The message of a run that fails."""
        failure = self.fails(error, **given).error
        assert failure is not None
        return failure.message

    @property
    def noted(self) -> str | None:
        found: str | None = self.store.objects["ConfigMap", "mysql-topology"]["data"].get("bootstrapped")
        return found
