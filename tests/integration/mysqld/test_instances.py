# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances broken on purpose: each break is found, by its name and on its instance, and nothing else is."""

from __future__ import annotations

import signal
import time

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import Fleet
from ansible_collections.kubemysql.replication.plugins.module_utils.replication.findings import FindingKind as Kind
from integration.mysqld.judge import finding, found, judge
from integration.mysqld.servers import Cluster
from waiting import scaled


def test_healthy(fleet: Fleet) -> None:
    assessment = judge(fleet)
    assert (assessment.state, assessment.findings) == ("healthy", ())


def test_healthy_again_with_the_sessions_of_the_first_look(cluster: Cluster, fleet: Fleet) -> None:
    connections = "variable_value FROM performance_schema.global_status WHERE variable_name = 'Connections'"
    judge(fleet)
    before = cluster["mysql-0"].value(connections)
    assert judge(fleet).healthy
    # One more: the one that asks.
    assert int(str(cluster["mysql-0"].value(connections))) == int(str(before)) + 1


def test_errant_transaction(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-2"].write("CREATE DATABASE errant")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.ERRANT_TRANSACTIONS, "mysql-2")}
    errant = finding(assessment, Kind.ERRANT_TRANSACTIONS, "mysql-2").message
    assert f"{cluster['mysql-2'].value('@@server_uuid')}:1" in errant


def test_replica_writable(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-1"].run("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.REPLICA_WRITABLE, "mysql-1"), (Kind.MULTIPLE_WRITABLE_INSTANCES, None)}
    assert assessment.state == "failed"


def test_super_read_only_off(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-1"].run("SET GLOBAL super_read_only = OFF")
    assert found(judge(fleet)) == {(Kind.REPLICA_SUPER_READ_ONLY_OFF, "mysql-1")}


def test_primary_read_only(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-0"].run("SET GLOBAL super_read_only = ON")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.PRIMARY_READ_ONLY, "mysql-0"), (Kind.NO_WRITABLE_INSTANCE, None)}
    assert assessment.state == "failed"


def test_primary_that_follows_somebody(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-0"].run("CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'elsewhere', SOURCE_AUTO_POSITION = 1")
    assert found(judge(fleet)) == {(Kind.PRIMARY_HAS_SOURCE, "mysql-0")}


def test_killed_replica(cluster: Cluster, fleet: Fleet) -> None:
    judge(fleet)
    cluster["mysql-1"].stop()
    try:
        assessment = judge(fleet)
        assert found(assessment) == {(Kind.INSTANCE_UNREACHABLE, "mysql-1")}
        assert assessment.state == "degraded"
    finally:
        cluster["mysql-1"].start()
    cluster["mysql-1"].run("START REPLICA", "SET GLOBAL super_read_only = ON")
    cluster["mysql-1"].channel_becomes("Replica_IO_Running", "Yes")
    assert judge(fleet).healthy


@pytest.mark.parametrize("had_sessions", [False, True])
def test_stopped_primary_costs_one_timeout(had_sessions: bool, cluster: Cluster, connector: PyMySqlConnector) -> None:
    """SIGSTOP: the kernel still accepts connections, and nobody answers on them."""
    timeout = scaled(1.0)
    fleet = Fleet(connector, timeout=timeout)
    if had_sessions:
        judge(fleet)
    cluster["mysql-0"].kill(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assessment = judge(fleet)
        assert time.monotonic() - begin < 2 * timeout
    finally:
        cluster["mysql-0"].kill(signal.SIGCONT)
    # Who the source is cannot be told either: here all servers have the same host name.
    unknown = {(kind, replica) for kind in (Kind.GTID_UNKNOWN, Kind.SOURCE_UNKNOWN) for replica in ("mysql-1", "mysql-2")}
    assert found(assessment) == {(Kind.INSTANCE_UNREACHABLE, "mysql-0"), *unknown}
    assert assessment.state == "failed"
    fleet.close()


def test_refused_credentials(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-2"].write_unlogged("ALTER USER kubemysql_admin@'%' ACCOUNT LOCK")
    assert found(judge(fleet)) == {(Kind.ACCESS_DENIED, "mysql-2")}


def test_too_few_rights(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-1"].write_unlogged("REVOKE REPLICATION CLIENT ON *.* FROM kubemysql_admin@'%'")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.INSTANCE_UNREADABLE, "mysql-1")}
    assert "SHOW REPLICA STATUS" in finding(assessment, Kind.INSTANCE_UNREADABLE, "mysql-1").message


def test_empty_replica(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-1"].run("STOP REPLICA", "RESET REPLICA ALL", "RESET BINARY LOGS AND GTIDS")
    assert found(judge(fleet)) == {(Kind.INSTANCE_EMPTY, "mysql-1"), (Kind.REPLICA_NOT_CONFIGURED, "mysql-1")}


def test_empty_primary(cluster: Cluster, fleet: Fleet) -> None:
    for replica in cluster.replicas:
        replica.run("STOP REPLICA")
    cluster["mysql-0"].run("RESET BINARY LOGS AND GTIDS")
    assessment = judge(fleet)
    assert (Kind.INSTANCE_EMPTY, "mysql-0") in found(assessment)
    assert assessment.state == "failed"


def test_same_server_id(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-2"].run("SET GLOBAL server_id = 101")
    try:
        assessment = judge(fleet)
        assert (Kind.SERVER_ID_DUPLICATE, None) in found(assessment)
        assert "mysql-1 and mysql-2" in finding(assessment, Kind.SERVER_ID_DUPLICATE, None).message
    finally:
        cluster["mysql-2"].run("SET GLOBAL server_id = 102")


def test_same_server_uuid(cluster: Cluster, fleet: Fleet) -> None:
    copied, original = cluster["mysql-2"], cluster["mysql-1"]
    own = (copied.folder / "data" / "auto.cnf").read_text()
    copied.stop()
    try:
        (copied.folder / "data" / "auto.cnf").write_text((original.folder / "data" / "auto.cnf").read_text())
        copied.start()
        assert (Kind.SERVER_UUID_DUPLICATE, None) in found(judge(fleet))
    finally:
        copied.stop()
        (copied.folder / "data" / "auto.cnf").write_text(own)
        copied.start()
