# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose primary is moved: objects, servers, and pods that follow the topology as the real ones do."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.kubemysql.replication.plugins.module_utils.constants import LABEL_POD_NAME
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Applied
from ansible_collections.kubemysql.replication.plugins.module_utils.manifests import config_maps, services
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.switchover import (
    ClusterObjects,
    Limits,
    Switched,
    plan_switchover,
    switch_over,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from ansible_collections.kubemysql.replication.plugins.module_utils.state.topology import parse_topology
from params import cluster_spec
from unit.fakes.clock import FakeClock
from unit.fakes.kubernetes_objects import NAMES, TARGET, claim, endpoints, stateful_set
from unit.fakes.mysql import FakeConnector, FakeServer, replicating, status_row
from unit.fakes.store import FakeObjectStore, pod

__all__ = ["Killed", "Moving"]

LIMITS = Limits(max_pause=5, wait_timeout=60)
_CHANGING = ("SET GLOBAL", "STOP", "RESET", "INSERT", "KILL")


class Killed(BaseException):
    """The end of a run that nothing catches."""


class WatchedStore(FakeObjectStore):
    """Reports each write after it was made."""

    wrote: Callable[[str], None] = staticmethod(lambda _what: None)

    def apply(self, manifest: Manifest) -> Applied:
        applied = super().apply(manifest)
        self._report(f"apply {manifest['kind']}")
        return applied

    def annotate(self, kind: str, name: str, annotations: t.Any) -> None:
        super().annotate(kind, name, annotations)
        self._report(f"annotate {kind}")

    def _report(self, what: str) -> None:
        if not self.dry_run:
            self.wrote(what)


class Moving:
    """Three instances, healthy and acknowledged. ``writes`` counts what runs have written; ``wrote`` is called after each."""

    def __init__(self, count: int = 3) -> None:
        self.servers = {each.name: each for each in replicating(count)}
        for each in self.servers.values():
            each.epochs = [(1, "mysql-0")]
            each.on_statement = self._statement
        names = list(self.servers)
        pods = [pod(name, NAMES.labels) for name in names]
        routes = [endpoints("mysql-primary", "mysql-0"), endpoints("mysql-read", *names)]
        self.store = WatchedStore(stateful_set(count), *pods, *routes, *map(claim, names))
        topology = Topology("mysql-0", "2026-01-01T00:00:00Z", 1, "c1", acknowledged=True)
        self.store.apply(config_maps.topology(NAMES, topology))
        self.store.apply(services.primary(cluster_spec(service_labels={"team": "shop"}), topology))
        self.store.wrote = self._wrote
        self.connector = FakeConnector(*self.servers.values())
        self.clock = FakeClock()
        self.silent: set[str] = set()
        self.writes: list[str] = []
        self.wrote: Callable[[str], None] = lambda _what: None

    def _statement(self, server: FakeServer, sql: str) -> None:
        assert len(self.writable) < 2
        if sql.startswith(_CHANGING):
            self._wrote(f"{server.name}: {sql}")

    def _wrote(self, what: str) -> None:
        self.writes.append(what)
        self.wrote(what)

    @property
    def writable(self) -> list[str]:
        return [each.name for each in self.servers.values() if not each.read_only]

    @property
    def topology(self) -> Topology:
        found = parse_topology(self.store.objects["ConfigMap", NAMES.topology])
        assert found is not None
        return found

    @property
    def routed(self) -> str:
        pod_name: str = self.store.objects["Service", NAMES.primary_service]["spec"]["selector"][LABEL_POD_NAME]
        return pod_name

    def run(self, instance: str | None = "mysql-1", *, check_mode: bool = False, limits: Limits = LIMITS) -> Switched:
        store = self.store.planning() if check_mode else self.store
        pool = SessionPool(self.connector, 5)
        plan = plan_switchover(store, NAMES, lambda: observe(store, pool, TARGET), pool, instance)
        objects = ClusterObjects(store, NAMES, pool, self.acknowledge, plan.instances, self.clock)
        return switch_over(objects, plan, limits, check_mode=check_mode)

    def acknowledge(self, name: str) -> Acknowledgement:
        """The pods act on the topology first, if no handover forbids it."""
        if name in self.silent or self.servers[name].down is not None:
            raise Unreachable(f"{name} does not acknowledge")
        topology = self.topology
        if topology.handover is None:
            self.reconcile()
        return Acknowledgement(0, topology.intent, "primary" if name == topology.primary else "replica", ready=True)

    def reconcile(self) -> None:
        primary = self.servers[self.topology.primary]
        up = [each for each in self.servers.values() if each.down is None]
        replicas = [each for each in up if each is not primary]
        for each in replicas:
            each.read_only = each.super_read_only = 1
            if each.source is not primary or not each.applies:
                assert each.executed <= primary.executed, f"{each.name} has errant transactions"
                each.channel, each.source = status_row(primary), primary
        for each in self.servers.values():
            each.followers = replicas if each is primary else []
            each.registered = [replica.server_id for replica in each.followers]
        if primary.down is None and primary.channel is None:
            primary.source = None
            assert not [each.name for each in replicas if not each.read_only]
            primary.read_only = primary.super_read_only = 0
        for each in replicas:
            each.add(primary.executed)
            each.epochs = list(primary.epochs)

    def restore_endpoints(self) -> None:
        """As the endpoints controller does."""
        self.store.put(endpoints("mysql-primary", self.routed))
