# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container `replication`: roles after a start, and everything that must keep an instance out of its role."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path

import pytest
from scripts.cluster import Cluster
from scripts.golden import ROWS, Golden, catch_up, gtids
from scripts.pods import Pair, Pod
from waiting import eventually, until

READ_ONLY = "SELECT @@read_only, @@super_read_only"
THREADS = (
    "SELECT c.service_state, a.service_state FROM performance_schema.replication_connection_status c"
    " JOIN performance_schema.replication_applier_status a USING (channel_name)"
)


def wait_for_log(pod: Pod, text: str) -> str:
    container = pod.container("replication")
    return eventually(f"{text!r} from {pod.name}", lambda: container.log if text in container.log else "")


def assert_never_ready(pod: Pod, reason: str) -> None:
    """Readiness says why, and the server takes no writes."""
    eventually(f"{reason!r} from readiness", lambda: reason in pod.readiness)
    assert not pod.ready()
    assert pod.sql(READ_ONLY) == "1\t1"


@pytest.mark.parametrize("recovery", ["ON", "OFF"])
def test_roles_come_back_after_mysqld_was_killed(pair: Pair, cluster: Cluster, recovery: str) -> None:
    """Received transactions that are not applied are fetched again; with relay_log_recovery=OFF they are kept."""
    primary, replica = pair
    with cluster.option("relay_log_recovery", recovery):
        replica.run("provision")
    replica.restart_mysql()
    replica.wait_ready()
    roles_before = replica.container("replication").log.count("is a replica")
    replica.sql("STOP REPLICA SQL_THREAD")
    primary.sql("INSERT INTO shop.t VALUES (1000, 'in the relay log')")
    received = f"GTID_SUBSET('{gtids(primary)}', CONCAT_WS(',', @@global.gtid_executed, received_transaction_set))"
    query = f"SELECT {received} FROM performance_schema.replication_connection_status"
    eventually("the relay log", lambda: replica.sql(query) == "1")
    if recovery == "OFF":
        primary.sql("FLUSH BINARY LOGS")
        primary.sql(f"PURGE BINARY LOGS TO '{primary.sql('SHOW BINARY LOGS').splitlines()[-1].split()[0]}'")
    primary.container("replication").stop()  # the primary stays read-only, so nothing new comes next
    primary.restart_mysql()
    replica.restart_mysql()
    replica.wait_ready()
    assert replica.sql("SELECT b FROM shop.t WHERE a = 1000") == "in the relay log"
    # As of its restart: before, it may have seen the primary go.
    last_role = replica.container("replication").log.split("is a replica")[roles_before]
    assert "connecting" not in last_role
    assert not primary.ready()
    primary.start("replication")
    primary.wait_ready()
    primary.sql("INSERT INTO shop.t VALUES (1001, 'new')")
    catch_up(replica, primary)
    assert replica.sql("SELECT COUNT(*) FROM shop.t") == str(ROWS + 2)


def test_a_persisted_setting_makes_no_replica_writable(pair: Pair) -> None:
    _primary, replica = pair
    replica.sql("SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF")
    eventually("it to be noticed", lambda: "writable" in replica.readiness)
    replica.container("replication").stop()
    replica.restart_mysql()
    eventually("the server", lambda: replica.try_sql("SELECT 1") == "1")
    assert "super-read-only" in replica.try_sql("INSERT INTO shop.t VALUES (1000, '')")
    replica.start("replication")
    replica.wait_ready()


def test_errant_transactions_keep_a_replica_out(pair: Pair) -> None:
    primary, replica = pair
    replica.sql("SET GLOBAL super_read_only = OFF; INSERT INTO shop.t VALUES (1000, 'errant')")
    errant = f"{replica.sql('SELECT @@server_uuid')}:1"
    replica.restart_mysql()
    log = wait_for_log(replica, "errant transactions")
    assert errant in log and "what to do" in log
    assert_never_ready(replica, f"errant transactions: mysql-1 has {errant}")
    assert replica.sql(THREADS) == "OFF\tOFF"
    # A human decides; here, that the primary shall know them as well. Nobody has to restart anything.
    primary.sql(f"SET gtid_next = '{errant}'; BEGIN; COMMIT; SET gtid_next = 'AUTOMATIC'")
    replica.wait_ready()


def test_purged_history_keeps_a_replica_out(cluster: Cluster, golden: Golden) -> None:
    primary, replica = cluster.pod("mysql-0"), cluster.pod("mysql-1")
    golden.restore(primary)
    golden.restore(replica)
    primary.start_all()
    primary.wait_ready()
    primary.sql("INSERT INTO shop.t VALUES (1000, ''); FLUSH BINARY LOGS")
    primary.sql(f"PURGE BINARY LOGS TO '{primary.sql('SHOW BINARY LOGS').splitlines()[-1].split()[0]}'")
    replica.start_all()
    assert "delete the claim" in wait_for_log(replica, "has purged transactions")
    assert_never_ready(replica, "has purged transactions")


def test_a_primary_that_cannot_be_reached_is_waited_for(cluster: Cluster, golden: Golden) -> None:
    primary, replica = cluster.pod("mysql-0"), cluster.pod("mysql-1")
    golden.restore(primary)
    golden.restore(replica)
    replica.start_all()
    wait_for_log(replica, "cannot be queried")
    assert_never_ready(replica, "cannot be queried")
    assert replica.alive()[0]
    primary.start_all()
    replica.wait_ready()
    assert replica.container("replication").log.count("cannot be queried") == 1


def test_a_primary_behind_its_replica_stays_read_only(pair: Pair, golden: Golden) -> None:
    """An old volume came back under the primary: what it lacks is on the replica, and must not be overwritten."""
    primary, replica = pair
    primary.sql("INSERT INTO shop.t VALUES (1000, 'only on the replica now')")
    catch_up(replica, primary)
    primary.stop()
    golden.restore(primary)
    primary.start_all()
    assert "what to do" in wait_for_log(primary, "has lost")
    assert_never_ready(primary, "has lost")
    assert replica.sql("SELECT COUNT(*) FROM shop.t") == str(ROWS + 1)


def test_never_two_writable_instances(pair: Pair) -> None:
    primary, replica = pair
    primary.stop()
    replica.sql("STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF, read_only = OFF")
    primary.start_all()
    wait_for_log(primary, "mysql-1.mysql is writable")
    assert_never_ready(primary, "must not be two writable instances")
    replica.stop()
    primary.wait_ready()


def test_a_replica_that_the_topology_names_is_not_promoted_by_itself(pair: Pair, cluster: Cluster) -> None:
    """Then somebody promotes it, and the old primary follows it without a restart."""
    primary, replica = pair
    cluster.write_topology(primary="mysql-1")
    wait_for_log(replica, "it stays read-only")
    assert_never_ready(replica, "replica configuration")
    wait_for_log(primary, "mysql-0 is a replica of mysql-1.mysql")
    replica.sql("STOP REPLICA; RESET REPLICA ALL")
    replica.wait_ready()
    primary.wait_ready()
    replica.sql("INSERT INTO shop.t VALUES (1000, '')")
    catch_up(primary, replica)
    assert primary.sql("SELECT COUNT(*) FROM shop.t") == str(ROWS + 1)
    assert primary.sql(READ_ONLY) == "1\t1" and replica.sql(READ_ONLY) == "0\t0"


def test_a_new_password_is_taken_up(pair: Pair, cluster: Cluster) -> None:
    primary, replica = pair
    cluster.passwords["replication-password"] = "rotated SOURCE_ :password & \\1"
    cluster.write_secrets()
    primary.sql("ALTER USER kubemysql_replication@'%' IDENTIFIED BY 'rotated SOURCE_ :password & \\\\1'")
    replica.restart_mysql()
    replica.wait_ready()
    cluster.write_topology(primary="mysql-0")


def cpu_seconds(pid: int) -> float:
    """A process's own time and that of its children, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def cost_of_a_client(pod: Pod) -> float:
    """CPU time that one client takes which is started to ask one question."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    pod.sql("SELECT 1")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def test_an_idle_pod_costs_little(shared_pair: Pair) -> None:
    """Nothing is started each second: the session and the two ports are its only children.

    A client each second would cost several times as much, on any machine.
    """
    seconds = 5
    watchers = [pod.container("replication") for pod in shared_pair]
    before = [(sorted(each.children()), cpu_seconds(each.pid)) for each in watchers]
    deadline = time.monotonic() + seconds
    until(deadline, lambda: False)
    for pod, watcher, (children, spent) in zip(shared_pair, watchers, before, strict=True):
        assert cpu_seconds(watcher.pid) - spent <= seconds * cost_of_a_client(pod) / 8
        assert sorted(watcher.children()) == children and len(children) == 3


def test_a_stop_is_heard_at_any_moment_of_a_start(pair: Pair) -> None:
    """The entrypoint has no handler for SIGTERM, nor has a server that has just been started."""
    _primary, replica = pair
    replica.container("replication").stop()
    replica.container("mysql").stop()
    container = replica.start("mysql", path=replica.fault("docker-entrypoint.sh", "mysqld*"))
    replica.wait_for_fault()
    container.kill(signal.SIGTERM)
    container.wait(5)
    container = replica.start_mysql()
    replica.mysqld_pid()
    container.kill(signal.SIGTERM)
    container.wait(5)
    replica.start_mysql()
    replica.start("replication")
    replica.wait_ready()


def seconds_of_a_stop(pod: Pod) -> float:
    """Stop the pod as the kubelet does; what the server takes for it. The container `replication` ends at once."""
    watcher = pod.container("replication")
    watcher.kill(signal.SIGTERM)
    assert watcher.wait(1) == 0
    begin = time.monotonic()
    assert pod.pre_stop() == (True, "")
    mysql = pod.container("mysql")
    mysql.kill(signal.SIGTERM)
    assert mysql.wait() == 0
    return time.monotonic() - begin


def test_a_stop_does_not_wait_for_the_replica(pair: Pair) -> None:
    """Without the hook the server itself gives a replica ten seconds, on any machine; half of them tell the two apart."""
    primary, replica = pair
    with_replica = seconds_of_a_stop(primary)
    primary.start_mysql()
    primary.start("replication")
    primary.wait_ready()
    replica.wait_ready()
    replica.stop()
    # Its connection lasts until the server has something to send, or starts anew.
    primary.restart_mysql()
    primary.wait_ready()
    assert with_replica - seconds_of_a_stop(primary) < 5
    # A server that is gone already is no reason not to stop.
    assert primary.pre_stop()[0]
