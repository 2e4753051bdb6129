# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every finding and every state, each from a cluster that is healthy but for one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import INTENT_ANNOTATION
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    AccessDenied,
    ApiForbidden,
    SqlError,
    Unreachable,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.health import assess as assess_module
from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import (
    STATES,
    Assessment,
    Case,
    assess,
    is_healthy,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observation import ClusterObservation
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.pod import PodView
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import (
    Acknowledgement,
    AckReader,
)
from unit.fakes.kubernetes_objects import NAMES, TARGET, claim, deployed, endpoints, stateful_set, topology
from unit.fakes.mysql import NOW, FakeConnector, FakeServer, replicating, uuid_of
from unit.fakes.store import FakeObjectStore, pod

CLUSTER = None
INTENT = Topology("mysql-0", "2026-01-01T00:00:00Z", 2, "cafe")


@dataclass
class World:
    """A healthy cluster of three, to be broken."""

    store: FakeObjectStore = field(default_factory=deployed)
    servers: list[FakeServer] = field(default_factory=lambda: list(replicating()))

    routed: bool = False
    # Which topology the pods have read.
    acknowledge: AckReader | None = None

    def observe(self) -> ClusterObservation:
        if not self.routed:
            self.route()
        pool = SessionPool(FakeConnector(*self.servers), 1)
        return observe(self.store, pool, TARGET, acknowledge=self.acknowledge, catch_up=1)

    def route(self) -> None:
        """Let Services lead to the ready pods, as the endpoints controller does."""
        pods = {name: each for (kind, name), each in self.store.objects.items() if kind == "Pod"}
        ready = [name for name, each in pods.items() if PodView.parse(each).ready]
        topology = self.store.objects.get(("ConfigMap", "mysql-topology"), {"data": {"primary": "mysql-0"}})
        self.store.put(endpoints("mysql-read", *ready))
        self.store.put(endpoints("mysql-primary", *(name for name in ready if name == topology["data"].get("primary"))))

    def assess(self) -> Assessment:
        return assess(self.observe(), max_lag=30)

    def channel(self, **columns: object) -> None:
        """Change what mysql-1 says about its channel."""
        row = self.servers[1].channel
        assert row is not None
        row.update(columns)

    def pod(self, name: str, *, ready: bool = True, running: bool = True, **metadata: str) -> None:
        self.store.put(pod(name, NAMES.labels, ready=ready, running=running, **metadata))


Break = Callable[[World], object]
Found = set[tuple[Kind, "str | None"]]


def together(*breaks: Break) -> Break:
    def spoil(world: World) -> None:
        for each in breaks:
            each(world)

    return spoil


def down(world: World, *numbers: int, error: SqlError | None = None) -> None:
    for number in numbers:
        world.servers[number].down = error or Unreachable("connection refused")


def not_ready_and_refused(world: World) -> None:
    world.pod("mysql-2", ready=False)
    down(world, 2, error=AccessDenied("Access denied", 1045))


def second_writer(world: World) -> None:
    world.servers[1].read_only = world.servers[1].super_read_only = 0


def ours(world: World, *, recorded: bool = True) -> None:
    """The pods run our container, which reads the topology; a deployment has recorded that they have all read it."""
    running = {"name": "replication", "state": {"running": {}}, "restartCount": 0}
    for name in ("mysql-0", "mysql-1", "mysql-2"):
        world.store.objects["Pod", name]["status"]["containerStatuses"].append(running)
    annotations = {INTENT_ANNOTATION: INTENT.digest} if recorded else {}
    world.store.put({**topology(), "data": INTENT.intent, "metadata": {**topology()["metadata"], "annotations": annotations}})


def another_topology_read(world: World, *, recorded: bool = False) -> None:
    ours(world, recorded=recorded)
    older = {"mysql-1": replace(INTENT, epoch=1).intent}

    def acknowledge(name: str) -> Acknowledgement:
        if name == "mysql-2":
            raise Unreachable("it does not answer")
        return Acknowledgement(0, older.get(name, INTENT.intent))

    world.acknowledge = acknowledge


def our_topology_lost(world: World) -> None:
    ours(world)
    world.store.delete("ConfigMap", "mysql-topology")


def two_writers_and_no_topology(world: World) -> None:
    second_writer(world)
    world.store.delete("ConfigMap", "mysql-topology")


def read_only_primary(world: World) -> None:
    world.servers[0].read_only = world.servers[0].super_read_only = 1


def hanging_receiver(world: World) -> None:
    world.channel(Replica_IO_Running="Yes")
    primary = world.servers[0]
    # Later commits of the fake reach mysql-2 only.
    primary.followers = primary.followers[1:]
    primary.commit()


def errant(world: World) -> None:
    world.servers[1].add(GtidSet.of({(uuid_of(101), ""): [(1, 2)]}))


def ahead_of_the_primary(world: World) -> None:
    world.servers[1].add(GtidSet.of({(uuid_of(100), ""): [(6, 6)]}))


def empty(number: int) -> Break:
    return lambda world: setattr(world.servers[number], "executed", GtidSet())


def same(attribute: str) -> Break:
    return lambda world: setattr(world.servers[2], attribute, getattr(world.servers[1], attribute))


def primary_with_a_source(world: World) -> None:
    assert world.servers[1].channel is not None
    world.servers[0].channel = dict(world.servers[1].channel)


def remove_pods(world: World) -> None:
    for name in NAMES.instances(3):
        world.store.delete("Pod", name)


def initialising(world: World) -> None:
    unready = pod("mysql-2", NAMES.labels, ready=False, running=False)
    unready["status"]["initContainerStatuses"] = [{"name": "provision", "state": {"running": {}}}]
    world.store.put(unready)


def restarted(seconds_ago: float) -> Break:
    def spoil(world: World) -> None:
        ended = datetime.fromtimestamp(NOW - seconds_ago, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        live = pod("mysql-1", NAMES.labels)
        last = {"terminated": {"exitCode": 137, "finishedAt": ended}}
        live["status"]["containerStatuses"][0].update(lastState=last, restartCount=3)
        world.store.put(live)

    return spoil


def one_node(world: World) -> None:
    for name in NAMES.instances(3):
        live = pod(name, NAMES.labels)
        live["spec"]["nodeName"] = "only"
        world.store.put(live)


def leads_to(service: str, *pods: str) -> Break:
    def spoil(world: World) -> None:
        world.route()
        world.routed = True
        world.store.put(endpoints(service, *pods))

    return spoil


def around(number: int, **values: object) -> Break:
    return lambda world: world.servers[number].conditions.update(values)


def forbidden(world: World) -> None:
    world.store.failures = {("list", "PersistentVolumeClaim"): ApiForbidden("may not list claims", 403)}


def on_mariadb(replica: str, primary: str) -> Break:
    def spoil(world: World) -> None:
        for server, state in zip(world.servers, (primary, replica, primary), strict=True):
            server.version, server.state = "10.11.6-MariaDB", state
            server.super_read_only = server.gtid_mode = None
            server.server_uuid = ""
            server.conditions["cloning"] = 0

    return spoil


RESIZING = {"type": "FileSystemResizePending", "status": "True", "message": "waiting for the pod"}
DAY = 86400


def never_connected_to(host: str) -> Break:
    return lambda world: world.channel(Source_UUID="", Source_Host=host)


NO_GTIDS: Found = {(Kind.GTID_UNKNOWN, "mysql-1"), (Kind.GTID_UNKNOWN, "mysql-2")}

# The fault, the findings, and the state.
BROKEN: dict[str, tuple[Break, Found, str]] = {
    "nothing": (lambda _world: None, set(), "healthy"),
    "no StatefulSet": (
        lambda world: world.store.delete("StatefulSet", "mysql"),
        {(Kind.STATEFUL_SET_MISSING, CLUSTER)},
        "incomplete",
    ),
    "no topology, but one writer": (lambda world: world.store.delete("ConfigMap", "mysql-topology"), set(), "healthy"),
    "no topology, which our pods read": (our_topology_lost, {(Kind.TOPOLOGY_UNKNOWN, CLUSTER)}, "degraded"),
    "another topology than a pod has read": (
        another_topology_read,
        {(Kind.TOPOLOGY_NOT_ACKNOWLEDGED, "mysql-1")},
        "degraded",
    ),
    "topology that is recorded as acknowledged": (
        lambda world: another_topology_read(world, recorded=True),
        set(),
        "healthy",
    ),
    "no topology and two writers": (
        two_writers_and_no_topology,
        {(Kind.TOPOLOGY_UNKNOWN, CLUSTER), (Kind.MULTIPLE_WRITABLE_INSTANCES, CLUSTER)},
        "failed",
    ),
    "topology names a stranger": (
        lambda world: world.store.put(topology("mysql-7")),
        {
            (Kind.PRIMARY_NOT_EXPECTED, CLUSTER),
            (Kind.REPLICA_WRITABLE, "mysql-0"),
            (Kind.REPLICA_NOT_CONFIGURED, "mysql-0"),
            (Kind.GTID_UNKNOWN, "mysql-0"),
            (Kind.WRONG_SOURCE, "mysql-1"),
            (Kind.WRONG_SOURCE, "mysql-2"),
            *NO_GTIDS,
        },
        "failed",
    ),
    "pod missing": (
        lambda world: world.store.delete("Pod", "mysql-2"),
        {(Kind.POD_MISSING, "mysql-2"), (Kind.INSTANCE_UNREACHABLE, "mysql-2")},
        "degraded",
    ),
    "pod not ready": (lambda world: world.pod("mysql-2", ready=False), {(Kind.POD_NOT_READY, "mysql-2")}, "degraded"),
    "pod being deleted": (
        lambda world: world.pod("mysql-2", deletionTimestamp="2026-01-01T00:00:00Z"),
        {(Kind.POD_NOT_READY, "mysql-2")},
        "degraded",
    ),
    "pod still starting": (
        lambda world: world.pod("mysql-2", ready=False, running=False),
        {(Kind.POD_NOT_READY, "mysql-2"), (Kind.INSTANCE_UNREACHABLE, "mysql-2")},
        "degraded",
    ),
    "primary's pod not ready": (lambda world: world.pod("mysql-0", ready=False), {(Kind.POD_NOT_READY, "mysql-0")}, "failed"),
    "one pod too many": (lambda world: world.store.put(stateful_set(2)), {(Kind.POD_UNEXPECTED, "mysql-2")}, "healthy"),
    "replica down": (lambda world: down(world, 2), {(Kind.INSTANCE_UNREACHABLE, "mysql-2")}, "degraded"),
    "primary down": (lambda world: down(world, 0), {(Kind.INSTANCE_UNREACHABLE, "mysql-0"), *NO_GTIDS}, "failed"),
    "all down": (
        lambda world: down(world, 0, 1, 2),
        {(Kind.INSTANCE_UNREACHABLE, name) for name in NAMES.instances(3)},
        "lost",
    ),
    "wrong credentials": (
        lambda world: down(world, 0, 1, 2, error=AccessDenied("Access denied", 1045)),
        {(Kind.ACCESS_DENIED, name) for name in NAMES.instances(3)},
        "failed",
    ),
    "users not there yet": (
        not_ready_and_refused,
        {(Kind.ACCESS_PENDING, "mysql-2"), (Kind.POD_NOT_READY, "mysql-2")},
        "degraded",
    ),
    "statement refused": (
        lambda world: world.servers[1].refusals.update({"REPLICA STATUS": SqlError("denied", 1227)}),
        {(Kind.INSTANCE_UNREADABLE, "mysql-1")},
        "degraded",
    ),
    "primary read-only": (
        read_only_primary,
        {(Kind.PRIMARY_READ_ONLY, "mysql-0"), (Kind.NO_WRITABLE_INSTANCE, CLUSTER)},
        "failed",
    ),
    "two writers": (
        second_writer,
        {(Kind.REPLICA_WRITABLE, "mysql-1"), (Kind.MULTIPLE_WRITABLE_INSTANCES, CLUSTER)},
        "failed",
    ),
    "super_read_only off": (
        lambda world: setattr(world.servers[1], "super_read_only", 0),
        {(Kind.REPLICA_SUPER_READ_ONLY_OFF, "mysql-1")},
        "degraded",
    ),
    "primary is a replica": (primary_with_a_source, {(Kind.PRIMARY_HAS_SOURCE, "mysql-0")}, "failed"),
    "replica without a source": (
        lambda world: setattr(world.servers[1], "channel", None),
        {(Kind.REPLICA_NOT_CONFIGURED, "mysql-1")},
        "degraded",
    ),
    "wrong source": (
        lambda world: world.channel(Source_UUID=uuid_of(102)),
        {(Kind.WRONG_SOURCE, "mysql-1")},
        "degraded",
    ),
    "right source by another name": (lambda world: world.channel(Source_Host="10.9.8.7"), set(), "healthy"),
    "never connected, right host": (never_connected_to("mysql-0.mysql.default.svc"), set(), "healthy"),
    "never connected, right address": (never_connected_to("10.0.0.10"), set(), "healthy"),
    "never connected, wrong host": (never_connected_to("mysql-2.mysql"), {(Kind.WRONG_SOURCE, "mysql-1")}, "degraded"),
    "never connected, wrong address": (never_connected_to("10.0.0.12"), {(Kind.WRONG_SOURCE, "mysql-1")}, "degraded"),
    "never connected, strange host": (never_connected_to("db.example.com"), {(Kind.SOURCE_UNKNOWN, "mysql-1")}, "degraded"),
    "receiver stopped": (
        lambda world: world.channel(Replica_IO_Running="No"),
        {(Kind.RECEIVER_STOPPED, "mysql-1")},
        "degraded",
    ),
    "receiver gave up": (
        lambda world: world.channel(Replica_IO_Running="No", Last_IO_Errno=13114, Last_IO_Error="purged"),
        {(Kind.RECEIVER_FAILED, "mysql-1")},
        "degraded",
    ),
    "receiver connecting": (
        lambda world: world.channel(Replica_IO_Running="Connecting", Seconds_Behind_Source=None),
        {(Kind.RECEIVER_CONNECTING, "mysql-1")},
        "degraded",
    ),
    "applier stopped": (
        lambda world: world.channel(Replica_SQL_Running="No", Seconds_Behind_Source=None),
        {(Kind.APPLIER_STOPPED, "mysql-1")},
        "degraded",
    ),
    "applier gave up": (
        lambda world: world.channel(Replica_SQL_Running="No", Last_SQL_Errno=1062, Last_SQL_Error="Duplicate entry"),
        {(Kind.APPLIER_FAILED, "mysql-1")},
        "degraded",
    ),
    "errors of running threads": (
        lambda world: world.channel(Last_IO_Errno=2003, Last_SQL_Errno=1205),
        {(Kind.STALE_REPLICATION_ERROR, "mysql-1")},
        "healthy",
    ),
    "lag unknown": (
        together(
            lambda world: world.channel(Seconds_Behind_Source=None),
            lambda world: world.servers[1].applier.update(lag_seconds=None),
        ),
        {(Kind.LAG_UNKNOWN, "mysql-1")},
        "degraded",
    ),
    "lag within the limit": (
        lambda world: world.servers[1].applier.update(lag_seconds=30),
        set(),
        "healthy",
    ),
    "lag over the limit": (
        lambda world: world.servers[1].applier.update(lag_seconds=30.5),
        {(Kind.LAG_HIGH, "mysql-1")},
        "degraded",
    ),
    "receiver hangs": (hanging_receiver, {(Kind.NOT_CAUGHT_UP, "mysql-1")}, "degraded"),
    "receiver hangs, a moment after an arrival": (
        together(hanging_receiver, lambda world: world.servers[1].applier.update(lag_seconds=0.004)),
        {(Kind.NOT_CAUGHT_UP, "mysql-1")},
        "degraded",
    ),
    "replica applies, within the limit, what it received": (
        together(hanging_receiver, lambda world: world.servers[1].applier.update(lag_seconds=20, last_received_at=None)),
        set(),
        "healthy",
    ),
    "receiver hangs from the start": (
        together(hanging_receiver, lambda world: world.servers[1].applier.update(last_received_at=None)),
        {(Kind.NOT_CAUGHT_UP, "mysql-1")},
        "degraded",
    ),
    "receiver hangs and there are no commit times": (
        together(hanging_receiver, lambda world: world.servers[1].applier.update(lag_seconds=None, last_received_at=None)),
        {(Kind.NOT_CAUGHT_UP, "mysql-1")},
        "degraded",
    ),
    "receiver is slow, within the limit": (
        together(hanging_receiver, lambda world: world.servers[1].applier.update(last_received_at=NOW - 20)),
        set(),
        "healthy",
    ),
    "errant transactions": (errant, {(Kind.ERRANT_TRANSACTIONS, "mysql-1")}, "degraded"),
    "a commit that the primary does not show yet": (ahead_of_the_primary, set(), "healthy"),
    "sets that cannot be read": (
        lambda world: setattr(world.servers[0], "purged", "nonsense"),
        NO_GTIDS,
        "degraded",
    ),
    "primary's set refused": (
        lambda world: world.servers[0].refusals.update({"SELECT @@global.gtid_executed": SqlError("denied", 1227)}),
        {(Kind.INSTANCE_UNREADABLE, "mysql-0"), *NO_GTIDS},
        "failed",
    ),
    "gtid_mode off": (
        together(
            lambda world: setattr(world.servers[0], "gtid_mode", "OFF"),
            lambda world: setattr(world.servers[1], "gtid_mode", "ON_PERMISSIVE"),
        ),
        {(Kind.GTID_OFF, "mysql-0"), (Kind.GTID_OFF, "mysql-1")},
        "healthy",
    ),
    "no auto-position": (lambda world: world.channel(Auto_Position=0), {(Kind.AUTO_POSITION_OFF, "mysql-1")}, "healthy"),
    "replica empty": (empty(1), {(Kind.INSTANCE_EMPTY, "mysql-1"), (Kind.NOT_CAUGHT_UP, "mysql-1")}, "degraded"),
    "primary empty": (empty(0), {(Kind.INSTANCE_EMPTY, "mysql-0")}, "failed"),
    "binlogs purged": (
        together(
            lambda world: setattr(world.servers[0], "purged", f"{uuid_of(100)}:1-3"),
            lambda world: setattr(world.servers[1], "executed", GtidSet.parse(f"{uuid_of(100)}:1-2:4-5")),
        ),
        {(Kind.NEEDED_BINLOGS_PURGED, "mysql-1"), (Kind.NOT_CAUGHT_UP, "mysql-1")},
        "degraded",
    ),
    "same server_id": (
        same("server_id"),
        # The primary still lists the number that the instance had when it connected.
        {(Kind.SERVER_ID_DUPLICATE, CLUSTER), (Kind.UNKNOWN_REPLICA, "mysql-0")},
        "degraded",
    ),
    "same server_uuid": (same("server_uuid"), {(Kind.SERVER_UUID_DUPLICATE, CLUSTER)}, "degraded"),
    "older replica": (
        lambda world: setattr(world.servers[1], "version", "9.6.9"),
        {(Kind.REPLICA_OLDER, "mysql-1")},
        "healthy",
    ),
    "unencrypted": (
        lambda world: world.channel(Source_SSL_Allowed="No"),
        {(Kind.REPLICATION_NOT_ENCRYPTED, "mysql-1")},
        "healthy",
    ),
    "healthy before anybody noted it": (lambda world: world.store.put(topology(bootstrapped=False)), set(), "healthy"),
    "never completed": (
        together(lambda world: world.store.put(topology(bootstrapped=False)), lambda world: down(world, 2)),
        {(Kind.INSTANCE_UNREACHABLE, "mysql-2")},
        "incomplete",
    ),
    "being provisioned": (
        initialising,
        {(Kind.POD_NOT_READY, "mysql-2"), (Kind.PROVISIONING, "mysql-2"), (Kind.INSTANCE_UNREACHABLE, "mysql-2")},
        "degraded",
    ),
    "restarted a minute ago": (restarted(60), {(Kind.CONTAINER_RESTARTED, "mysql-1")}, "healthy"),
    "restarted an hour ago": (restarted(3600), set(), "healthy"),
    "one node for all": (one_node, {(Kind.PODS_ON_ONE_NODE, CLUSTER)}, "healthy"),
    "claim that is resized": (
        lambda world: world.store.put(claim("mysql-1", "2Gi", "2Gi", RESIZING)),
        {(Kind.CLAIM_RESIZING, "mysql-1")},
        "healthy",
    ),
    "claim that is too small": (
        lambda world: world.store.put(claim("mysql-2", "2Gi", "1024Mi")),
        {(Kind.CLAIM_RESIZING, "mysql-2")},
        "healthy",
    ),
    "claim that is larger": (lambda world: world.store.put(claim("mysql-2", "1Gi", "1100Mi")), set(), "healthy"),
    "writes go to a replica": (leads_to("mysql-primary", "mysql-1"), {(Kind.PRIMARY_SERVICE_MISROUTED, CLUSTER)}, "degraded"),
    "writes go to a replica as well": (
        leads_to("mysql-primary", "mysql-0", "mysql-1"),
        {(Kind.PRIMARY_SERVICE_MISROUTED, CLUSTER)},
        "degraded",
    ),
    "writes go nowhere": (leads_to("mysql-primary"), {(Kind.PRIMARY_SERVICE_MISROUTED, CLUSTER)}, "degraded"),
    "reads miss an instance": (
        leads_to("mysql-read", "mysql-0", "mysql-1"),
        {(Kind.READ_SERVICE_MISROUTED, CLUSTER)},
        "degraded",
    ),
    "reads go to a stranger": (
        leads_to("mysql-read", *NAMES.instances(3), "other-0"),
        {(Kind.READ_SERVICE_MISROUTED, CLUSTER)},
        "degraded",
    ),
    "claims withheld": (forbidden, {(Kind.API_FORBIDDEN, CLUSTER)}, "degraded"),
    "replica that the primary does not know": (
        lambda world: world.servers[0].registered.remove(101),
        {(Kind.REPLICA_NOT_REGISTERED, "mysql-1")},
        "degraded",
    ),
    "replica of nobody's": (
        lambda world: world.servers[0].registered.append(999),
        {(Kind.UNKNOWN_REPLICA, "mysql-0")},
        "healthy",
    ),
    "commit that is not acknowledged": (around(0, semi_sync_wait=2), {(Kind.SEMI_SYNC_WAITING, "mysql-0")}, "degraded"),
    "commit that is just being acknowledged": (around(0, semi_sync_wait=1), set(), "healthy"),
    "clone cut off": (
        lambda world: setattr(world.servers[1], "clone_state", "Failed"),
        {(Kind.CLONE_INCOMPLETE, "mysql-1")},
        "degraded",
    ),
    "accounts of an older collection": (
        lambda world: setattr(world.servers[1], "account", "kubemysql_admin@%"),
        {(Kind.ACCOUNTS_OUTDATED, "mysql-1")},
        "healthy",
    ),
    "an account of the user's own": (lambda world: setattr(world.servers[1], "account", "app@%"), set(), "healthy"),
    "certificate expired": (around(1, certificate_until=NOW - 1), {(Kind.CERTIFICATE_EXPIRED, "mysql-1")}, "degraded"),
    "certificate expires soon": (
        around(1, certificate_until=NOW + 29 * DAY),
        {(Kind.CERTIFICATE_EXPIRING, "mysql-1")},
        "healthy",
    ),
    "certificate that nobody tells of": (around(1, certificate_until=None), set(), "healthy"),
    "volume full": (around(0, volume_free=2**30 * 0.09), {(Kind.VOLUME_FULL, "mysql-0")}, "degraded"),
    "volume filling": (around(1, volume_free=2**30 * 0.39), {(Kind.VOLUME_FILLING, "mysql-1")}, "healthy"),
    "volume of which nobody tells": (around(1, volume_size=None, volume_free=None), set(), "healthy"),
    "MariaDB": (on_mariadb("0-100-5", "0-100-5"), set(), "healthy"),
    "MariaDB, a replica ahead of what the primary shows": (on_mariadb("0-100-6", "0-100-5"), set(), "healthy"),
    "MariaDB, errant": (on_mariadb("0-100-5,0-101-6", "0-100-5"), {(Kind.ERRANT_TRANSACTIONS, "mysql-1")}, "degraded"),
    "MariaDB, not understood": (on_mariadb("nonsense", "0-100-5"), {(Kind.GTID_UNKNOWN, "mysql-1")}, "degraded"),
    "MariaDB, no binary log": (on_mariadb("", "0-100-5"), {(Kind.GTID_OFF, "mysql-1")}, "healthy"),
    "scaled to nothing": (
        together(lambda world: world.store.put(stateful_set(0)), remove_pods),
        set(),
        "offline",
    ),
}

# Made by the canary, and tested with it.
OF_THE_CANARY = {Kind.CANARY_TIMED_OUT, Kind.CANARY_UNKNOWN, Kind.CANARY_NOT_REMOVED}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    spoil, expected, state = BROKEN[name]
    world = World()
    spoil(world)
    assessment = world.assess()
    assert {(each.kind, each.instance) for each in assessment.findings} == expected
    assert assessment.state == state


def test_a_pod_that_is_not_ready_is_quoted() -> None:
    """The kubelet reports which container is not ready; the pod acknowledges why. Nobody else is asked."""
    world = World()
    world.pod("mysql-2", ready=False)
    ours(world)
    asked: list[str] = []

    def acknowledge(name: str) -> Acknowledgement:
        asked.append(name)
        return Acknowledgement(0, INTENT.intent, role="replica", reason="the replica is 40 s behind, more than 30 s")

    world.acknowledge = acknowledge
    (finding,) = world.assess().findings
    assert finding.message == "the pod is not ready: the replica is 40 s behind, more than 30 s"
    assert asked == ["mysql-2"]


def test_every_finding_is_made_to_happen() -> None:
    made = {kind for _spoil, expected, _state in BROKEN.values() for kind, _instance in expected}
    assert made | OF_THE_CANARY == set(Kind)


def test_every_state_is_reached_and_described() -> None:
    assert {state for _spoil, _expected, state in BROKEN.values()} == {state for state, _holds in STATES}
    assert all(holds.__doc__ for _state, holds in STATES)


@pytest.mark.parametrize("name", BROKEN)
def test_some_state_always_holds_and_only_a_flawless_one_is_healthy(name: str) -> None:
    world = World()
    BROKEN[name][0](world)
    observation = world.observe()
    findings = assess(observation, max_lag=30).findings
    states = [state for state, holds in STATES if holds(Case(observation, findings))]
    assert states
    if "healthy" in states:
        assert not [each for each in findings if each.kind.severity in ("critical", "unknown")]


def test_findings_come_in_the_order_of_the_instances_and_once() -> None:
    world = World()
    # Both replicas tell it of the primary.
    empty(0)(world)
    world.servers[2].super_read_only = 0
    assessment = world.assess()
    assert [each.instance for each in assessment.findings] == ["mysql-0", "mysql-2"]


def test_instances_beyond_nine_are_in_order() -> None:
    world = World(deployed(12), list(replicating(12)))
    for server in world.servers[1:]:
        server.super_read_only = 0
    assert [each.instance for each in world.assess().findings] == list(NAMES.instances(12))[1:]


def test_a_cluster_of_one() -> None:
    assert World(deployed(1), list(replicating(1))).assess().state == "healthy"


def test_unknown_is_never_healthy() -> None:
    assert {kind.severity for kind in Kind} == {"warning", "critical", "unknown"}
    world = World()
    assert world.assess().healthy
    world.channel(Seconds_Behind_Source=None)
    world.servers[1].applier.update(lag_seconds=None)
    assert not world.assess().healthy


def test_an_instance_that_nobody_looked_at_is_not_healthy() -> None:
    seen = World().observe()
    assert is_healthy(Case(seen, ()))
    assert not is_healthy(Case(replace(seen, instances=seen.instances[:2]), ()))


def test_codes_are_stable_words() -> None:
    assert all(kind.code == kind.code.lower() and " " not in kind.code for kind in Kind)
    assert len({kind.value for kind in Kind}) == len(Kind)
    assert all(kind.value.predicate.endswith(".") and kind.value.remedy.endswith(".") for kind in Kind)


def test_assess_reads_nothing_but_its_arguments() -> None:
    world = World()
    observation = world.observe()
    assert assess_module.assess(observation, 30) == assess_module.assess(observation, 30)
