# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances broken on purpose: each break is found, by its name and on its instance, and nothing else is."""

from __future__ import annotations

import signal
import time

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from integration.mysqld.judge import finding, found, judge
from integration.mysqld.servers import Cluster
from waiting import scaled


def test_healthy(pool: SessionPool) -> None:
    assessment = judge(pool)
    assert (assessment.state, assessment.findings) == ("healthy", ())


def test_healthy_again_with_the_sessions_of_the_first_look(cluster: Cluster, pool: SessionPool) -> None:
    connections = "variable_value FROM performance_schema.global_status WHERE variable_name = 'Connections'"
    judge(pool)
    before = cluster["mysql-0"].value(connections)
    assert judge(pool).healthy
    # One more: the one that asks.
    assert int(str(cluster["mysql-0"].value(connections))) == int(str(before)) + 1


def test_errant_transaction(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-2"].write("CREATE DATABASE errant")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.ERRANT_TRANSACTIONS, "mysql-2")}
    errant = finding(assessment, Kind.ERRANT_TRANSACTIONS, "mysql-2").message
    assert f"{cluster['mysql-2'].value('@@server_uuid')}:1" in errant


def test_replica_writable(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-1"].run("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.REPLICA_WRITABLE, "mysql-1"), (Kind.MULTIPLE_WRITABLE_INSTANCES, None)}
    assert assessment.state == "failed"


def test_super_read_only_off(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-1"].run("SET GLOBAL super_read_only = OFF")
    assert found(judge(pool)) == {(Kind.REPLICA_SUPER_READ_ONLY_OFF, "mysql-1")}


def test_primary_read_only(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-0"].run("SET GLOBAL super_read_only = ON")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.PRIMARY_READ_ONLY, "mysql-0"), (Kind.NO_WRITABLE_INSTANCE, None)}
    assert assessment.state == "failed"


def test_primary_that_follows_somebody(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-0"].run("CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'elsewhere', SOURCE_AUTO_POSITION = 1")
    assert found(judge(pool)) == {(Kind.PRIMARY_HAS_SOURCE, "mysql-0")}


def test_killed_replica(cluster: Cluster, pool: SessionPool) -> None:
    judge(pool)
    cluster["mysql-1"].stop()
    try:
        assessment = judge(pool)
        assert found(assessment) == {(Kind.INSTANCE_UNREACHABLE, "mysql-1")}
        assert assessment.state == "degraded"
    finally:
        cluster["mysql-1"].start()
    cluster["mysql-1"].run("START REPLICA", "SET GLOBAL super_read_only = ON")
    cluster["mysql-1"].channel_becomes("Replica_IO_Running", "Yes")
    assert judge(pool).healthy


@pytest.mark.parametrize("had_sessions", [False, True])
def test_stopped_primary_costs_one_timeout(had_sessions: bool, cluster: Cluster, connector: PyMySqlConnector) -> None:
    """SIGSTOP: the kernel still accepts connections, and nobody answers on them."""
    timeout = scaled(1.0)
    pool = SessionPool(connector, timeout=timeout)
    if had_sessions:
        judge(pool)
    cluster["mysql-0"].kill(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assessment = judge(pool)
        assert time.monotonic() - begin < 2 * timeout
    finally:
        cluster["mysql-0"].kill(signal.SIGCONT)
    # The source cannot be identified either: here all servers have the same host name.
    unknown = {(kind, replica) for kind in (Kind.GTID_UNKNOWN, Kind.SOURCE_UNKNOWN) for replica in ("mysql-1", "mysql-2")}
    assert found(assessment) == {(Kind.INSTANCE_UNREACHABLE, "mysql-0"), *unknown}
    assert assessment.state == "failed"
    pool.close()


def test_refused_credentials(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-2"].write_unlogged("ALTER USER kubemysql_admin@'127.0.0.1' ACCOUNT LOCK")
    assert found(judge(pool)) == {(Kind.ACCESS_DENIED, "mysql-2")}


def test_too_few_rights(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-1"].write_unlogged("REVOKE REPLICATION CLIENT ON *.* FROM kubemysql_admin@'127.0.0.1'")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.INSTANCE_UNREADABLE, "mysql-1")}
    assert "SHOW REPLICA STATUS" in finding(assessment, Kind.INSTANCE_UNREADABLE, "mysql-1").message


def test_accounts_of_an_older_collection(cluster: Cluster, pool: SessionPool) -> None:
    """They were open to the network; verify works with them all the same."""
    cluster["mysql-0"].run(
        "RENAME USER kubemysql_admin@'127.0.0.1' TO kubemysql_admin@'%'",
        "REVOKE CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN, SYSTEM_USER, SYSTEM_VARIABLES_ADMIN ON *.* FROM kubemysql_admin@'%'",
    )
    cluster.settle()
    assessment = judge(pool)
    assert found(assessment) == {(Kind.ACCOUNTS_OUTDATED, name) for name in cluster.servers}
    assert assessment.healthy


def test_empty_replica(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-1"].run("STOP REPLICA", "RESET REPLICA ALL", "RESET BINARY LOGS AND GTIDS")
    assert found(judge(pool)) == {(Kind.INSTANCE_EMPTY, "mysql-1"), (Kind.REPLICA_NOT_CONFIGURED, "mysql-1")}


def test_empty_primary(cluster: Cluster, pool: SessionPool) -> None:
    for replica in cluster.replicas:
        replica.run("STOP REPLICA")
    cluster["mysql-0"].run("RESET BINARY LOGS AND GTIDS")
    assessment = judge(pool)
    assert (Kind.INSTANCE_EMPTY, "mysql-0") in found(assessment)
    assert assessment.state == "failed"


def test_same_server_id(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-2"].run("SET GLOBAL server_id = 101")
    try:
        assessment = judge(pool)
        assert (Kind.SERVER_ID_DUPLICATE, None) in found(assessment)
        assert "mysql-1 and mysql-2" in finding(assessment, Kind.SERVER_ID_DUPLICATE, None).message
    finally:
        cluster["mysql-2"].run("SET GLOBAL server_id = 102")


def test_same_server_uuid(cluster: Cluster, pool: SessionPool) -> None:
    copied, original = cluster["mysql-2"], cluster["mysql-1"]
    own = (copied.folder / "data" / "auto.cnf").read_text()
    copied.stop()
    try:
        (copied.folder / "data" / "auto.cnf").write_text((original.folder / "data" / "auto.cnf").read_text())
        copied.start()
        assert (Kind.SERVER_UUID_DUPLICATE, None) in found(judge(pool))
    finally:
        copied.stop()
        (copied.folder / "data" / "auto.cnf").write_text(own)
        copied.start()
