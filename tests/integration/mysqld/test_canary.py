# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary on real servers: it arrives, it is late, it is refused, and it never leaves anything behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.kubemysql.replication.plugins.module_utils.constants import CANARY_SCHEMA
from ansible_collections.kubemysql.replication.plugins.module_utils.health.canary import CanaryResult, run_canary
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.wait import SystemClock
from integration.mysqld.judge import judge
from integration.mysqld.servers import Cluster
from unit.fakes.kubernetes_objects import TARGET, deployed
from waiting import eventually, scaled


def write_canary(pool: SessionPool, patience: float = 10) -> CanaryResult:
    return run_canary(pool, observe(deployed(), pool, TARGET), timeout=scaled(patience), clock=SystemClock())


@contextmanager
def flying(pool: SessionPool) -> Iterator[list[CanaryResult]]:
    """Do something else meanwhile; how it went is known afterwards."""
    results: list[CanaryResult] = []
    thread = threading.Thread(target=lambda: results.append(write_canary(pool, patience=3)))
    thread.start()
    try:
        yield results
    finally:
        thread.join()


def tables(cluster: Cluster) -> list[dict[str, object]]:
    """The remains of canaries on all servers."""
    cluster.settle()
    return [row for server in cluster.servers.values() for row in server.run(f"SHOW DATABASES LIKE '{CANARY_SCHEMA}'")]


def test_row_arrives_on_every_replica(cluster: Cluster, pool: SessionPool) -> None:
    begin = time.monotonic()
    result = write_canary(pool)
    milliseconds = 1000 * (time.monotonic() - begin)
    assert result.arrived
    assert result.findings == ()
    assert [arrival.instance for arrival in result.arrivals] == ["mysql-1", "mysql-2"]
    assert all(arrival.milliseconds is not None and 0 < arrival.milliseconds < milliseconds for arrival in result.arrivals)
    assert tables(cluster) == []
    assert judge(pool).healthy


def test_many_runs_at_once(cluster: Cluster, connector: PyMySqlConnector) -> None:
    results: list[CanaryResult] = []

    def run() -> None:
        pool = SessionPool(connector, timeout=scaled(10))
        for _round in range(3):
            results.append(write_canary(pool))
        pool.close()

    threads = [threading.Thread(target=run) for _round in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.findings for result in results] == [()] * 18
    assert all(result.arrived for result in results)
    assert tables(cluster) == []


def test_row_that_cannot_be_applied(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-2"].run("STOP REPLICA SQL_THREAD")
    result = write_canary(pool, patience=3)
    assert not result.arrived
    assert [(each.kind, each.instance) for each in result.findings] == [(Kind.CANARY_TIMED_OUT, "mysql-2")]
    assert result.arrivals[0].milliseconds is not None
    cluster["mysql-2"].run("START REPLICA")
    assert tables(cluster) == []


def test_row_that_a_filter_swallows(cluster: Cluster, pool: SessionPool) -> None:
    """Its GTID arrives, and the row does not: only reading it back tells."""
    swallow = f"CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE = ('{CANARY_SCHEMA}.%%')"
    cluster["mysql-1"].run("STOP REPLICA", swallow.replace("%%", "%"), "START REPLICA")
    cluster.settle()
    assert judge(pool).healthy
    result = write_canary(pool, patience=3)
    assert [(each.kind, each.instance) for each in result.findings] == [(Kind.CANARY_TIMED_OUT, "mysql-1")]
    cluster["mysql-1"].run("STOP REPLICA", "CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE = ()", "START REPLICA")


def test_read_only_primary_is_not_tried(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-0"].run("SET GLOBAL super_read_only = ON")
    result = write_canary(pool)
    assert (result.attempted, result.arrived) == (False, False)
    assert [each.kind for each in result.findings] == [Kind.CANARY_UNKNOWN]
    assert "read-only" in result.findings[0].message


def test_primary_that_turns_read_only_meanwhile(cluster: Cluster, pool: SessionPool) -> None:
    seen = observe(deployed(), pool, TARGET)
    cluster["mysql-0"].run("SET GLOBAL super_read_only = ON")
    result = run_canary(pool, seen, timeout=scaled(1), clock=SystemClock())
    assert (result.attempted, result.arrived) == (True, False)
    assert [each.kind for each in result.findings] == [Kind.CANARY_UNKNOWN]
    assert "has become read-only" in str(result.reason)


def test_user_without_the_right(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-0"].run("REVOKE ALL ON kubemysql_canary.* FROM kubemysql_admin@'127.0.0.1'")
    result = write_canary(pool)
    assert "1044" in str(result.reason)


def test_replica_that_is_gone(cluster: Cluster, connector: PyMySqlConnector) -> None:
    pool = SessionPool(connector, timeout=scaled(3))
    seen = observe(deployed(), pool, TARGET)
    cluster["mysql-2"].stop()
    try:
        result = run_canary(pool, seen, timeout=scaled(2), clock=SystemClock())
    finally:
        cluster["mysql-2"].start()
        cluster["mysql-2"].run("START REPLICA")
    assert [(each.kind, each.instance) for each in result.findings] == [(Kind.CANARY_UNKNOWN, "mysql-2")]
    assert tables(cluster) == []
    pool.close()


def test_primary_session_lost_before_the_end(cluster: Cluster, pool: SessionPool) -> None:
    """The row is written, then the session dies: cleaning up takes a new one."""
    cluster["mysql-1"].run("STOP REPLICA SQL_THREAD")
    primary = cluster["mysql-0"]
    with flying(pool) as results:
        eventually("the schema to be there", lambda: primary.run(f"SHOW DATABASES LIKE '{CANARY_SCHEMA}'"))
        for row in primary.run("SELECT id FROM information_schema.processlist WHERE user = 'kubemysql_admin'"):
            primary.run(f"KILL {row['id']}")
    assert results[0].left_behind is None
    cluster["mysql-1"].run("START REPLICA")
    assert tables(cluster) == []


def test_primary_that_does_not_let_the_table_go(cluster: Cluster, pool: SessionPool) -> None:
    """The row is written, then the primary turns read-only: the table stays, and that is said."""
    cluster["mysql-1"].run("STOP REPLICA SQL_THREAD")
    primary = cluster["mysql-0"]
    row = f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{CANARY_SCHEMA}'"
    with flying(pool) as results:
        eventually("the table to be there", lambda: primary.run(row))
        # Transactions that are being committed are let through before.
        primary.run("SET GLOBAL super_read_only = ON")
    assert Kind.CANARY_NOT_REMOVED in {each.kind for each in results[0].findings}
    assert "has become read-only" in str(results[0].left_behind)
    cluster["mysql-1"].run("START REPLICA")
    primary.run("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF", f"DROP DATABASE {CANARY_SCHEMA}")


def test_what_killed_runs_left_behind_is_removed_after_an_hour(cluster: Cluster, pool: SessionPool) -> None:
    primary = cluster["mysql-0"]
    primary.run(
        f"CREATE DATABASE {CANARY_SCHEMA}",
        "SET timestamp = UNIX_TIMESTAMP() - 7200",
        f"CREATE TABLE {CANARY_SCHEMA}.run_old (x INT)",
    )
    primary.run(f"CREATE TABLE {CANARY_SCHEMA}.run_new (x INT)")
    assert write_canary(pool).arrived
    assert primary.run(f"SHOW TABLES IN {CANARY_SCHEMA}") == [{f"Tables_in_{CANARY_SCHEMA}": "run_new"}]
    primary.run(f"DROP TABLE {CANARY_SCHEMA}.run_new")
    assert write_canary(pool).arrived
    assert tables(cluster) == []


def test_no_other_table_is_ever_touched(cluster: Cluster, pool: SessionPool) -> None:
    primary = cluster["mysql-0"]
    primary.run(
        f"CREATE DATABASE {CANARY_SCHEMA}",
        "SET timestamp = UNIX_TIMESTAMP() - 7200",
        f"CREATE TABLE {CANARY_SCHEMA}.mine (x INT)",
    )
    assert write_canary(pool).arrived
    assert primary.run(f"SHOW TABLES IN {CANARY_SCHEMA}") == [{f"Tables_in_{CANARY_SCHEMA}": "mine"}]
