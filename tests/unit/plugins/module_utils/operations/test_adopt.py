# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that somebody else deployed: what forbids to take it over, in which order it happens, and cut off anywhere."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiError, SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.health.kubernetes_state import ClusterTarget
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observation import ClusterObservation
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.adopt import Adoption, adopt, plan_adoption
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import WaitOptions, plan_deployment
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.outcome import Outcome
from ansible_collections.kubemysql.replication.plugins.module_utils.wait import Clock
from params import cluster_spec
from unit.fakes.cluster import Controllers, FakeDiagnostics, FakePods, FakeRuntime, completed
from unit.fakes.kubernetes_objects import NAMES
from unit.fakes.mysql import FakeConnector, FakeServer, replicating, uuid_of
from unit.fakes.store import FakeObjectStore, pod

THEIRS = {"app": "mysql"}
INSTANCES = NAMES.instances(3)


def stateful_set() -> Manifest:
    mount = {"name": "data", "mountPath": "/var/lib/mysql", "subPath": "mysql"}
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "mysql"},
        "spec": {
            "replicas": 3,
            "serviceName": "mysql",
            "selector": {"matchLabels": dict(THEIRS)},
            "template": {"spec": {"containers": [{"name": "mysql", "volumeMounts": [mount]}, {"name": "xtrabackup"}]}},
            "volumeClaimTemplates": [claim],
        },
    }


def foreign() -> FakeObjectStore:
    service = {"spec": {"selector": dict(THEIRS), "ports": []}}
    claims = [{"kind": "PersistentVolumeClaim", "metadata": {"name": f"data-{each}", "labels": THEIRS}} for each in INSTANCES]
    return FakeObjectStore(
        stateful_set(),
        {"kind": "ConfigMap", "metadata": {"name": "mysql"}, "data": {"master.cnf": "[mysqld]\nlog-bin\n"}},
        {"kind": "Service", "metadata": {"name": "mysql-read"}, **service},
        *(pod(name, THEIRS) for name in INSTANCES),
        *claims,
    )


class Servers:
    """The servers of the existing cluster."""

    def __init__(self, store: FakeObjectStore) -> None:
        self.store = store
        self.servers = list(replicating())
        self.switched: tuple[object, ...] | None = None

    def switch_gtids_on(self, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
        del timeout, clock
        self.switched = (primary, replicas, ("StatefulSet", "mysql") in self.store.objects)

    def observe(self, selector: Mapping[str, str]) -> ClusterObservation:
        return observe(self.store, SessionPool(FakeConnector(*self.servers), 1), ClusterTarget(NAMES, selector), catch_up=1)


World = tuple[FakeObjectStore, Servers]


@pytest.fixture
def world() -> World:
    store = foreign()
    return store, Servers(store)


def plan(world: World, **given: t.Any) -> Adoption:
    store, servers = world
    read = FakePods(store, NAMES)
    return plan_adoption(store.planning(), cluster_spec(**given), FakeRuntime(), servers, read, wait=False)


def attempt(world: World, adoption: Adoption) -> Outcome:
    store, servers = world
    planner, time = store.planning(), Controllers(store, NAMES)
    diagnostics, runtime = FakeDiagnostics(), FakeRuntime()
    waiting = WaitOptions(diagnostics, FakePods(store, NAMES), 1, time)
    return adopt(store, adoption, runtime, servers, planner=planner, wait=False, waiting=waiting).outcome


def carry_out(world: World, adoption: Adoption) -> None:
    completed(attempt(world, adoption))


def real(adoption: Adoption) -> list[tuple[str, str, str]]:
    return [(each.action, each.kind, each.name) for each in adoption.deployment.changes if each.action != "none"]


def test_without_the_option_it_is_refused(world: World) -> None:
    store, _servers = world
    with pytest.raises(SpecError, match="adopt: StatefulSet mysql is there, and this collection did not deploy it"):
        plan_deployment(store.planning(), cluster_spec(), FakeRuntime(), FakePods(store, NAMES), wait=False)
    assert {verb for verb, _kind, _name in store.requests} <= {"get", "list", "version"}


def test_a_plan_says_everything_and_changes_nothing(world: World) -> None:
    before = dict(world[0].objects)
    planned = plan(world)
    assert world[0].objects == before
    changes = real(planned)
    assert [each for each in changes if each[0] != "create"] == [
        *(("update", "PersistentVolumeClaim", f"data-{name}") for name in INSTANCES),
        ("adopt", "Service", "mysql-read"),
        ("adopt", "StatefulSet", "mysql"),
    ]
    assert planned.foreign is not None
    assert "mysql-0 among them" in planned.foreign.warning
    (fields,) = [each.fields for each in planned.deployment.changes if (each.kind, each.name) == ("Service", "mysql-read")]
    assert "spec.selector.app" in {field.path for field in fields if field.after is None}


def test_a_pod_that_is_on_its_way_out_is_not_deleted_again(world: World) -> None:
    store, _servers = world
    deployment = plan(world)
    store.edit("Pod", "mysql-1", {"metadata": {"deletionTimestamp": "2026-01-01T12:00:00Z"}}, "kubectl")
    carry_out(world, deployment)
    assert [name for verb, kind, name in store.requests if (verb, kind) == ("delete", "Pod")] == ["mysql-0", "mysql-2"]


def test_everything_becomes_ours(world: World) -> None:
    store, _servers = world
    theirs = store.objects["ConfigMap", "mysql"]
    carry_out(world, plan(world))
    live = store.objects["StatefulSet", "mysql"]
    assert live["spec"]["selector"]["matchLabels"] == NAMES.selector
    assert store.objects["Service", "mysql-read"]["spec"]["selector"] == NAMES.selector
    # No pod uses it any more, and it is not ours.
    assert store.objects["ConfigMap", "mysql"] == theirs
    topology = store.objects["ConfigMap", "mysql-topology"]["data"]
    assert topology == {
        "epoch": "1",
        "primary": "mysql-0",
        "bootstrapped": "2026-01-01T12:00:00Z",
        "cluster": "c1",
    }
    for name in INSTANCES:
        assert store.objects["PersistentVolumeClaim", f"data-{name}"]["metadata"]["labels"] == {**THEIRS, **NAMES.selector}
        # The controller makes them again.
        assert ("Pod", name) not in store.objects
    assert ("orphan", "StatefulSet", "mysql") in store.requests
    assert ("delete", "StatefulSet", "mysql") not in store.requests
    # It is created anew, after what its pods mount.
    assert ("take_over", "StatefulSet", "mysql") not in store.requests
    assert not plan(world).deployment.changed


@pytest.mark.parametrize("mode", ["ON", "OFF", "ON_PERMISSIVE"])
def test_gtids_are_switched_on_before_anything_else(world: World, mode: str) -> None:
    store, servers = world
    for server in servers.servers:
        server.gtid_mode = mode
    planned = plan(world)
    assert planned.foreign is not None
    assert ("GTIDs are switched on" in planned.foreign.warning) is (mode != "ON")
    assert servers.switched is None
    carry_out(world, planned)
    assert servers.switched == (None if mode == "ON" else ("mysql-0", ("mysql-1", "mysql-2"), True))
    assert store.objects["StatefulSet", "mysql"]["spec"]["selector"]["matchLabels"] == NAMES.selector


def test_passwords_and_topology_come_before_the_stateful_set_goes(world: World) -> None:
    store, _servers = world
    planned = plan(world)
    store.requests.clear()
    carry_out(world, planned)
    written = [request for request in store.requests if request[0] not in ("get", "list", "version")]
    gone = written.index(("orphan", "StatefulSet", "mysql"))
    assert written[:2] == [("apply", "ConfigMap", "mysql-topology"), ("apply", "Secret", "mysql")]
    assert {kind for _verb, kind, _name in written[2:gone]} == {"PersistentVolumeClaim", "Pod"}


@pytest.mark.parametrize(
    "failure",
    [
        ("apply", "PersistentVolumeClaim"),
        ("apply", "Pod"),
        ("orphan", "StatefulSet"),
        ("take_over", "Service"),
        ("delete", "Pod"),
    ],
)
def test_cut_off_anywhere_the_next_run_carries_on(world: World, failure: tuple[str, str]) -> None:
    store, _servers = world
    planned = plan(world)
    store.failures[failure] = ApiError("gone", 500)
    outcome = attempt(world, planned)
    assert outcome.error is store.failures[failure]
    assert outcome.changed is True
    store.failures.clear()
    password = store.objects["Secret", "mysql"]["data"]
    carry_out(world, plan(world))
    assert store.objects["Secret", "mysql"]["data"] == password
    assert store.objects["ConfigMap", "mysql-topology"]["data"]["primary"] == "mysql-0"
    assert store.objects["StatefulSet", "mysql"]["spec"]["selector"]["matchLabels"] == NAMES.selector
    assert not [kind for kind, _name in store.objects if kind == "Pod"]


class SlowDeletion(FakeObjectStore):
    """The garbage collector needs its time to release the pods."""

    def delete(self, kind: str, name: str, *, orphan: bool = False) -> None:
        if not orphan:
            super().delete(kind, name)


@pytest.mark.parametrize("patience", [1, 10])
def test_the_stateful_set_has_to_be_gone_before_anything_else_happens(world: World, patience: float) -> None:
    store, servers = world
    planned, time = plan(world), Controllers(store, NAMES)
    store.__class__ = SlowDeletion
    time.at(5, lambda: FakeObjectStore.delete(store, "StatefulSet", "mysql", orphan=True))
    waiting = WaitOptions(FakeDiagnostics(), FakePods(store, NAMES), patience, time)
    outcome = adopt(store, planned, FakeRuntime(), servers, planner=store.planning(), wait=False, waiting=waiting).outcome
    if patience > 5:
        assert outcome.error is None
        assert 5 <= time.time < 6
    else:
        assert outcome.error is not None
        assert outcome.error.message == "gave up after 1 s waiting for StatefulSet mysql to be gone"
        assert [kind for kind, _name in store.objects].count("Pod") == len(INSTANCES)


def claims_go_with_it(world: World) -> None:
    spec = world[0].objects["StatefulSet", "mysql"]["spec"]
    spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete"}


def other_claim(world: World) -> None:
    world[0].objects["StatefulSet", "mysql"]["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] = "db"


def other_class(world: World) -> None:
    world[0].objects["StatefulSet", "mysql"]["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "slow"


def other_folder(world: World) -> None:
    del world[0].objects["StatefulSet", "mysql"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][0]["subPath"]


def nothing_mounted(world: World) -> None:
    del world[0].objects["StatefulSet", "mysql"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]


def expressions(world: World) -> None:
    world[0].objects["StatefulSet", "mysql"]["spec"]["selector"]["matchExpressions"] = [{"key": "app", "operator": "Exists"}]


def sick(world: World) -> None:
    row = world[1].servers[1].channel
    assert row is not None
    row["Replica_SQL_Running"] = "No"


def lagging(world: World) -> None:
    world[1].servers[0].followers.clear()
    world[1].servers[0].add(GtidSet.parse(f"{uuid_of(100)}:6"))


@pytest.mark.parametrize(
    ("spoil", "given", "expected"),
    [
        (None, {"replicas": 5}, "replicas: is 5, and the cluster to adopt has 3"),
        (None, {"storage_size": "10Gi"}, "storage_size: is 10Gi, and the claims to adopt have 1Gi; set it to 1Gi"),
        (other_class, {"storage_class": "fast"}, "storage_class: is fast, and the claims to adopt have slow"),
        (None, {"image": "mysql:8.4"}, "image: holds MySQL 8.4, and mysql-0 runs 9.7.4"),
        (None, {"image": "mariadb:10.11"}, "image: holds MariaDB 10.11, and mysql-0 runs 9.7.4"),
        (None, {"server_id_base": 1}, "server_id_base: gives mysql-0 the server_id 1, and it has 100; set it to 100"),
        (claims_go_with_it, {}, "adopt: its claims would be deleted together with it"),
        (other_claim, {}, "adopt: the StatefulSet has no volume claim template called 'data'"),
        (other_folder, {}, "adopt: /var/lib/mysql is data, subPath ''; expected the claim 'data' with subPath 'mysql'"),
        (nothing_mounted, {}, "adopt: /var/lib/mysql is nothing; expected"),
        (expressions, {}, "adopt: the StatefulSet selects its pods by matchExpressions"),
        (sick, {}, "adopt: the cluster has to be healthy first"),
        (lagging, {}, "adopt: "),
    ],
)
def test_what_does_not_fit_is_refused(
    world: World, spoil: Callable[[World], None] | None, given: dict[str, t.Any], expected: str
) -> None:
    if spoil:
        spoil(world)
    with pytest.raises(SpecError) as caught:
        plan(world, **given)
    assert caught.value.message.startswith(expected), caught.value.message
    assert {verb for verb, _kind, _name in world[0].requests} <= {"get", "list", "version"}


def test_the_changes_of_an_adoption_are_those_of_its_plan(world: World) -> None:
    planned = plan(world)
    assert attempt(world, planned).changes == planned.deployment.changes


def test_what_was_adopted_is_planned_once(world: World) -> None:
    store, _servers = world
    carry_out(world, plan(world))
    for name in INSTANCES:
        store.put(pod(name, NAMES.labels))
    again = plan(world)
    assert again.foreign is None
    store.requests.clear()
    carry_out(world, again)
    assert store.requests == [("list", "Pod", "")]


def test_servers_do_not_use_the_names_of_ours(world: World) -> None:
    """Its own servers are named by the StatefulSet; a further pod with its labels is one too many."""
    world[0].put(pod("mysql-7", THEIRS))
    world[1].servers.append(FakeServer("mysql-7", 107))
    with pytest.raises(SpecError, match="the cluster has to be healthy first"):
        plan(world)


def test_without_a_cluster_nothing_is_adopted() -> None:
    """The option may stay in a playbook; a new cluster takes over nothing."""
    store = FakeObjectStore({"kind": "ConfigMap", "metadata": {"name": "mysql-topology"}, "data": {"app.ini": "x"}})
    with pytest.raises(SpecError, match="needs the ConfigMap mysql-topology, and there is one that this collection did not"):
        plan((store, Servers(store)))
