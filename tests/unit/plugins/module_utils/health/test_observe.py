# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiForbidden, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.health.kubernetes_state import read_kubernetes_state
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import ObjectStore
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.status import History
from ansible_collections.kubemysql.replication.plugins.module_utils.parallel import map_parallel
from unit.fakes.kubernetes_objects import NAMES, TARGET, deployed, stateful_set, topology
from unit.fakes.mysql import FakeConnector, FakeServer, replicating
from unit.fakes.store import FakeObjectStore, pod


@pytest.mark.parametrize("replicas", [1, 3, 12])
def test_requests_do_not_grow_with_replicas(replicas: int) -> None:
    store: ObjectStore = deployed(replicas)
    observe(store, SessionPool(FakeConnector(*replicating(replicas)), 1), TARGET)
    assert isinstance(store, FakeObjectStore)
    assert sorted(store.requests) == [
        ("get", "ConfigMap", "mysql-topology"),
        ("get", "Endpoints", "mysql-primary"),
        ("get", "Endpoints", "mysql-read"),
        ("get", "StatefulSet", "mysql"),
        ("list", "PersistentVolumeClaim", ""),
        ("list", "Pod", ""),
    ]


def test_few_statements() -> None:
    servers = replicating()
    observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET)
    assert [len(server.log) for server in servers] == [6, 5, 5]


def test_all_instances_at_the_same_time() -> None:
    """Nobody is asked to wait for another: each answers only when all have been asked."""
    # Far more than any machine needs: it ends only what would hang.
    everybody = threading.Barrier(3, timeout=600)

    def wait(_server: FakeServer, sql: str) -> None:
        if sql.startswith("SELECT @@global.version"):
            everybody.wait()

    servers = replicating()
    for server in servers:
        server.on_statement = wait
    assert all(each.status for each in observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET).instances)


def test_the_primary_is_read_again_after_every_replica() -> None:
    """A transaction that a replica applied while it was being asked is found on the primary, not called errant."""
    servers = replicating()

    def commit(server: FakeServer, sql: str) -> None:
        if "REPLICA STATUS" in sql and server is not servers[0]:
            servers[0].commit()

    for server in servers:
        server.on_statement = commit
    observation = observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET)
    assert observation.primary_history == History(str(servers[0].executed))


def test_what_is_on_its_way_is_waited_for() -> None:
    servers = replicating()
    primary, late, _other = servers
    primary.followers = []
    primary.commit()

    def arrive(server: FakeServer, sql: str) -> None:
        if "WAIT_FOR" in sql:
            server.executed |= primary.executed

    late.on_statement = arrive
    observation = observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET)
    assert [each.caught_up for each in observation.instances] == [None, True, False]


@pytest.mark.parametrize(
    ("thread", "state"), [("Replica_IO_Running", "No"), ("Replica_IO_Running", "Connecting"), ("Replica_SQL_Running", "No")]
)
def test_nothing_is_waited_for_where_nothing_arrives(thread: str, state: str) -> None:
    servers = replicating()
    assert servers[1].channel is not None
    servers[1].channel[thread] = state
    servers[0].commit()
    observation = observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET)
    assert not any("WAIT_FOR" in sql for sql in servers[1].log)
    assert observation.instances[1].caught_up is None


def test_the_lag_seen_after_waiting_in_vain_counts() -> None:
    servers = replicating()
    servers[0].followers = []
    servers[0].commit()

    def begin_to_apply(server: FakeServer, sql: str) -> None:
        if "WAIT_FOR" in sql:
            server.applier.update(lag_seconds=5)

    servers[1].on_statement = begin_to_apply
    seen = observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET).instances[1]
    assert seen.channel is not None
    assert (seen.caught_up, seen.channel.lag) == (False, 5.0)


def test_a_replica_lost_while_catching_up() -> None:
    servers = replicating()
    servers[0].followers = []
    servers[0].commit()
    servers[1].refusals = {"WAIT_FOR": Unreachable("lost")}
    seen = observe(deployed(), SessionPool(FakeConnector(*servers), 1), TARGET).instances[1]
    assert seen.status is None
    assert seen.problem is not None
    assert (seen.problem.kind, seen.problem.message) == ("unreachable", "lost")


def test_pods_without_a_running_server_are_not_called() -> None:
    store = deployed()
    store.put(pod("mysql-1", NAMES.labels, ready=False, running=False))
    connector = FakeConnector(*replicating())
    observation = observe(store, SessionPool(connector, 1), TARGET)
    assert [name for name, _session in connector.sessions] == ["mysql-0", "mysql-2"]
    assert observation.instances[1].problem is not None
    assert "has not started" in observation.instances[1].problem.message


def test_the_session_of_a_pod_that_is_gone_is_given_up() -> None:
    store, connector = deployed(), FakeConnector(*replicating())
    pool = SessionPool(connector, 1)
    observe(store, pool, TARGET)
    store.delete("Pod", "mysql-2")
    observe(store, pool, TARGET)
    assert [name for name, session in connector.sessions if session.closed] == ["mysql-2"]


def test_other_peoples_pods_may_name_their_container_as_they_like() -> None:
    store = deployed()
    foreign = pod("mysql-1", NAMES.labels)
    foreign["status"]["containerStatuses"][0]["name"] = "database"
    store.put(foreign)
    assert observe(store, SessionPool(FakeConnector(*replicating()), 1), TARGET).instances[1].status is not None


def test_errors_of_the_api_server_are_not_findings() -> None:
    store = deployed()
    store.failures = {("list", "Pod"): ApiForbidden("may not list pods", 403)}
    with pytest.raises(ApiForbidden):
        observe(store, SessionPool(FakeConnector(), 1), TARGET)


def test_kubernetes_state() -> None:
    store = FakeObjectStore(stateful_set(2), topology("mysql-1", bootstrapped=False), pod("mysql-5", NAMES.labels))
    state = read_kubernetes_state(store, TARGET)
    assert state.instances == ("mysql-0", "mysql-1", "mysql-5")
    assert (state.wanted, state.topology_primary, state.bootstrapped) == (2, "mysql-1", False)
    assert state.pods["mysql-5"].address == "10.0.0.15"


def test_the_intent_is_read_as_the_pods_read_it() -> None:
    data = {"primary": " mysql-0\nsecond line\n", "epoch": "2", "bootstrapped": ""}
    state = read_kubernetes_state(FakeObjectStore({**topology(), "data": data}), TARGET)
    assert state.intent == {"primary": "mysql-0", "epoch": "2"}


def test_kubernetes_state_of_nothing() -> None:
    state = read_kubernetes_state(FakeObjectStore(), TARGET)
    assert (state.instances, state.wanted, state.intent, state.topology_primary) == ((), None, None, None)


BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"containerStatuses": [{"name": "mysql", "state": {"waiting": BACK_OFF}}]}, "mysql: CrashLoopBackOff: back-off"),
        ({"containerStatuses": [], "phase": "Pending"}, "Pending"),
        ({"conditions": [{"type": "Ready", "status": "False", "message": "unready: [mysql]"}]}, "unready: [mysql]"),
    ],
)
def test_why_a_pod_is_not_ready(changes: dict[str, object], words: str) -> None:
    unready = pod("mysql-0", NAMES.labels, ready=False)
    unready["status"].update(changes)
    assert read_kubernetes_state(FakeObjectStore(unready), TARGET).pods["mysql-0"].why_not_ready == words


def test_at_once_keeps_order_and_raises() -> None:
    assert list(map_parallel(lambda n: n * n, [3, 1, 2]).items()) == [(3, 9), (1, 1), (2, 4)]
    assert map_parallel(lambda n: n, []) == {}
    with pytest.raises(ZeroDivisionError):
        map_parallel(lambda n: 1 / n, [1, 0])
