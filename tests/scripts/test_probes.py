# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness and liveness: every way not to be ready, and what is alive all the same."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripts.golden import gtids
from scripts.pods import Pod, wait_for


def assert_not_ready(pod: Pod, *reasons: str, **environment: str) -> None:
    wait_for(f"{reasons} from {pod.name}", lambda: all(r in pod.probe("ready", **environment)[1] for r in reasons), 20)
    ready, text = pod.probe("ready", **environment)
    assert not ready and text.startswith("not ready: ") and "\n" not in text


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


def test_both_are_ready_and_alive(shared_pair: tuple[Pod, Pod]) -> None:
    for pod in shared_pair:
        assert pod.probe("ready") == (True, "")
        assert pod.probe("alive") == (True, "")


@pytest.mark.parametrize(
    ("do", "undo", "reason"),
    [
        ("STOP REPLICA SQL_THREAD", "START REPLICA", "the applier thread is OFF"),
        ("STOP REPLICA IO_THREAD", "START REPLICA", "the receiver thread is OFF"),
        ("STOP REPLICA", "START REPLICA", "the receiver thread is OFF"),
        ("SET GLOBAL super_read_only = OFF", "SET GLOBAL super_read_only = ON", "the replica is writable"),
    ],
)
def test_replica_out_of_order(shared_pair: tuple[Pod, Pod], do: str, undo: str, reason: str) -> None:
    _, replica = shared_pair
    with undone(replica, do, undo):
        assert_not_ready(replica, reason)
        assert replica.probe("alive")[0]


def test_replica_that_is_connecting(shared_pair: tuple[Pod, Pod]) -> None:
    _, replica = shared_pair
    change = "STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_PORT = {}; START REPLICA IO_THREAD"
    with undone(replica, change.format(3399), change.format(3306)):
        assert_not_ready(replica, "the receiver thread is CONNECTING, error 2003")


def test_replica_with_a_failed_applier(shared_pair: tuple[Pod, Pod]) -> None:
    primary, replica = shared_pair
    secretly = "SET GLOBAL super_read_only = OFF; SET sql_log_bin = 0; $; SET GLOBAL super_read_only = ON; START REPLICA"
    replica.sql(secretly.replace("$", "DELETE FROM shop.t WHERE a = 1"))
    primary.sql("UPDATE shop.t SET b = 'changed' WHERE a = 1")
    assert_not_ready(replica, "the applier thread is", "error 1032")
    replica.sql(secretly.replace("$", "INSERT INTO shop.t VALUES (1, '')"))
    # Only the key of the row has to match.
    replica.wait_ready()


def test_replica_of_somebody_else(shared_pair: tuple[Pod, Pod]) -> None:
    primary, replica = shared_pair
    change = "STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{}'; START REPLICA IO_THREAD"
    with undone(replica, change.format(primary.address), change.format("mysql-0.mysql")):
        assert_not_ready(replica, f"source is {primary.address}")


def test_replica_behind(shared_pair: tuple[Pod, Pod]) -> None:
    """A lock stops the applier; the lag grows; a lag that cannot be known is no small lag."""
    primary, replica = shared_pair
    primary.sql("INSERT INTO shop.t VALUES (2000, '')")
    replica.sql(f"DO WAIT_FOR_EXECUTED_GTID_SET('{gtids(primary)}', 20)")
    lock = "LOCK INSTANCE FOR BACKUP; LOCK TABLES shop.t READ; SELECT 'locked'; SELECT SLEEP(60);"
    option_file = replica.base / "tmp" / "test-client.cnf"
    argv = ["mysql", f"--defaults-file=/tmp/{option_file.name}", "-NBn", "--socket=/var/run/mysqld/mysqld.sock"]
    with subprocess.Popen(replica.command(argv, {}, "/usr/bin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin and client.stdout
        client.stdin.write(lock.encode())
        client.stdin.close()
        assert client.stdout.readline() == b"locked\n"
        try:
            primary.sql("DELETE FROM shop.t WHERE a = 2000")
            assert replica.probe("ready")[0]
            assert_not_ready(replica, "s behind, more than 1 s", MAX_LAG="1")
        finally:
            kill_children(client.pid)
    wait_for("the replica to catch up", lambda: replica.probe("ready", MAX_LAG="1")[0])


def test_idle_replica_has_no_lag(shared_pair: tuple[Pod, Pod]) -> None:
    """An old last transaction is not a lag, also not after a new connection."""
    primary, replica = shared_pair
    primary.sql("INSERT INTO shop.t VALUES (3000, ''); DELETE FROM shop.t WHERE a = 3000")
    replica.sql(f"DO WAIT_FOR_EXECUTED_GTID_SET('{gtids(primary)}', 20)")
    age = "SELECT MAX(last_applied_transaction_original_commit_timestamp) < NOW(6) - INTERVAL 2 SECOND"
    query = f"{age} FROM performance_schema.replication_applier_status_by_worker"
    wait_for("an old transaction", lambda: replica.sql(query) == "1")
    assert replica.probe("ready", MAX_LAG="0") == (True, "")
    replica.sql("STOP REPLICA; START REPLICA")
    replica.wait_ready()
    assert replica.probe("ready", MAX_LAG="0") == (True, "")


def test_primary_out_of_order(shared_pair: tuple[Pod, Pod]) -> None:
    primary, _ = shared_pair
    with undone(primary, "SET GLOBAL super_read_only = ON", "SET GLOBAL read_only = OFF"):
        assert_not_ready(primary, "the primary is read-only")


def test_topology_decides_what_is_expected(shared_pair: tuple[Pod, Pod]) -> None:
    primary, replica = shared_pair
    topology = primary.cluster.base / "topology" / "primary"
    for container in (primary.container("replication"), replica.container("replication")):
        container.kill(signal.SIGSTOP)
    try:
        topology.write_text("mysql-1", encoding="utf-8")
        assert_not_ready(primary, "has no replica configuration")
        assert_not_ready(replica, "names mysql-1 the primary, but it has replica configuration")
        topology.write_text("", encoding="utf-8")
        assert_not_ready(primary, "names no primary")
    finally:
        topology.write_text("mysql-0", encoding="utf-8")
        for container in (primary.container("replication"), replica.container("replication")):
            container.kill(signal.SIGCONT)
    assert primary.probe("ready")[0] and replica.probe("ready")[0]


def test_a_stopped_server_is_neither_ready_nor_alive(shared_pair: tuple[Pod, Pod]) -> None:
    primary, _ = shared_pair
    server = primary.mysqld_pid()
    os.kill(server, signal.SIGSTOP)
    try:
        for probe in ("ready", "alive"):
            healthy, text = primary.probe(probe, PROBE_TIMEOUT="2")
            assert not healthy and text
    finally:
        os.kill(server, signal.SIGCONT)
    primary.wait_ready()


def test_a_server_that_refuses_everybody_is_alive(shared_pair: tuple[Pod, Pod]) -> None:
    primary, _ = shared_pair
    secret = primary.cluster.base / "secret" / "root-password"
    password = secret.read_text()
    try:
        for wrong in ("wrong", ""):
            secret.write_text(wrong)
            assert primary.probe("alive")[0]
            assert not primary.probe("ready")[0]
    finally:
        secret.write_text(password)
    assert primary.probe("ready")[0]


def test_no_server_is_not_alive(shared_pair: tuple[Pod, Pod]) -> None:
    bystander = shared_pair[0].cluster.pod("mysql-9")
    alive, text = bystander.probe("alive")
    assert not alive and "2002" in text
    assert_not_ready(bystander, "2002")


def test_temporary_server_is_alive_but_not_ready(shared_pair: tuple[Pod, Pod]) -> None:
    cluster = shared_pair[0].cluster
    pod = cluster.pod("mysql-8")
    (pod.data).mkdir()
    (pod.volume / ".kubemysql-initializing").touch()
    os.chown(pod.data, 999, 999)
    arguments = ["--datadir=/volume/mysql", "--skip-log-bin"]
    initialise = pod.command(["mysqld", *arguments, "--initialize-insecure"], {}, "/allowed")
    subprocess.run(initialise, check=True, stderr=subprocess.DEVNULL)
    temporary = pod.command(["mysqld", *arguments, "--skip-networking"], {}, "/allowed")
    with subprocess.Popen(temporary, stderr=subprocess.DEVNULL) as server:
        wait_for("the server", lambda: pod.try_sql("SELECT 1", password="") == "1")
        secret = cluster.base / "secret" / "root-password"
        password = secret.read_text()
        pod.sql("ALTER USER root@localhost IDENTIFIED BY 'x'", password="")
        secret.write_text("x")
        try:
            assert pod.probe("alive")[0]
            assert_not_ready(pod, "first initialisation is under way")
            # Nor is it made writable, or anything else.
            watcher = pod.start("replication")
            wait_for("a round", lambda: "watching" in watcher.log)
            assert not (pod.base / "run" / "kubemysql-seen").exists()
            watcher.stop()
        finally:
            secret.write_text(password)
            kill_children(server.pid)
