# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication channels broken on purpose: each break is found, by its name and on its replica, and nothing else is."""

from __future__ import annotations

from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from integration.mysqld.judge import finding, found, judge
from integration.mysqld.servers import REPLICATION_PASSWORD, Cluster
from waiting import eventually


def test_applier_stopped(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-1"].run("STOP REPLICA SQL_THREAD")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.APPLIER_STOPPED, "mysql-1")}
    assert assessment.state == "degraded"
    cluster["mysql-1"].run("START REPLICA")
    assert judge(pool).healthy


def test_duplicate_key(cluster: Cluster, pool: SessionPool) -> None:
    primary, replica = cluster["mysql-0"], cluster["mysql-1"]
    primary.run("CREATE DATABASE app", "CREATE TABLE app.t (id INT PRIMARY KEY)")
    cluster.settle()
    replica.write_unlogged("INSERT INTO app.t VALUES (1)")
    primary.run("INSERT INTO app.t VALUES (1)")
    replica.channel_becomes("Replica_SQL_Running", "No")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.APPLIER_FAILED, "mysql-1")}
    message = finding(assessment, Kind.APPLIER_FAILED, "mysql-1").message
    assert "1062" in message
    assert "Duplicate entry" in message


def test_receiver_stopped(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-2"].run("STOP REPLICA IO_THREAD")
    cluster["mysql-0"].run("CREATE DATABASE app")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.RECEIVER_STOPPED, "mysql-2")}
    assert assessment.state == "degraded"


def test_both_threads_stopped(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-1"].run("STOP REPLICA")
    assert found(judge(pool)) == {(Kind.RECEIVER_STOPPED, "mysql-1"), (Kind.APPLIER_STOPPED, "mysql-1")}


def test_wrong_replication_password(cluster: Cluster, pool: SessionPool) -> None:
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'wrong'", "START REPLICA")
    eventually("the source to refuse", lambda: replica.channel()["Last_IO_Errno"])
    assessment = judge(pool)
    assert found(assessment) == {(Kind.RECEIVER_CONNECTING, "mysql-1")}
    message = finding(assessment, Kind.RECEIVER_CONNECTING, "mysql-1").message
    assert "1045" in message
    assert REPLICATION_PASSWORD not in message


def test_replica_without_a_source(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-2"].run("STOP REPLICA", "RESET REPLICA ALL")
    assert found(judge(pool)) == {(Kind.REPLICA_NOT_CONFIGURED, "mysql-2")}


def test_wrong_source(cluster: Cluster, pool: SessionPool) -> None:
    replica = cluster["mysql-2"]
    replica.run("STOP REPLICA")
    replica.follow(cluster["mysql-1"])
    replica.channel_becomes("Replica_IO_Running", "Yes")
    assert found(judge(pool)) == {(Kind.WRONG_SOURCE, "mysql-2")}


def test_source_that_was_never_reached(cluster: Cluster, pool: SessionPool) -> None:
    """The UUID of an earlier source must not vouch for a new one that nobody has talked to."""
    for replica, host in (("mysql-1", "mysql-2.mysql"), ("mysql-2", "somewhere")):
        change = f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{host}', SOURCE_PORT = 3306"
        cluster[replica].run("STOP REPLICA", change, "START REPLICA")
    assert found(judge(pool)) >= {(Kind.WRONG_SOURCE, "mysql-1"), (Kind.SOURCE_UNKNOWN, "mysql-2")}


def test_unencrypted_channel(cluster: Cluster, pool: SessionPool) -> None:
    cluster["mysql-0"].run("ALTER USER kubemysql_replication@'%' REQUIRE NONE")
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1", "START REPLICA")
    cluster.settle()
    assessment = judge(pool)
    assert found(assessment) == {(Kind.REPLICATION_NOT_ENCRYPTED, "mysql-1")}
    assert assessment.state == "healthy"


def test_position_instead_of_gtids(cluster: Cluster, pool: SessionPool) -> None:
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0", "START REPLICA")
    replica.channel_becomes("Replica_IO_Running", "Yes")
    assert found(judge(pool)) == {(Kind.AUTO_POSITION_OFF, "mysql-1")}


def test_purged_binlogs(cluster: Cluster, pool: SessionPool) -> None:
    primary, replica = cluster["mysql-0"], cluster["mysql-1"]
    replica.run("STOP REPLICA")
    primary.run("CREATE DATABASE app", "FLUSH BINARY LOGS")
    newest = str(primary.run("SHOW BINARY LOG STATUS")[0]["File"])
    primary.run(f"PURGE BINARY LOGS TO '{newest}'")
    assert (Kind.NEEDED_BINLOGS_PURGED, "mysql-1") in found(judge(pool))
    replica.run("START REPLICA")
    replica.channel_becomes("Replica_IO_Running", "No")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.NEEDED_BINLOGS_PURGED, "mysql-1"), (Kind.RECEIVER_FAILED, "mysql-1")}
    assert "13114" in finding(assessment, Kind.RECEIVER_FAILED, "mysql-1").message
