# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clones by a backup stream, with a real MariaDB: from whom, and what is said when nobody can give."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.clones import newcomer_beside
from scripts.mariadb import assert_whole, begin, donor_of, processes_of, restart_donor, start_donor, start_ready
from scripts.pods import Pair, Pod
from waiting import eventually, scaled


@pytest.fixture
def newcomer(shared_mariadb_pair: Pair) -> Iterator[Pod]:
    with newcomer_beside(shared_mariadb_pair) as pod:
        yield pod


def test_first_start_and_a_chain_of_donors(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_mariadb_pair
    assert donor_of(replica.container("provision")) == primary.address
    newcomer.start_all()
    assert_whole(newcomer, primary)
    assert donor_of(newcomer.container("provision")) == replica.address
    assert "is a replica of mysql-0.mysql" in newcomer.container("replication").log
    # An instance that was cloned gives to the next, and has the whole history for replicas of its own.
    replica.pre_stop()
    assert newcomer.sql("SELECT @@gtid_binlog_state") == primary.sql("SELECT @@gtid_binlog_state")
    assert newcomer.sql("SELECT @@server_id") not in {pod.sql("SELECT @@server_id") for pod in shared_mariadb_pair}


def test_no_password_is_seen_anywhere(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_mariadb_pair
    giving = replica.container("donor")
    cloning = begin(newcomer)
    seen = ""
    for container in (giving, cloning):
        for name in ("bash", "mariadb-backup", "mbstream", "socat"):
            for pid in processes_of(container, name):
                seen += Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
                seen += Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    assert "mariadb-backup" in seen and "mbstream" in seen
    cloning.stop()
    restart_donor(replica)
    seen += "".join(c.log for pod in (*shared_mariadb_pair, newcomer) for c in pod.containers) + giving.log
    for password in primary.cluster.passwords.values():
        assert password.strip() not in seen


def test_wrong_password_is_said(newcomer: Pod) -> None:
    cluster = newcomer.cluster
    (cluster.base / "secret" / "clone-password").write_text("wrong")
    refused = newcomer.run("provision", expect=1, CLONE_TIMEOUT="1")
    cluster.write_secrets()
    assert refused.log.count("its certificate was not made with this cluster's clone-password") == 2, refused.log
    assert "no peer could give its data within 1 s" in refused.log and "what to do" in refused.log
    assert not newcomer.data.exists()


KNOCK = """
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
plain = socket.create_connection((sys.argv[1], 3307), float(sys.argv[2]))
stream = context.wrap_socket(plain).makefile("rw", newline="\\n")
greeting = stream.readline()
assert greeting.startswith("kubemysql-donor 1 "), greeting
stream.write(f"give:5 {'0' * 32} {'0' * 64}\\n")
stream.flush()
print(repr(stream.read()))
"""


def test_the_port_gives_nothing_to_strangers(shared_mariadb_pair: Pair) -> None:
    _primary, replica = shared_mariadb_pair
    command = [*replica.cluster.on_network, sys.executable, "-c", KNOCK, replica.address, str(scaled(5))]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=scaled(30))
    assert done.stdout == "''\n"
    eventually("the donor to say so", lambda: "without knowing the clone password" in replica.container("donor").log)


def test_donor_that_is_not_ready_is_passed_over(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_mariadb_pair
    replica.sql("STOP SLAVE SQL_THREAD")
    eventually("readiness to say so", lambda: "applier" in replica.readiness)
    newcomer.run("provision")
    replica.sql("START SLAVE")
    log = newcomer.container("provision").log
    assert donor_of(newcomer.container("provision")) == primary.address
    assert f"peer {replica.address} cannot give its data: not ready: the applier thread is OFF" in log


def test_another_version_is_no_donor(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    newer = newcomer.substitute("mariadb-backup", "echo 'mariadb-backup based on MariaDB server 11.4.2-MariaDB'")
    refused = newcomer.start("provision", path=newer, CLONE_TIMEOUT="1")
    assert refused.wait() == 1
    for pod in shared_mariadb_pair:
        told = f"peer {pod.address} cannot give its data: its backups are of 10.11."
        assert told in refused.log and "this image's mariadb-backup is for 11.4.2" in refused.log


def test_names_that_come_late_are_waited_for(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    cluster = newcomer.cluster
    cluster.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    cloning = newcomer.start("provision")
    eventually("the receiver to look around", lambda: "starts with replica.cnf" in cloning.log)
    assert cloning.running
    cluster.write_hosts()
    assert cloning.wait() == 0, cloning.log
    start_ready(newcomer)
    assert_whole(newcomer, shared_mariadb_pair[0])


def test_donor_without_the_tool_says_so(mariadb_pair: Pair) -> None:
    primary, replica = mariadb_pair
    refused = start_donor(replica, path=without(replica, "mariadb-backup"))
    assert refused.wait() == 1
    assert "this image has no mariadb-backup and no mariabackup" in refused.log and "xtrabackup_image" in refused.log
    pod = replica.cluster.pod("mysql-2")
    pod.run("provision")
    assert donor_of(pod.container("provision")) == primary.address
    refused = pod.cluster.pod("mysql-3").start("provision", path=without(pod.cluster.pod("mysql-3"), "mbstream"))
    assert refused.wait() == 1 and "this image has no mbstream" in refused.log


def without(pod: Pod, program: str) -> str:
    """A PATH with all that is allowed but for one program."""
    folder = pod.base / "tmp" / "fewer"
    folder.mkdir()
    for link in (pod.cluster.root / "allowed").iterdir():
        if link.name != program:
            (folder / link.name).symlink_to(os.readlink(link))
    return "/tmp/fewer"


def test_ncat_does_as_well_as_socat(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    """The tutorial's image has no socat. Both sides, each with the other tool on the other side."""
    primary, replica = shared_mariadb_pair
    restart_donor(replica, path=f"{without(replica, 'socat')}:/spare")
    pod = newcomer
    pod.run("provision")
    assert donor_of(pod.container("provision")) == replica.address
    assert "over ncat" in replica.container("donor").log
    start_ready(pod)
    assert_whole(pod, primary)
    with pod.cluster.newcomer() as other:
        path = f"{without(other, 'socat')}:/spare"
        cloning = other.start("provision", path=path)
        assert cloning.wait() == 0, cloning.log
        # Wrong passwords are found out by this tool, too.
        shutil.rmtree(other.data)
        (other.cluster.base / "secret" / "clone-password").write_text("wrong")
        refused = other.start("provision", path=path, CLONE_TIMEOUT="1")
        assert refused.wait() == 1
        other.cluster.write_secrets()
        assert "its certificate was not made with this cluster's clone-password" in refused.log, refused.log
    restart_donor(replica)
