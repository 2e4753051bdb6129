# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.health.canary import CanaryResult, run_canary
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from unit.fakes.clock import FakeClock
from unit.fakes.kubernetes_objects import TARGET, deployed
from unit.fakes.mysql import FakeConnector, FakeServer, replicating


def write_canary(*servers: FakeServer, timeout: float = 1.0, clock: FakeClock | None = None) -> CanaryResult:
    pool = SessionPool(FakeConnector(*servers), 5)
    seen = observe(deployed(len(servers)), pool, TARGET)
    return run_canary(pool, seen, timeout=timeout, clock=clock or FakeClock())


def kinds(result: CanaryResult) -> list[tuple[Kind, str | None]]:
    return [(each.kind, each.instance) for each in result.findings]


def test_arrives_and_leaves_nothing() -> None:
    servers = replicating()
    result = write_canary(*servers)
    assert result.arrived
    assert result.findings == ()
    assert [(a.instance, a.milliseconds) for a in result.arrivals] == [("mysql-1", 0.0), ("mysql-2", 0.0)]
    assert [server.tables for server in servers] == [{}, {}, {}]
    assert any("DROP SCHEMA" in sql for sql in servers[0].log)


def test_each_run_has_a_table_and_a_token_of_its_own() -> None:
    primary, replica = replicating(2)
    for _round in range(2):
        write_canary(primary, replica)
    created = [sql for sql in primary.log if sql.startswith("CREATE TABLE")]
    assert len(set(created)) == 2


def test_no_replicas() -> None:
    assert write_canary(*replicating(1)).arrived


def test_row_that_does_not_arrive() -> None:
    servers = replicating()
    assert servers[2].channel is not None
    servers[2].channel["Replica_SQL_Running"] = "No"
    clock = FakeClock()
    result = write_canary(*servers, clock=clock)
    assert clock.time == pytest.approx(1.0, abs=0.06)
    assert not result.arrived
    assert kinds(result) == [(Kind.CANARY_TIMED_OUT, "mysql-2")]
    assert "within 1 s" in result.findings[0].message


def test_read_only_primary() -> None:
    servers = replicating()
    servers[0].read_only = 1
    result = write_canary(*servers)
    assert (result.attempted, result.arrived) == (False, False)
    assert kinds(result) == [(Kind.CANARY_UNKNOWN, None)]
    assert not any(sql.startswith("CREATE") for sql in servers[0].log)


def test_unreachable_primary() -> None:
    servers = replicating()
    servers[0].down = Unreachable("gone")
    assert kinds(write_canary(*servers)) == [(Kind.CANARY_UNKNOWN, None)]


@pytest.mark.parametrize("words", ["GET_LOCK", "CREATE SCHEMA", "CREATE TABLE", "INSERT"])
def test_write_that_is_refused(words: str) -> None:
    servers = replicating()
    servers[0].refusals = {words: SqlError("refused", 1290)}
    result = write_canary(*servers)
    assert (result.attempted, result.arrived, result.reason) == (True, False, "refused")
    assert kinds(result) == [(Kind.CANARY_UNKNOWN, None)]
    assert [server.tables for server in servers] == [{}, {}, {}]


def test_replica_lost_meanwhile() -> None:
    servers = replicating()
    servers[1].refusals = {"information_schema": Unreachable("lost")}
    result = write_canary(*servers)
    assert not result.arrived
    assert kinds(result) == [(Kind.CANARY_UNKNOWN, "mysql-1")]


def test_what_cannot_be_removed_is_said() -> None:
    servers = replicating()
    servers[0].refusals = {"DROP TABLE": SqlError("refused", 1290)}
    result = write_canary(*servers)
    assert kinds(result) == [(Kind.CANARY_NOT_REMOVED, None)]
    assert result.arrived


def test_cleaned_up_even_when_interrupted() -> None:
    servers = replicating()

    def interrupt(_server: FakeServer, sql: str) -> None:
        if "WAIT_FOR" in sql:
            raise KeyboardInterrupt

    servers[1].on_statement = interrupt
    with pytest.raises(KeyboardInterrupt):
        write_canary(*servers)
    assert servers[0].tables == {}


def test_a_lock_that_is_never_free() -> None:
    servers, clock = replicating(), FakeClock()
    servers[0].locked = True
    result = write_canary(*servers, clock=clock)
    assert "have held the lock" in str(result.reason)
    assert clock.time < 20
    assert not any(sql.startswith("CREATE") for sql in servers[0].log)


def test_old_tables_go_and_others_stay() -> None:
    primary, replica = replicating(2)
    primary.tables = {"run_old1": set(), "mine_old": set()}
    write_canary(primary, replica)
    assert primary.tables == {"mine_old": set()}
    assert not any("DROP SCHEMA" in sql for sql in primary.log)


def test_tables_of_other_runs_stay() -> None:
    primary, replica = replicating(2)
    primary.tables = {"run_other": set()}
    write_canary(primary, replica)
    assert primary.tables == {"run_other": set()}
    assert not any("DROP SCHEMA" in sql for sql in primary.log)


def test_the_lock_is_let_go_whatever_happens() -> None:
    servers = replicating()
    servers[0].refusals = {"CREATE TABLE": SqlError("refused", 1290)}
    write_canary(*servers)
    locks = [sql for sql in servers[0].log if "_LOCK" in sql]
    assert len(locks) % 2 == 0
    assert [("GET" in sql, "RELEASE" in sql) for sql in locks] == [(True, False), (False, True)] * (len(locks) // 2)


def test_an_instance_that_is_no_primary_any_more_is_left_alone() -> None:
    """MariaDB would let the administration account write there."""
    servers = replicating()

    def demote(server: FakeServer, sql: str) -> None:
        if sql.startswith("INSERT"):
            server.read_only = 1

    servers[0].on_statement = demote
    result = write_canary(*servers)
    assert (Kind.CANARY_NOT_REMOVED, None) in kinds(result)
    assert "has become read-only" in result.findings[-1].message
    assert not any(sql.startswith("DROP") for sql in servers[0].log)
