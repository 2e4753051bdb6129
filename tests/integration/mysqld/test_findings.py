# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication broken on purpose: each break is found, by its name and on its instance, and nothing else is."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import Fleet
from ansible_collections.kubemysql.replication.plugins.module_utils.replication.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.replication.observe import observe
from integration.mysqld.judge import finding, found, judge
from integration.mysqld.proxy import Proxy
from integration.mysqld.servers import REPLICATION_PASSWORD, Cluster, Server
from unit.fakes.kubernetes_objects import SOUGHT, deployed
from waiting import eventually


def write(server: Server, *statements: str) -> None:
    """Write although the server may be read-only."""
    before = server.run("SELECT @@global.super_read_only AS super, @@global.read_only AS ro")[0]
    server.run("SET GLOBAL super_read_only = OFF", *statements)
    if before["super"]:
        server.run("SET GLOBAL super_read_only = ON")


def unlogged(*statements: str) -> tuple[str, ...]:
    return ("SET SESSION sql_log_bin = OFF", *statements)


def channel_state(server: Server, column: str, value: object) -> None:
    eventually(f"{column} of {server.name} to be {value}", lambda: server.run("SHOW REPLICA STATUS")[0][column] == value)


def test_healthy(fleet: Fleet) -> None:
    assessment = judge(fleet)
    assert (assessment.state, assessment.findings) == ("healthy", ())


def test_healthy_again_with_the_sessions_of_the_first_look(cluster: Cluster, fleet: Fleet) -> None:
    judge(fleet)
    connections = cluster["mysql-0"].value(
        "variable_value FROM performance_schema.global_status WHERE variable_name = 'Connections'"
    )
    assert judge(fleet).healthy
    statement = "variable_value FROM performance_schema.global_status WHERE variable_name = 'Connections'"
    # One more: the one that asks.
    assert int(str(cluster["mysql-0"].value(statement))) == int(str(connections)) + 1


def test_applier_stopped(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-1"].run("STOP REPLICA SQL_THREAD")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.APPLIER_STOPPED, "mysql-1")}
    assert assessment.state == "degraded"
    cluster["mysql-1"].run("START REPLICA")
    assert judge(fleet).healthy


def test_duplicate_key(cluster: Cluster, fleet: Fleet) -> None:
    primary, replica = cluster["mysql-0"], cluster["mysql-1"]
    primary.run("CREATE DATABASE app", "CREATE TABLE app.t (id INT PRIMARY KEY)")
    cluster.settle()
    write(replica, *unlogged("INSERT INTO app.t VALUES (1)"))
    primary.run("INSERT INTO app.t VALUES (1)")
    channel_state(replica, "Replica_SQL_Running", "No")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.APPLIER_FAILED, "mysql-1")}
    message = finding(assessment, Kind.APPLIER_FAILED, "mysql-1").message
    assert "1062" in message
    assert "Duplicate entry" in message


def test_receiver_stopped(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-2"].run("STOP REPLICA IO_THREAD")
    cluster["mysql-0"].run("CREATE DATABASE app")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.RECEIVER_STOPPED, "mysql-2")}
    assert assessment.state == "degraded"


def test_both_threads_stopped(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-1"].run("STOP REPLICA")
    assert found(judge(fleet)) == {(Kind.RECEIVER_STOPPED, "mysql-1"), (Kind.APPLIER_STOPPED, "mysql-1")}


def test_wrong_replication_password(cluster: Cluster, fleet: Fleet) -> None:
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'wrong'", "START REPLICA")
    eventually("the source to refuse", lambda: replica.run("SHOW REPLICA STATUS")[0]["Last_IO_Errno"])
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.RECEIVER_CONNECTING, "mysql-1")}
    message = finding(assessment, Kind.RECEIVER_CONNECTING, "mysql-1").message
    assert "1045" in message
    assert REPLICATION_PASSWORD not in message


def test_errant_transaction(cluster: Cluster, fleet: Fleet) -> None:
    write(cluster["mysql-2"], "CREATE DATABASE errant")
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


def test_replica_without_a_source(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-2"].run("STOP REPLICA", "RESET REPLICA ALL")
    assert found(judge(fleet)) == {(Kind.REPLICA_NOT_CONFIGURED, "mysql-2")}


def test_wrong_source(cluster: Cluster, fleet: Fleet) -> None:
    replica = cluster["mysql-2"]
    replica.run("STOP REPLICA")
    replica.follow(cluster["mysql-1"])
    channel_state(replica, "Replica_IO_Running", "Yes")
    assert found(judge(fleet)) == {(Kind.WRONG_SOURCE, "mysql-2")}


def test_source_that_was_never_reached(cluster: Cluster, fleet: Fleet) -> None:
    """The UUID of an earlier source must not vouch for a new one that nobody has talked to."""
    for replica, host in (("mysql-1", "mysql-2.mysql"), ("mysql-2", "somewhere")):
        change = f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{host}', SOURCE_PORT = 3306"
        cluster[replica].run("STOP REPLICA", change, "START REPLICA")
    assert found(judge(fleet)) >= {(Kind.WRONG_SOURCE, "mysql-1"), (Kind.SOURCE_UNKNOWN, "mysql-2")}


def test_unencrypted_channel(cluster: Cluster, fleet: Fleet) -> None:
    cluster["mysql-0"].run("ALTER USER kubemysql_replication@'%' REQUIRE NONE")
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1", "START REPLICA")
    cluster.settle()
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.REPLICATION_NOT_ENCRYPTED, "mysql-1")}
    assert assessment.state == "healthy"


def test_position_instead_of_gtids(cluster: Cluster, fleet: Fleet) -> None:
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0", "START REPLICA")
    channel_state(replica, "Replica_IO_Running", "Yes")
    assert found(judge(fleet)) == {(Kind.AUTO_POSITION_OFF, "mysql-1")}


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
    channel_state(cluster["mysql-1"], "Replica_IO_Running", "Yes")
    assert judge(fleet).healthy


@pytest.mark.parametrize("had_sessions", [False, True])
def test_stopped_primary_costs_one_timeout(had_sessions: bool, cluster: Cluster, connector: PyMySqlConnector) -> None:
    """SIGSTOP: the kernel still accepts connections, and nobody answers on them."""
    fleet = Fleet(connector, timeout=1.0)
    if had_sessions:
        judge(fleet)
    cluster["mysql-0"].kill(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assessment = judge(fleet)
        assert time.monotonic() - begin < 1.5
    finally:
        cluster["mysql-0"].kill(signal.SIGCONT)
    # Who the source is cannot be told either: here all servers have the same host name.
    unknown = {(kind, replica) for kind in (Kind.GTID_UNKNOWN, Kind.SOURCE_UNKNOWN) for replica in ("mysql-1", "mysql-2")}
    assert found(assessment) == {(Kind.INSTANCE_UNREACHABLE, "mysql-0"), *unknown}
    assert assessment.state == "failed"
    fleet.close()


def test_refused_credentials(cluster: Cluster, fleet: Fleet) -> None:
    write(cluster["mysql-2"], *unlogged("ALTER USER kubemysql_admin@'%' ACCOUNT LOCK"))
    assert found(judge(fleet)) == {(Kind.ACCESS_DENIED, "mysql-2")}


def test_too_few_rights(cluster: Cluster, fleet: Fleet) -> None:
    write(cluster["mysql-1"], *unlogged("REVOKE REPLICATION CLIENT ON *.* FROM kubemysql_admin@'%'"))
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.INSTANCE_UNREADABLE, "mysql-1")}
    assert "SHOW REPLICA STATUS" in finding(assessment, Kind.INSTANCE_UNREADABLE, "mysql-1").message


def test_purged_binlogs(cluster: Cluster, fleet: Fleet) -> None:
    primary, replica = cluster["mysql-0"], cluster["mysql-1"]
    replica.run("STOP REPLICA")
    primary.run("CREATE DATABASE app", "FLUSH BINARY LOGS")
    newest = str(primary.run("SHOW BINARY LOG STATUS")[0]["File"])
    primary.run(f"PURGE BINARY LOGS TO '{newest}'")
    assert (Kind.NEEDED_BINLOGS_PURGED, "mysql-1") in found(judge(fleet))
    replica.run("START REPLICA")
    channel_state(replica, "Replica_IO_Running", "No")
    assessment = judge(fleet)
    assert found(assessment) == {(Kind.NEEDED_BINLOGS_PURGED, "mysql-1"), (Kind.RECEIVER_FAILED, "mysql-1")}
    assert "13114" in finding(assessment, Kind.RECEIVER_FAILED, "mysql-1").message


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


def test_replica_behind_a_lock(cluster: Cluster, fleet: Fleet) -> None:
    """An hour without writes is no lag; one transaction that cannot be applied is, by the second."""
    replica = cluster["mysql-1"]
    assert judge(fleet, max_lag=0.3).healthy
    with replica.session() as blocker, blocker.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        cluster["mysql-0"].run("CREATE DATABASE app")
        findings = eventually("the lag to grow", lambda: found(judge(fleet, max_lag=0.3)))
        assert findings == {(Kind.LAG_HIGH, "mysql-1")}
        lag = next(e for e in observe(deployed(), fleet, SOUGHT).instances if e.name == "mysql-1").channel
        assert lag is not None
        assert lag.lag is not None
        assert 0.3 < lag.lag < 10
        # Behind, but within what is allowed: nothing to say, not even after the moment given for catching up.
        assert judge(fleet, max_lag=60, catch_up=0.05).healthy
        cursor.execute("UNLOCK TABLES")
    cluster.settle()
    assert judge(fleet, max_lag=0.3).healthy


def test_connection_that_hangs(cluster: Cluster, fleet: Fleet) -> None:
    """Nothing arrives, yet both threads run and Seconds_Behind_Source is 0: what the field overlooks."""
    replica = cluster["mysql-1"]
    with Proxy(cluster["mysql-0"].port) as proxy:
        replica.run("STOP REPLICA", f"CHANGE REPLICATION SOURCE TO SOURCE_PORT = {proxy.port}", "START REPLICA")
        channel_state(replica, "Replica_IO_Running", "Yes")
        cluster.settle()
        proxy.freeze()
        cluster["mysql-0"].run("CREATE DATABASE app")
        status = replica.run("SHOW REPLICA STATUS")[0]
        assert (status["Replica_IO_Running"], status["Replica_SQL_Running"], status["Seconds_Behind_Source"]) == (
            "Yes",
            "Yes",
            0,
        )
        assert found(judge(fleet, max_lag=0.2, catch_up=0.3)) == {(Kind.NOT_CAUGHT_UP, "mysql-1")}
        proxy.thaw()
        cluster.settle()
        assert judge(fleet, max_lag=0.2).healthy
        replica.run("STOP REPLICA")


def test_replica_that_has_just_started_again(cluster: Cluster, fleet: Fleet) -> None:
    """performance_schema has forgotten every commit time; the lag must be neither unknown nor invented."""
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA")
    cluster["mysql-0"].run("CREATE DATABASE app")
    replica.stop()
    replica.start()
    replica.run("START REPLICA", "SET GLOBAL super_read_only = ON")
    channel_state(replica, "Replica_IO_Running", "Yes")
    assert judge(fleet).healthy
    assert replica.run("SHOW DATABASES LIKE 'app'")


def test_no_false_alarm_under_write_load(cluster: Cluster, fleet: Fleet) -> None:
    """And an errant transaction is found in the middle of it."""
    primary = cluster["mysql-0"]
    primary.run("CREATE DATABASE app", "CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))")
    over = threading.Event()

    def load() -> None:
        with primary.session() as connection, connection.cursor() as cursor:
            while not over.is_set():
                cursor.execute("INSERT INTO app.t (text) VALUES (REPEAT('x', 200))")

    writers = [threading.Thread(target=load) for _round in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _round in range(30):
            assert judge(fleet).findings == ()
        write(cluster["mysql-1"], "CREATE DATABASE errant")
        assert found(judge(fleet)) == {(Kind.ERRANT_TRANSACTIONS, "mysql-1")}
    finally:
        over.set()
        for writer in writers:
            writer.join()
