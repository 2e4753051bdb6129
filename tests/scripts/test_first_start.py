# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first start of a cluster, and everything that must not pass for one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.cluster import Cluster
from scripts.golden import BOOTSTRAPPED, ROWS, Golden
from scripts.pods import Pair, SqlError
from waiting import eventually

INITIALIZING = ".kubemysql-initializing"
COMPLETE = ".kubemysql-complete"


def test_a_fresh_cluster_comes_up(golden: Golden) -> None:
    primary, replica = golden.cluster.pod("mysql-0"), golden.cluster.pod("mysql-1")
    assert (primary.data / COMPLETE).exists() and (replica.data / COMPLETE).exists()
    assert "is the primary and writable" in primary.container("replication").log
    assert "is a replica of mysql-0.mysql" in replica.container("replication").log
    assert not (replica.volume / "incoming").exists() and not list((replica.base / "scratch").iterdir())
    assert not (primary.data / ".kubemysql-root-password-temporary").exists()
    assert not (replica.data / ".kubemysql-cloned").exists()


def test_no_password_is_seen_anywhere(golden: Golden) -> None:
    seen = golden.environment_of_first_mysqld + golden.arguments_seen
    seen += "".join(c.log for pod in golden.cluster.pods.values() for c in pod.containers)
    for password in golden.cluster.passwords.values():
        assert password.strip() not in seen


def test_users_can_log_in_and_have_only_what_they_need(shared_pair: Pair) -> None:
    primary, replica = shared_pair
    passwords = primary.cluster.passwords
    for name in ("replication", "clone", "admin"):
        how = {"user": f"kubemysql_{name}", "password": passwords[f"{name}-password"], "address": primary.address}
        assert "kubemysql" in primary.sql("SELECT CURRENT_USER()", **how)
        assert "denied" in primary.try_sql("CREATE DATABASE nope", **how)
        assert "denied" in primary.try_sql("SELECT * FROM shop.t", **how)
    assert primary.sql("CREATE DATABASE kubemysql_canary; DROP DATABASE kubemysql_canary; SHOW REPLICAS", **how)
    assert primary.sql("SELECT CURRENT_USER()", **how) == "kubemysql_admin@127.0.0.1"
    users = primary.sql("SELECT CONCAT(user, '@', host) FROM mysql.user WHERE user NOT LIKE 'mysql.%' ORDER BY 1").split()
    ours = ["kubemysql_admin@127.0.0.1", "kubemysql_admin@::1", "kubemysql_clone@%", "kubemysql_replication@%"]
    assert users == ["app@%", *ours, "root@localhost"]
    # The password that the image's entrypoint was given is gone, on the primary and in its clone.
    for pod in (primary, replica):
        assert pod.sql("SELECT COUNT(*) FROM mysql.user WHERE user_attributes LIKE '%additional_password%'") == "0"
    with pytest.raises(SqlError, match="1045"):
        primary.sql("SELECT 1", password="wrong")


def test_interrupted_first_initialisation_starts_over(cluster: Cluster) -> None:
    """Killed at three points; each time only the container `mysql` comes back. The accounts' script is sourced, not run."""
    (cluster.base / "scripts" / "run-initdb-accounts.sh").chmod(0o444)
    pod = cluster.pod("mysql-0")
    pod.run("provision")
    mysql = pod.start_mysql()
    eventually("the data directory", (pod.data / "mysql.ibd").exists)
    mysql.kill()
    mysql.wait()
    mysql = pod.start_mysql()
    eventually("the temporary server", lambda: "Starting temporary server" in mysql.log)
    mysql.kill()
    mysql.wait()
    assert not (pod.data / COMPLETE).exists()
    mysql = pod.start_mysql()
    eventually("the mark", (pod.data / COMPLETE).exists)
    mysql.kill()
    mysql.wait()
    assert "starting over" in mysql.log
    again = pod.start_mysql()
    pod.start("replication")
    pod.wait_ready()
    assert "first initialisation" not in again.log
    assert pod.sql("SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'kubemysql%'") == "4"


def test_interrupted_first_initialisation_survives_the_pod(cluster: Cluster) -> None:
    pod = cluster.pod("mysql-0")
    pod.run("provision")
    mysql = pod.start_mysql()
    eventually("the data directory", (pod.data / "ibdata1").exists)
    pod.stop()
    mysql.wait()
    # On a bootstrapped cluster nothing is wiped, whatever the marks say.
    cluster.write_topology(bootstrapped=BOOTSTRAPPED)
    for script in ("provision", "mysql"):
        refused = pod.run(script, expect=1)
        assert BOOTSTRAPPED in refused.log and "what to do" in refused.log
    assert (pod.data / "ibdata1").exists()
    cluster.write_topology(bootstrapped="")
    again = pod.run("provision")
    assert "starting over" in again.log
    assert not pod.data.exists() and (pod.volume / INITIALIZING).exists()


def test_empty_primary_of_a_bootstrapped_cluster_is_refused(cluster: Cluster) -> None:
    cluster.write_topology(bootstrapped=BOOTSTRAPPED)
    pod = cluster.pod("mysql-0")
    refused = pod.run("provision", expect=1)
    assert BOOTSTRAPPED in refused.log and "replicas hold the data" in refused.log and "what to do" in refused.log
    assert list(pod.volume.iterdir()) == []


def test_empty_primary_beside_a_living_peer_is_refused(pair: Pair, cluster: Cluster) -> None:
    primary, replica = pair
    cluster.write_topology(bootstrapped="")  # as after a lost or rewritten topology
    primary.stop()
    shutil.rmtree(primary.data)
    refused = primary.run("provision", expect=1)
    assert "mysql-1.mysql" in refused.log and "runs a server" in refused.log
    assert sorted(path.name for path in primary.volume.iterdir()) == [".kubemysql-cluster", "lost+found"]
    # One that does not let us in is a server all the same.
    cluster.passwords["clone-password"] = "another"
    cluster.write_secrets()
    assert "runs a server" in primary.run("provision", expect=1).log
    # Nor does the container `mysql` believe what was checked before it started.
    (primary.volume / INITIALIZING).touch()
    assert "runs a server" in primary.run("mysql", expect=1).log
    assert replica.sql("SELECT COUNT(*) FROM shop.t") == str(ROWS)


def test_silent_peer_is_not_taken_for_an_empty_one(cluster: Cluster) -> None:
    pod, peer = cluster.pod("mysql-0"), cluster.pod("mysql-1")
    listen = (
        f"import socket, signal; s = socket.create_server(('{peer.address}', 3306)); print('up', flush=True); signal.pause()"
    )
    command = [*cluster.on_network, sys.executable, "-c", listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as listener:
        assert listener.stdout and listener.stdout.readline()
        try:
            refused = pod.run("provision", expect=1, PEER_PATIENCE="2")
        finally:
            listener.kill()
    assert "does not answer" in refused.log and not (pod.volume / INITIALIZING).exists()
    pod.run("provision")
    assert (pod.volume / INITIALIZING).exists()


def test_peers_that_cannot_be_looked_up_are_not_taken_for_absent(cluster: Cluster) -> None:
    pod = cluster.pod("mysql-0")
    cluster.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    refused = pod.run("provision", expect=1, PEER_PATIENCE="1")
    assert "does not resolve" in refused.log and not (pod.volume / INITIALIZING).exists()


def test_somebodys_data_are_adopted_and_never_wiped(cluster: Cluster, golden: Golden) -> None:
    pod = cluster.pod("mysql-0")
    golden.restore(pod)
    for mark in [*pod.data.glob(".kubemysql*"), *pod.volume.glob(".kubemysql*")]:
        mark.unlink()
    pod.start_all()
    pod.wait_ready()
    assert "adopted" in pod.container("provision").log and (pod.data / COMPLETE).exists()
    assert pod.sql("SELECT COUNT(*) FROM shop.t") == str(ROWS)
    assert not (pod.data / ".kubemysql-root-password-pending").exists()
    # Data without our users get them.
    pod.sql("DROP USER kubemysql_clone@'%', kubemysql_admin@'127.0.0.1'")
    pod.restart_mysql(signal.SIGTERM)
    pod.wait_ready()
    assert pod.sql("SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'kubemysql%'") == "4"


def test_a_binary_log_of_another_name_goes_on_and_root_gets_our_password(cluster: Cluster, golden: Golden) -> None:
    pod = cluster.pod("mysql-0")
    golden.restore(pod)
    for mark in [*pod.data.glob(".kubemysql*"), *pod.volume.glob(".kubemysql*")]:
        mark.unlink()
    for file in [*pod.data.glob("binlog.*")]:
        file.rename(file.with_name(file.name.replace("binlog", "mysql-0-bin")))
    index = pod.data / "mysql-0-bin.index"
    index.write_text(index.read_text(encoding="utf-8").replace("binlog.", "mysql-0-bin."), encoding="utf-8")
    before = index.read_text(encoding="utf-8").split()
    cluster.passwords["root-password"] = "another one's"
    cluster.write_secrets()
    pod.start_all()
    pod.wait_ready()
    logs = [line.split()[0] for line in pod.sql("SHOW BINARY LOGS").splitlines()]
    assert logs == [*(Path(each).name for each in before), "binlog.000001"]
    assert "goes on as binlog.index" in pod.container("provision").log


@pytest.mark.parametrize("place", ["mysql/report.txt", "ibdata1", "mysql.ibd"])
def test_files_that_are_no_data_directory_are_refused_and_kept(cluster: Cluster, place: str) -> None:
    for name in ("mysql-0", "mysql-1"):
        pod = cluster.pod(name)
        file = pod.volume / place
        file.parent.mkdir(exist_ok=True)
        file.write_text("precious", encoding="utf-8")
        refused = pod.run("provision", expect=1)
        assert "what to do" in refused.log and file.read_text() == "precious"


def test_unprepared_volume_is_not_started(cluster: Cluster) -> None:
    refused = cluster.pod("mysql-0").run("mysql", expect=1)
    assert "provision" in refused.log


def test_topology_without_a_primary_starts_nothing(cluster: Cluster) -> None:
    cluster.write_topology(primary="")
    for script in ("provision", "mysql"):
        assert "names no primary" in cluster.pod("mysql-0").run(script, expect=1).log


def test_configure_writes_the_same_each_time(cluster: Cluster) -> None:
    pod = cluster.pod("mysql-12")
    pod.data.mkdir()
    (pod.data / COMPLETE).touch()
    texts = []
    for _round in range(2):
        pod.run("provision")
        texts.append({path.name: path.read_text() for path in (pod.base / "conf").iterdir()})
    assert texts[0] == texts[1]
    assert texts[0]["replication.cnf"] == cluster.config["replica.cnf"]
    assert texts[0]["instance.cnf"] == "[mysqld]\nserver_id = 112\nreport_host = mysql-12.mysql\n"


def test_later_starts_are_read_only_and_get_no_password(cluster: Cluster) -> None:
    pod = cluster.pod("mysql-0")
    pod.data.mkdir()
    (pod.data / COMPLETE).touch()
    told = pod.substitute("docker-entrypoint.sh", 'printf "%s\\n" "$@"\nenv')
    started = pod.start("mysql", path=told, MYSQL_ROOT_PASSWORD_FILE="/kubemysql/secret/root-password")
    assert started.wait() == 0
    init_file = "--init-file=/var/run/mysqld/kubemysql-init.sql"
    assert started.log.splitlines()[:4] == ["mysqld", "--read-only=ON", "--super-read-only=ON", init_file]
    assert (pod.base / "run" / "kubemysql-init.sql").read_text() == "SET GLOBAL super_read_only = ON;\n"
    assert "PASSWORD" not in started.log
