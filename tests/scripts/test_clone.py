# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloning: what a kill at any moment leaves behind, and how far a clone is."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from scripts.clones import assert_whole, set_options, set_up_twice, slow_down
from scripts.pods import Pair, Pod
from waiting import eventually


def test_disk_full_on_the_receiver(shared_pair: Pair, newcomer: Pod) -> None:
    """The volume is a file system that is too small: it is said, nothing is kept, and more room mends it."""
    pod = newcomer
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,uid=999,gid=999", "tmpfs", str(pod.volume)], check=True)
    try:
        refused = pod.run("provision", expect=1, CLONE_TIMEOUT="1")
        # The server looks before it begins.
        assert "Available space 7.99 MiB is not enough" in refused.log, refused.log
        assert not pod.data.exists()
        subprocess.run(["mount", "-o", "remount,size=400m", str(pod.volume)], check=True)
        pod.start_all()
        assert_whole(pod, shared_pair[0])
    finally:
        pod.stop()
        subprocess.run(["umount", str(pod.volume)], check=True)


def test_kill_between_setting_up_the_channel_and_starting_it(shared_pair: Pair, newcomer: Pod) -> None:
    """The marks of the clone are still there: it is all done once more."""
    assert set_up_twice(newcomer)["Replica_IO_Running"] == "No"
    assert_whole(newcomer, shared_pair[0])


@pytest.mark.parametrize("moment", ["scratch", "arriving", "before rename", "after rename"])
def test_kill_at_any_moment_of_a_clone(shared_pair: Pair, newcomer: Pod, moment: str) -> None:
    """Nothing torn is ever taken for whole, and nothing whole is ever thrown away."""
    primary, _replica = shared_pair
    pod = newcomer
    if moment == "scratch":
        killed = pod.start("provision")
        eventually("the scratch server", (pod.base / "scratch" / "data" / "ibdata1").exists)
    elif moment == "arriving":
        # The kill comes in time, however late this process learns that data arrive.
        slow_down(pod)
        killed = pod.start("provision")
        eventually("data to arrive", (pod.volume / "incoming" / "mysql.ibd").exists)
        set_options(pod)
    else:
        program, arguments = {
            "before rename": ("mv", "'-T -- /volume/incoming /volume/mysql'"),
            "after rename": ("sync", "/volume"),
        }[moment]
        killed = pod.start("provision", path=pod.fault(program, arguments))
        pod.wait_for_fault()
    killed.stop()
    assert pod.data.exists() == (moment == "after rename")
    if moment != "after rename":
        # Without the mark the server does not start, whatever the kubelet does.
        assert "provision" in pod.run("mysql", expect=1).log
    again = pod.run("provision")
    assert ("nothing to do" in again.log) == (moment == "after rename")
    pod.start_mysql()
    pod.start("replication")
    assert_whole(pod, primary)


def test_a_clone_acknowledges_how_far_it_is(shared_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_pair
    pod = newcomer

    def progress() -> Acknowledgement | None:
        found = pod.asked()
        return found if found and found.received_mib is not None else None

    # Throttled data are copied freely for the first tenth of a second, in which a fast machine has copied all of these.
    container = pod.start("provision", PROGRESS_INTERVAL="1")
    eventually("the clone to begin", lambda: f"cloning from {replica.address}" in container.log, interval=0.001)
    os.kill(replica.mysqld_pid(), signal.SIGSTOP)
    try:
        found = eventually("progress", progress)
        assert found.total_mib
        said = rf"cloning from {replica.address}: {found.received_mib} of {found.total_mib} MiB, \d+ MiB/s.*"
        assert re.fullmatch(said, found.reason or "")
        assert f"[kubemysql] {found.reason}" in container.log
    finally:
        os.kill(replica.mysqld_pid(), signal.SIGCONT)
    assert container.wait() == 0
    pod.start_mysql()
    pod.start("replication")
    assert_whole(pod, primary)


def test_a_clone_ends_at_once_on_sigterm(newcomer: Pod) -> None:
    pod = newcomer
    slow_down(pod)
    container = pod.start("provision")
    eventually("data to arrive", (pod.volume / "incoming" / "mysql.ibd").exists)
    container.kill(signal.SIGTERM)
    assert container.wait(5) == 143
    assert not pod.data.exists()
