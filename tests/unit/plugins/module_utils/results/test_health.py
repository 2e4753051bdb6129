# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.health.canary import run_canary
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.health.verify import Criteria, Verdict, WaitPolicy, verify
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.results.health import verification_result
from unit.fakes.clock import FakeClock
from unit.fakes.kubernetes_objects import TARGET, deployed, stateful_set
from unit.fakes.mysql import FakeConnector, FakeServer, replicating, uuid_of
from unit.fakes.store import FakeObjectStore

KEYS = {"state", "healthy", "primary", "endpoints", "instances", "findings", "canary", "summary", "table"}


def judged(*servers: FakeServer, timeout: float = 0, canary: bool = True, store: FakeObjectStore | None = None) -> Verdict:
    pool, clock = SessionPool(FakeConnector(*servers), 1), FakeClock()
    objects = store or deployed(len(servers))
    return verify(
        lambda: observe(objects, pool, TARGET),
        criteria=Criteria(max_lag=30),
        policy=WaitPolicy(timeout),
        clock=clock,
        canary=(lambda seen: run_canary(pool, seen, timeout=1, clock=clock)) if canary else None,
    )


def stopped_applier() -> tuple[FakeServer, ...]:
    servers = replicating()
    assert servers[1].channel is not None
    servers[1].channel["Replica_SQL_Running"] = "No"
    return servers


def test_healthy() -> None:
    result = verification_result(judged(*replicating()))
    assert result.keys() == KEYS
    assert (result["state"], result["healthy"], result["primary"], result["findings"]) == ("healthy", True, "mysql-0", [])
    assert result["canary"] == {
        "attempted": True,
        "arrived": True,
        "reason": None,
        "delays_ms": {"mysql-1": 0.0, "mysql-2": 0.0},
    }
    assert result["summary"] == (
        "The cluster is healthy: mysql-0 is the primary and 2 replicas follow it; the canary row arrived on each."
    )
    assert result["table"] == [
        "INSTANCE  ROLE     STATE  SOURCE              LAG",
        "mysql-0   primary  ok     -                   -",
        "mysql-1   replica  ok     mysql-0.mysql:3306  0.000 s",
        "mysql-2   replica  ok     mysql-0.mysql:3306  0.000 s",
    ]


def test_routes() -> None:
    result = verification_result(judged(*replicating()))
    assert result["endpoints"] == {"primary": ["mysql-0"], "read": ["mysql-0", "mysql-1", "mysql-2"]}
    eleven = verification_result(judged(*replicating(11)))["endpoints"]["read"]
    assert eleven is not None
    assert eleven[-2:] == ["mysql-9", "mysql-10"]
    nothing = verification_result(judged(store=FakeObjectStore(), canary=False))
    assert nothing["endpoints"] == {"primary": None, "read": None}


def test_instance() -> None:
    primary, replica, _other = verification_result(judged(*replicating()))["instances"]
    assert primary["role"] == "primary"
    assert (primary["source"], primary["io_running"], primary["lag_seconds"]) == (None, None, None)
    assert replica == {
        "name": "mysql-1",
        "role": "replica",
        "reachable": True,
        "ready": True,
        "problem": None,
        "version": "9.7.4",
        "server_id": 101,
        "server_uuid": uuid_of(101),
        "read_only": True,
        "super_read_only": True,
        "gtid_executed": f"{uuid_of(100)}:1-5",
        "source": "mysql-0.mysql:3306",
        "io_running": "yes",
        "sql_running": "yes",
        "lag_seconds": 0.0,
        "replication_encrypted": True,
        "volume_used_ratio": 0.5,
        "node": "node-1",
        "restarts": 0,
    }


def test_every_instance_has_the_same_keys() -> None:
    servers = replicating()
    servers[2].down = Unreachable("connection refused")
    instances = verification_result(judged(*servers))["instances"]
    assert len({frozenset(each) for each in instances}) == 1
    assert (instances[2]["reachable"], instances[2]["problem"], instances[2]["read_only"]) == (
        False,
        "connection refused",
        None,
    )


def test_unhealthy() -> None:
    result = verification_result(judged(*stopped_applier(), canary=False))
    (finding,) = result["findings"]
    assert (finding["code"], finding["severity"], finding["instance"]) == ("applier_stopped", "critical", "mysql-1")
    assert finding["remedy"].startswith("START REPLICA")
    assert result["summary"].startswith(
        "The cluster is degraded. mysql-1: the applier (SQL thread) is stopped [applier_stopped]."
    )
    assert result["table"][2].split() == ["mysql-1", "replica", "trouble", "mysql-0.mysql:3306", "unknown"]
    assert result["canary"] is None


def test_what_is_wrong_comes_before_what_is_unknown() -> None:
    servers = replicating()
    servers[0].down = Unreachable("connection refused")
    summary = verification_result(judged(*servers))["summary"]
    assert summary.index("instance_unreachable") < summary.index("gtid_unknown")


def test_results_are_json() -> None:
    for servers in (replicating(), stopped_applier()):
        json.dumps(verification_result(judged(*servers)))


@pytest.mark.parametrize(
    ("timeout", "words"), [(0.0, "The cluster is degraded. "), (3.0, "The cluster is degraded after 3 s of waiting. ")]
)
def test_failure(timeout: float, words: str) -> None:
    result = verification_result(judged(*stopped_applier(), timeout=timeout, canary=False))
    assert result["summary"].startswith(words)
    assert (result["state"], result["healthy"], result["canary"]) == ("degraded", False, None)


def test_hopeless() -> None:
    servers = replicating()
    servers[1].add(GtidSet.of({(uuid_of(7), ""): [(1, 1)]}))
    assert ", and waiting does not mend it" in verification_result(judged(*servers, timeout=60))["summary"]


def test_one_replica_and_none() -> None:
    assert "1 replica follows it; the canary" in verification_result(judged(*replicating(2)))["summary"]
    alone = verification_result(judged(*replicating(1)))["summary"]
    assert alone == "The cluster is healthy: mysql-0 is the primary and 0 replicas follow it."


def test_nothing_at_all() -> None:
    offline = verification_result(judged(store=FakeObjectStore(stateful_set(0)), canary=False))
    assert (offline["state"], offline["summary"], offline["instances"]) == ("offline", "The cluster is offline.", [])
    missing = verification_result(judged(store=FakeObjectStore(), canary=False))
    assert "[stateful_set_missing]" in missing["summary"]
