# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness and liveness: every way not to be ready, and what is alive all the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rootfs import UID
from scripts.golden import catch_up
from scripts.pods import Pair, Pod
from scripts.test_lib import bash
from waiting import eventually


def assert_not_ready(pod: Pod, *reasons: str) -> None:
    eventually(f"{reasons} from {pod.name}", lambda: all(reason in pod.readiness for reason in reasons))
    assert not pod.ready()
    assert pod.readiness.startswith("not ready: ") and "\n" not in pod.readiness


def kill_children(pid: int) -> None:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)


@contextmanager
def undone(pod: Pod, do: str, undo: str) -> Iterator[None]:
    """Run SQL, and undo it by other SQL afterwards."""
    pod.sql(do)
    try:
        yield
    finally:
        pod.sql(undo)
        pod.wait_ready()


def test_both_are_ready_and_alive(shared_pair: Pair) -> None:
    for pod in shared_pair:
        assert pod.ready()
        assert pod.alive() == (True, "")


@pytest.mark.parametrize(
    ("do", "undo", "reason"),
    [
        ("STOP REPLICA SQL_THREAD", "START REPLICA", "the applier thread is OFF"),
        ("STOP REPLICA IO_THREAD", "START REPLICA", "the receiver thread is OFF"),
        ("STOP REPLICA", "START REPLICA", "the receiver thread is OFF"),
        ("SET GLOBAL super_read_only = OFF", "SET GLOBAL super_read_only = ON", "the replica is writable"),
    ],
)
def test_replica_out_of_order(shared_pair: Pair, do: str, undo: str, reason: str) -> None:
    _primary, replica = shared_pair
    with undone(replica, do, undo):
        assert_not_ready(replica, reason)
        assert replica.alive()[0]


def test_replica_that_is_connecting(shared_pair: Pair) -> None:
    _primary, replica = shared_pair
    change = "STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_PORT = {}; START REPLICA IO_THREAD"
    with undone(replica, change.format(3399), change.format(3306)):
        assert_not_ready(replica, "the receiver thread is CONNECTING, error 2003")


def test_replica_with_a_failed_applier(shared_pair: Pair) -> None:
    primary, replica = shared_pair
    secretly = "SET GLOBAL super_read_only = OFF; SET sql_log_bin = 0; $; SET GLOBAL super_read_only = ON; START REPLICA"
    replica.sql(secretly.replace("$", "DELETE FROM shop.t WHERE a = 1"))
    primary.sql("UPDATE shop.t SET b = 'changed' WHERE a = 1")
    assert_not_ready(replica, "the applier thread is", "error 1032")
    replica.sql(secretly.replace("$", "INSERT INTO shop.t VALUES (1, '')"))
    # Only the key of the row has to match.
    replica.wait_ready()


def test_replica_of_somebody_else(shared_pair: Pair) -> None:
    primary, replica = shared_pair
    change = "STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{}'; START REPLICA IO_THREAD"
    with undone(replica, change.format(primary.address), change.format("mysql-0.mysql")):
        assert_not_ready(replica, f"source is {primary.address}")


@contextmanager
def locked(pod: Pod) -> Iterator[None]:
    """With a lock on the table that stops the applier at the next write to it."""
    lock = "LOCK INSTANCE FOR BACKUP; LOCK TABLES shop.t READ; SELECT 'locked'; SELECT SLEEP(3600);"
    argv = ["mysql", "--defaults-file=/tmp/test-client.cnf", "-NBn", "--socket=/var/run/mysqld/mysqld.sock"]
    with subprocess.Popen(pod.command(argv, {}, "/usr/bin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin and client.stdout
        client.stdin.write(lock.encode())
        client.stdin.close()
        try:
            assert client.stdout.readline() == b"locked\n"
            yield
        finally:
            kill_children(client.pid)


def test_replica_behind(shared_pair: Pair) -> None:
    """The applier is stopped, and the lag grows; it is said once, not every second."""
    primary, replica = shared_pair
    primary.sql("INSERT INTO shop.t VALUES (2000, '')")
    catch_up(replica, primary)
    with replica.cluster.threshold("max_lag", 1):
        with locked(replica):
            replica.wait_ready()
            primary.sql("DELETE FROM shop.t WHERE a = 2000")
            assert_not_ready(replica, "s behind, more than 1 s")
            eventually("the lag to grow", lambda: re.search(r"the replica is ([4-9]|\d\d) s behind", replica.readiness))
            assert replica.container("replication").log.count("s behind") == 1
        replica.wait_ready()


def test_lag_without_times_of_transactions(shared_pair: Pair) -> None:
    """Then it is Seconds_Behind_Source, as it is for the modules; the columns have the server's own names."""
    primary, replica = shared_pair
    statement = "source /kubemysql/scripts/lib-readiness.sh; query_local 'SELECT @@version'; OWN[version]=$ANSWER"
    primary.sql("INSERT INTO shop.t VALUES (2002, '')")
    catch_up(replica, primary)
    with locked(replica):
        primary.sql("DELETE FROM shop.t WHERE a = 2002")
        eventually("a lag", lambda: int(replica.row("SHOW REPLICA STATUS")["Seconds_Behind_Source"]) > 1)
        before = int(replica.row("SHOW REPLICA STATUS")["Seconds_Behind_Source"])
        seen = int(bash(replica, statement + "; read_lag_by_statement; printf %s ${STATUS[lag]}"))
        assert before <= seen <= int(replica.row("SHOW REPLICA STATUS")["Seconds_Behind_Source"])
    replica.wait_ready()


def test_max_lag_is_read_live(shared_pair: Pair) -> None:
    """The ConfigMap alone changes, nothing is restarted; a file that is damaged leaves the last value in force."""
    primary, replica = shared_pair
    cluster = replica.cluster
    primary.sql("INSERT INTO shop.t VALUES (2001, '')")
    catch_up(replica, primary)
    with locked(replica):
        primary.sql("DELETE FROM shop.t WHERE a = 2001")
        for value, ready in (("1", False), ("600", True), ("none", True), ("1", False), ("", False), ("600", True)):
            with cluster.threshold("max_lag", value):
                looked = replica.looks_again()
                eventually(f"a check with max_lag {value!r}", lambda: looked() and replica.ready() is ready)  # noqa: B023
                assert ready or "more than 1 s" in replica.readiness
    replica.wait_ready()


def test_idle_replica_has_no_lag(shared_pair: Pair) -> None:
    """An old last transaction is not a lag, also not after a new connection."""
    primary, replica = shared_pair
    primary.sql("INSERT INTO shop.t VALUES (3000, ''); DELETE FROM shop.t WHERE a = 3000")
    catch_up(replica, primary)
    age = "SELECT MAX(last_applied_transaction_original_commit_timestamp) < NOW(6) - INTERVAL 2 SECOND"
    query = f"{age} FROM performance_schema.replication_applier_status_by_worker"
    eventually("an old transaction", lambda: replica.sql(query) == "1")
    with replica.cluster.threshold("max_lag", 0):
        replica.sql("STOP REPLICA; START REPLICA")
        replica.wait_ready()


def test_primary_out_of_order(shared_pair: Pair) -> None:
    primary, _replica = shared_pair
    with undone(primary, "SET GLOBAL super_read_only = ON", "SET GLOBAL read_only = OFF"):
        assert_not_ready(primary, "the primary is read-only")


def test_without_a_topology_nobody_is_ready(shared_pair: Pair) -> None:
    topology = shared_pair[0].cluster.base / "topology" / "primary"
    topology.write_text("", encoding="utf-8")
    try:
        for pod in shared_pair:
            assert_not_ready(pod, "names no primary")
    finally:
        topology.write_text("mysql-0", encoding="utf-8")
    for pod in shared_pair:
        pod.wait_ready()


def test_a_stopped_server_is_neither_ready_nor_alive(shared_pair: Pair) -> None:
    primary, _replica = shared_pair
    server = primary.mysqld_pid()
    os.kill(server, signal.SIGSTOP)
    try:
        alive, text = primary.alive(PROBE_TIMEOUT="2")
        assert not alive and text
        assert_not_ready(primary, "no answer within 4 s")
    finally:
        os.kill(server, signal.SIGCONT)
    primary.wait_ready()


def test_readiness_ends_with_the_container_that_judges_it(shared_pair: Pair) -> None:
    """Without the container `replication` the pod is not ready; a port that was lost is opened again."""
    _primary, replica = shared_pair
    watcher = replica.container("replication")
    os.kill(replica.ready_port_pid(), signal.SIGKILL)
    replica.wait_ready()
    assert "had to be opened again" in watcher.log
    watcher.stop()
    assert not replica.ready()
    replica.start("replication")
    replica.wait_ready()


def test_a_lost_session_is_opened_again(shared_pair: Pair) -> None:
    primary, _replica = shared_pair
    session = (
        "SELECT processlist_id FROM performance_schema.threads JOIN performance_schema.user_variables_by_thread"
        " USING (thread_id) WHERE variable_name = 'kubemysql_volume_size'"
    )
    before = eventually("the session", lambda: primary.sql(session))
    primary.sql(f"KILL {before}")
    eventually("another session", lambda: primary.sql(session) not in ("", before))
    primary.wait_ready()


def test_volume_is_told_by_sql(shared_pair: Pair) -> None:
    for pod in shared_pair:
        query = (
            "SELECT GROUP_CONCAT(variable_value ORDER BY variable_name) FROM performance_schema.user_variables_by_thread"
            " WHERE variable_name LIKE 'kubemysql\\_volume\\_%'"
        )
        free, size = (int(number) for number in eventually("the numbers", lambda: pod.sql(query)).split(","))  # noqa: B023
        usage = os.statvfs(pod.volume)
        assert size == usage.f_blocks * usage.f_bsize and 0 < free <= size


def test_a_server_that_refuses_everybody_is_alive(shared_pair: Pair) -> None:
    primary, _replica = shared_pair
    secret = primary.cluster.base / "secret" / "root-password"
    password = secret.read_text()
    try:
        for wrong in ("wrong", ""):
            secret.write_text(wrong)
            assert primary.alive()[0]
    finally:
        secret.write_text(password)


def test_no_server_is_neither_alive_nor_ready(shared_pair: Pair) -> None:
    bystander = shared_pair[0].cluster.pod("mysql-9")
    alive, text = bystander.alive()
    assert not alive and "2002" in text
    watcher = bystander.start("replication")
    assert_not_ready(bystander, "not been brought into its role")
    watcher.stop()


def test_temporary_server_is_alive_but_not_ready(shared_pair: Pair) -> None:
    cluster = shared_pair[0].cluster
    pod = cluster.pod("mysql-8")
    pod.data.mkdir()
    (pod.volume / ".kubemysql-initializing").touch()
    os.chown(pod.data, UID, UID)
    arguments = ["--datadir=/volume/mysql", "--skip-log-bin"]
    initialise = pod.command(["mysqld", *arguments, "--initialize-insecure"], {}, "/allowed")
    subprocess.run(initialise, check=True, stderr=subprocess.DEVNULL)
    temporary = pod.command(["mysqld", *arguments, "--skip-networking"], {}, "/allowed")
    with subprocess.Popen(temporary, stderr=subprocess.DEVNULL) as server:
        eventually("the server", lambda: pod.try_sql("SELECT 1", password="") == "1")
        secret = cluster.base / "secret" / "root-password"
        password = secret.read_text()
        pod.sql("ALTER USER root@localhost IDENTIFIED BY 'x'", password="")
        secret.write_text("x")
        try:
            assert pod.alive()[0]
            # Not made writable, or anything else.
            watcher = pod.start("replication")
            assert_not_ready(pod, "not been brought into its role")
            looked = pod.looks_again()
            eventually("a round", looked)
            assert not (pod.base / "run" / "kubemysql-reconciled").exists()
            watcher.stop()
        finally:
            secret.write_text(password)
            kill_children(server.pid)
