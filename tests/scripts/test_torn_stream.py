# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup streams that end too early: nothing torn is taken for whole, and the next try or the next donor mends it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from scripts.clones import newcomer_beside, set_up_twice
from scripts.mariadb import assert_whole, begin, donor_of, processes_of, restart_donor, start_ready
from scripts.pods import Pair, Pod
from waiting import eventually, scaled

# The program that a clone runs at the time, and with what.
MOMENTS = {
    "arriving": ("mbstream", '"-x "*'),
    "preparing": ("mariadb-backup", '"--prepare "*'),
    "before rename": ("mv", "'-T -- /volume/incoming /volume/mysql'"),
    "between rename and its sync": ("sync", "/volume"),
}


@pytest.fixture
def newcomer(shared_mariadb_pair: Pair) -> Iterator[Pod]:
    with newcomer_beside(shared_mariadb_pair) as pod:
        yield pod


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_of_the_receiver_at_any_moment(shared_mariadb_pair: Pair, newcomer: Pod, moment: str) -> None:
    """Nothing torn is ever taken for whole, and nothing whole is ever thrown away."""
    pod = newcomer
    killed = pod.start("provision", path=pod.fault(*MOMENTS[moment]))
    pod.wait_for_fault()
    killed.stop()
    whole = moment == "between rename and its sync"
    assert pod.data.exists() == whole
    if not whole:
        # Without the mark the server does not start, whatever the kubelet does.
        assert "provision" in pod.run("mysql", expect=1).log
    again = pod.run("provision")
    assert ("nothing to do" in again.log) == whole
    start_ready(pod)
    assert_whole(pod, shared_mariadb_pair[0])


def test_kill_between_setting_up_the_channel_and_starting_it(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    """The marks of the clone are still there: it is all done once more."""
    assert set_up_twice(newcomer)["Using_Gtid"] == "Slave_Pos"
    assert_whole(newcomer, shared_mariadb_pair[0])


@pytest.mark.parametrize("moment", ["arriving", "preparing"])
def test_a_clone_ends_at_once_on_sigterm(shared_mariadb_pair: Pair, newcomer: Pod, moment: str) -> None:
    if moment == "arriving":
        container = begin(newcomer)
    else:
        container = newcomer.start("provision", path=newcomer.fault("mariadb-backup", '"--prepare "*'))
        newcomer.wait_for_fault()
    container.kill(signal.SIGTERM)
    assert container.wait(5) == 143
    assert not newcomer.data.exists()
    restart_donor(shared_mariadb_pair[1])


@pytest.mark.parametrize("victim", ["tool", "server", "connection", "container", "pod"])
def test_donor_that_dies_in_the_middle(mariadb_pair: Pair, victim: str) -> None:
    """The part of a torn stream that has arrived is removed, and another donor gives."""
    primary, replica = mariadb_pair
    giving = replica.container("donor")
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
    start_ready(pod)
    assert_whole(pod, primary)


def test_donor_that_falls_silent_is_left(mariadb_pair: Pair) -> None:
    primary, replica = mariadb_pair
    giving = replica.container("donor")
    pod = replica.cluster.pod("mysql-2")
    patience = str(scaled(3))
    cloning = begin(pod, DONOR_PATIENCE=patience, LINE_TIMEOUT=patience)
    stopped = [pid for name in ("socat", "mariadb-backup", "bash") for pid in processes_of(giving, name)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    assert cloning.wait() == 0, cloning.log
    assert f"has not answered for {patience} s" in cloning.log and donor_of(cloning) == primary.address, cloning.log


def test_two_race_for_one_donor(mariadb_pair: Pair) -> None:
    """One is served, the other waits in the queue; with the primary busy, too, nobody gets half of anything."""
    primary, replica = mariadb_pair
    cluster = primary.cluster
    replica.stop()
    first = begin(cluster.pod("mysql-2"), seconds=10)
    second = cluster.pod("mysql-3").start("provision", QUEUE_PATIENCE="1")
    eventually("the second to be told", lambda: "does not give its data: busy" in second.log)
    assert not (cluster.pod("mysql-3").volume / "incoming" / "ibdata1").exists()
    assert first.wait() == 0 and second.wait() == 0, first.log + second.log
    for name in ("mysql-2", "mysql-3"):
        start_ready(cluster.pod(name))
        assert_whole(cluster.pod(name), primary)


def test_disk_full_on_the_receiver(shared_mariadb_pair: Pair, newcomer: Pod) -> None:
    """The volume is a file system that is too small: it is said, nothing is kept, and more room mends it."""
    pod = newcomer
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,uid=999,gid=999", "tmpfs", str(pod.volume)], check=True)
    try:
        refused = pod.run("provision", expect=1, CLONE_TIMEOUT="1")
        assert "No space left on device" in refused.log, refused.log
        assert not pod.data.exists()
        subprocess.run(["mount", "-o", "remount,size=400m", str(pod.volume)], check=True)
        pod.run("provision")
        start_ready(pod)
        assert_whole(pod, shared_mariadb_pair[0])
    finally:
        pod.stop()
        subprocess.run(["umount", str(pod.volume)], check=True)
