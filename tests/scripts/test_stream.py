# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clones by a backup stream, with a real MariaDB: from whom, and what a kill at any moment leaves behind."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.mariadb import Pair, assert_whole, donor_of, start_servers
from scripts.pods import ALLOWED_PATH, Container, Pod
from waiting import eventually

ORDINALS = itertools.count(2)


@pytest.fixture
def newcomer(maria: Pair) -> Iterator[Pod]:
    """A pod with an empty volume beside a running pair, and gone without a trace afterwards."""
    cluster = maria[0].cluster
    pod = cluster.pod(f"mysql-{next(ORDINALS)}")
    yield pod
    leave(pod)
    for other in maria:
        other.wait_ready()


def leave(pod: Pod) -> None:
    pod.stop()
    del pod.cluster.pods[pod.name]
    pod.cluster.write_hosts()
    shutil.rmtree(pod.base)


def throttled(pod: Pod, rate: str = "1") -> Container:
    """Have the pod make ``rate`` reads a second for a backup, of which even this little data need 500."""
    container = pod.container("backup")
    container.stop()
    pod.containers.remove(container)
    return pod.start("backup", CLONE_THROTTLE=rate)


def begin(pod: Pod, **environment: str) -> Container:
    """Start a clone, and return when data are arriving."""
    container = pod.start("provision", **environment)
    eventually("data to arrive", (pod.volume / "incoming" / "ibdata1").exists)
    return container


def processes_of(container: Container, name: str) -> list[int]:
    """All of the container's processes with this name, as the machine numbers them."""
    namespace = os.readlink(f"/proc/{container.pid}/ns/pid")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "ns/pid") == namespace and (folder / "comm").read_text().strip() == name:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_first_start_and_a_chain_of_donors(maria: Pair, newcomer: Pod) -> None:
    primary, replica = maria
    assert donor_of(replica.container("provision")) == primary.address
    newcomer.start_all()
    assert_whole(newcomer, primary)
    assert donor_of(newcomer.container("provision")) == replica.address
    assert "is a replica of mysql-0.mysql" in newcomer.container("replication").log
    # Whoever was cloned gives to the next, and knows the whole history for replicas that will be its own.
    replica.run("stop")
    assert newcomer.sql("SELECT @@gtid_binlog_state") == primary.sql("SELECT @@gtid_binlog_state")
    assert newcomer.sql("SELECT @@server_id") not in {pod.sql("SELECT @@server_id") for pod in maria}


def test_no_password_is_seen_anywhere(maria: Pair, newcomer: Pod) -> None:
    primary, replica = maria
    giving = throttled(replica)
    cloning = begin(newcomer)
    seen = ""
    for container in (giving, cloning):
        for name in ("bash", "mariadb-backup", "mbstream", "socat"):
            for pid in processes_of(container, name):
                seen += Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
                seen += Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    assert "mariadb-backup" in seen and "mbstream" in seen
    cloning.stop()
    replica.containers.remove(giving)
    giving.stop()
    replica.start("backup")
    seen += "".join(c.log for pod in (*maria, newcomer) for c in pod.containers) + giving.log
    for password in primary.cluster.passwords.values():
        assert password.strip() not in seen


@pytest.mark.parametrize("moment", ["arriving", "preparing", "before rename", "between rename and its sync", "replication"])
def test_kill_of_the_receiver_at_any_moment(maria: Pair, newcomer: Pod, moment: str) -> None:
    """Nothing torn is ever taken for whole, and nothing whole is ever thrown away."""
    pod, faults = newcomer, {
        "arriving": ("mbstream", '"-x "*'),
        "preparing": ("mariadb-backup", '"--prepare "*'),
        "before rename": ("mv", "'-T -- /volume/incoming /volume/mysql'"),
        "between rename and its sync": ("sync", "/volume"),
    }  # fmt: skip
    pod.run("configure")
    if moment == "replication":
        pod.run("provision")
        # Killed when the channel is set up and the marks are still there: it is all done once more.
        pod.start_mysql()
        replication = pod.start("replication", path=pod.fault("rm", "'-f -- /volume/mysql/.kubemysql-cloned '*"))
        pod.wait_for_fault()
        assert pod.row("SHOW REPLICA STATUS")["Using_Gtid"] == "Slave_Pos"
        replication.stop()
        pod.start("replication")
        assert_whole(pod, maria[0])
        return
    killed = pod.start("provision", path=pod.fault(*faults[moment]))
    pod.wait_for_fault()
    killed.stop()
    whole = moment == "between rename and its sync"
    assert pod.data.exists() == whole
    if not whole:
        # Without the mark the server does not start, whatever the kubelet does.
        assert "provision" in pod.run("mysql", expect=1).log
    again = pod.run("provision")
    assert ("nothing to do" in again.log) == whole
    start_servers(pod)
    assert_whole(pod, maria[0])


@pytest.mark.parametrize("moment", ["arriving", "preparing"])
def test_a_clone_ends_at_once_on_sigterm(maria: Pair, newcomer: Pod, moment: str) -> None:
    if moment == "arriving":
        throttled(maria[1])
        container = begin(newcomer)
    else:
        container = newcomer.start("provision", path=newcomer.fault("mariadb-backup", '"--prepare "*'))
        newcomer.wait_for_fault()
    container.kill(signal.SIGTERM)
    assert container.wait(5) == 143
    assert not newcomer.data.exists()
    restore_backup(maria[1])


def restore_backup(pod: Pod) -> None:
    container = pod.container("backup")
    container.stop()
    pod.containers.remove(container)
    pod.start("backup")


@pytest.mark.parametrize("victim", ["tool", "server", "connection", "container", "pod"])
def test_donor_that_dies_in_the_middle(own_pair: Pair, victim: str) -> None:
    """What has arrived of a torn stream is thrown away, and somebody else gives."""
    primary, replica = own_pair
    giving = throttled(replica)
    pod = replica.cluster.pod("mysql-2")
    cloning = begin(pod)
    assert f"cloning from {replica.address}" in cloning.log
    if victim == "pod":
        replica.stop()
    elif victim == "container":
        giving.kill()
    elif victim == "server":
        os.kill(replica.mysqld_pid(), signal.SIGKILL)
    else:
        (pid,) = [*processes_of(giving, "mariadb-backup")] if victim == "tool" else [max(processes_of(giving, "socat"))]
        os.kill(pid, signal.SIGKILL)
    if victim != "pod":
        # Its next try would take as long.
        eventually("the receiver to notice", lambda: f"cloning from {replica.address} failed" in cloning.log)
        replica.stop()
    assert cloning.wait() == 0, cloning.log
    cut, ended = "the stream was cut off", "mariadb-backup ended with status 1"
    # A pod's containers end one after the other: the tool may still tell that its server has gone.
    reasons = {"tool": (f"{ended}37",), "server": (ended,), "pod": (cut, ended)}.get(victim, (cut,))
    assert f"cloning from {replica.address} failed: " in cloning.log, cloning.log
    assert any(reason in cloning.log for reason in reasons), cloning.log
    assert donor_of(cloning) == primary.address
    start_servers(pod)
    assert_whole(pod, primary)


def test_donor_that_falls_silent_is_left(own_pair: Pair) -> None:
    primary, replica = own_pair
    giving = throttled(replica)
    pod = replica.cluster.pod("mysql-2")
    cloning = begin(pod, DONOR_PATIENCE="3", LINE_TIMEOUT="1")
    stopped = [pid for name in ("socat", "mariadb-backup", "bash") for pid in processes_of(giving, name)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    assert cloning.wait() == 0, cloning.log
    assert "has not answered for 3 s" in cloning.log and donor_of(cloning) == primary.address


def test_two_race_for_one_donor(own_pair: Pair) -> None:
    """One is served, the other waits in the queue; with the primary busy, too, nobody gets half of anything."""
    primary, replica = own_pair
    cluster = primary.cluster
    replica.stop()
    throttled(primary, "50")
    first = begin(cluster.pod("mysql-2"))
    second = cluster.pod("mysql-3").start("provision", QUEUE_PATIENCE="1")
    eventually("the second to be told", lambda: "does not give its data: busy" in second.log)
    assert not (cluster.pod("mysql-3").volume / "incoming" / "ibdata1").exists()
    assert first.wait() == 0 and second.wait() == 0, first.log + second.log
    for name in ("mysql-2", "mysql-3"):
        start_servers(cluster.pod(name))
        assert_whole(cluster.pod(name), primary)


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
plain = socket.create_connection((sys.argv[1], 3307), 5)
stream = context.wrap_socket(plain).makefile("rw", newline="\\n")
greeting = stream.readline()
assert greeting.startswith("kubemysql-backup 1 "), greeting
stream.write(f"give:5 {'0' * 32} {'0' * 64}\\n")
stream.flush()
print(repr(stream.read()))
"""


def test_the_port_gives_nothing_to_strangers(maria: Pair) -> None:
    _primary, replica = maria
    command = ["nsenter", f"--net=/proc/{replica.cluster.network.pid}/ns/net", sys.executable, "-c", KNOCK, replica.address]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout == "''\n"
    eventually("the donor to say so", lambda: "without knowing the clone password" in replica.container("backup").log)


def test_donor_that_is_not_ready_is_passed_over(maria: Pair, newcomer: Pod) -> None:
    primary, replica = maria
    replica.sql("STOP SLAVE SQL_THREAD")
    eventually("readiness to say so", lambda: "applier" in replica.readiness)
    newcomer.run("provision")
    replica.sql("START SLAVE")
    log = newcomer.container("provision").log
    assert donor_of(newcomer.container("provision")) == primary.address
    assert f"peer {replica.address} cannot give its data: not ready: the applier thread is OFF" in log


def test_another_version_is_no_donor(maria: Pair, newcomer: Pod) -> None:
    tool = newcomer.base / "tmp" / "newer"
    tool.mkdir()
    shim = tool / "mariadb-backup"
    shim.write_text("#!/allowed/bash\necho 'mariadb-backup based on MariaDB server 11.4.2-MariaDB'\n", encoding="utf-8")
    shim.chmod(0o755)
    refused = newcomer.start("provision", path=f"/tmp/newer:{ALLOWED_PATH}", CLONE_TIMEOUT="1")
    assert refused.wait() == 1
    for pod in maria:
        told = f"peer {pod.address} cannot give its data: its backups are of 10.11."
        assert told in refused.log and "this image's mariadb-backup is for 11.4.2" in refused.log


def test_names_that_come_late_are_waited_for(maria: Pair, newcomer: Pod) -> None:
    cluster = newcomer.cluster
    cluster.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    cloning = newcomer.start("provision")
    eventually("the receiver to look around", lambda: "starts with replica.cnf" in cloning.log)
    assert cloning.running
    cluster.write_hosts()
    assert cloning.wait() == 0, cloning.log
    start_servers(newcomer)
    assert_whole(newcomer, maria[0])


def test_donor_without_the_tool_says_so(own_pair: Pair) -> None:
    primary, replica = own_pair
    container = replica.container("backup")
    container.stop()
    path = without(replica, "mariadb-backup")
    refused = replica.start("backup", path=path)
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


def test_disk_full_on_the_receiver(maria: Pair, newcomer: Pod) -> None:
    """The volume is a file system that is too small: it is said, nothing is kept, and more room mends it."""
    pod = newcomer
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,uid=999,gid=999", "tmpfs", str(pod.volume)], check=True)
    try:
        refused = pod.run("provision", expect=1, CLONE_TIMEOUT="1")
        assert "No space left on device" in refused.log, refused.log
        assert not pod.data.exists()
        subprocess.run(["mount", "-o", "remount,size=400m", str(pod.volume)], check=True)
        pod.run("provision")
        start_servers(pod)
        assert_whole(pod, maria[0])
    finally:
        pod.stop()
        subprocess.run(["umount", str(pod.volume)], check=True)


def test_ncat_does_as_well_as_socat(maria: Pair, newcomer: Pod) -> None:
    """The tutorial's image has no socat. Both sides, each with the other tool on the other side."""
    primary, replica = maria
    path = f"{without(replica, 'socat')}:/spare"
    container = replica.container("backup")
    container.stop()
    replica.start("backup", path=path)
    pod = newcomer
    pod.run("configure")
    pod.run("provision")
    assert donor_of(pod.container("provision")) == replica.address
    assert "over ncat" in replica.container("backup").log
    start_servers(pod)
    assert_whole(pod, primary)
    other = pod.cluster.pod(f"mysql-{next(ORDINALS)}")
    cloning = other.start("provision", path=f"{without(other, 'socat')}:/spare")
    assert cloning.wait() == 0, cloning.log
    # Wrong passwords are found out by this tool, too.
    shutil.rmtree(other.data)
    (other.cluster.base / "secret" / "clone-password").write_text("wrong")
    refused = other.start("provision", path="/tmp/fewer:/spare", CLONE_TIMEOUT="1")
    assert refused.wait() == 1
    other.cluster.write_secrets()
    assert "its certificate was not made with this cluster's clone-password" in refused.log, refused.log
    leave(other)
    restore_backup(replica)
