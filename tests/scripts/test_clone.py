# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloning: from whom, what a kill at any moment leaves behind, and what is said when nobody can give."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from scripts.clones import newcomer_beside, set_up_twice
from scripts.cluster import Cluster
from scripts.golden import ROWS, catch_up
from scripts.pods import Pair, Pod
from waiting import eventually, scaled


@pytest.fixture
def newcomer(shared_pair: Pair) -> Iterator[Pod]:
    with newcomer_beside(shared_pair) as pod:
        yield pod


def slow_down(pod: Pod, mebibytes: int = 1) -> None:
    """Make the pod clone at so many MiB/s: at 1, it takes a minute even for this little data."""
    set_options(pod, f"loose_clone_max_data_bandwidth = {mebibytes}", "loose_clone_autotune_concurrency = OFF")


def set_options(pod: Pod, *options: str) -> None:
    """Give the pod's next server these options; without any, it is as fast as others."""
    lines = ["[mysqld]", f"bind_address = {pod.address}", *options]
    (pod.base / "conf" / "aa-test.cnf").write_text("\n".join(lines) + "\n", encoding="utf-8")


def assert_whole(pod: Pod, primary: Pod) -> None:
    """The pod serves everything the primary has."""
    pod.wait_ready()
    assert pod.sql("CHECKSUM TABLE shop.t") == primary.sql("CHECKSUM TABLE shop.t")
    assert int(pod.sql("SELECT COUNT(*) FROM shop.t")) >= ROWS
    assert sorted(path.name for path in pod.volume.iterdir()) == [".kubemysql-cluster", "mysql"]


def test_a_replica_is_preferred_as_donor(shared_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_pair
    pod = newcomer
    pod.start_all()
    assert_whole(pod, primary)
    log = pod.container("provision").log
    assert f"cloned from {replica.address}" in log
    # What came with the donor's data is not the donor's replication: it is set up anew, and the identity is its own.
    assert f"connecting {pod.name} to the primary" in pod.container("replication").log
    assert len({p.sql("SELECT @@server_uuid") for p in (primary, replica, pod)}) == 3
    primary.sql("INSERT INTO shop.t VALUES (1000, 'new')")
    catch_up(pod, primary)
    assert pod.sql("SELECT b FROM shop.t WHERE a = 1000") == "new"


def test_a_replica_that_does_not_replicate_is_no_donor(shared_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_pair
    replica.sql("STOP REPLICA SQL_THREAD")
    pod = newcomer
    pod.start_all()
    replica.sql("START REPLICA")
    assert_whole(pod, primary)
    log = pod.container("provision").log
    assert f"cloned from {primary.address}" in log
    assert f"{replica.address} cannot give its data: its replication does not run" in log


def test_a_donor_without_the_plugin_is_passed_over(pair: Pair, cluster: Cluster) -> None:
    primary, replica = pair
    with cluster.option("plugin_load_add", None):
        replica.run("provision")
        replica.restart_mysql(signal.SIGTERM)
        replica.wait_ready()
    pod = cluster.pod("mysql-2")
    pod.start_all()
    assert_whole(pod, primary)
    log = pod.container("provision").log
    assert f"{replica.address} cannot give its data: its clone plugin is not active" in log
    assert f"cloned from {primary.address}" in log


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


def test_busy_and_vanished_donors_are_left_for_others(pair: Pair, cluster: Cluster) -> None:
    """One clone occupies the replica; a second pod must take the primary; then the replica vanishes and the first moves on."""
    primary, replica = pair
    first, second = cluster.pod("mysql-2"), cluster.pod("mysql-3")
    slow_down(first)
    # More than one login that comes too late on a busy machine: nothing but a donor that has gone may end the clone.
    patience = str(scaled(8))
    container = first.start("provision", DONOR_PATIENCE=patience)
    eventually("data to arrive", (first.volume / "incoming" / "mysql.ibd").exists)
    assert f"cloning from {replica.address}" in container.log, container.log
    scratch = next(pid for pid in container.children() if Path(f"/proc/{pid}/comm").read_text() == "mysqld\n")
    os.kill(scratch, signal.SIGSTOP)
    second.start_all()
    assert_whole(second, primary)
    log = second.container("provision").log
    expected = f"{replica.address} is busy with another clone" in log and f"cloned from {primary.address}" in log
    assert expected, log + container.log
    assert not first.data.exists()
    replica.stop()
    os.kill(scratch, signal.SIGCONT)
    # The scratch server that takes over reads the option files anew.
    set_options(first)
    assert container.wait() == 0, container.log
    assert f"{replica.address} has not answered for {patience} s" in container.log
    assert re.search(r"cloned from 127\S*; the data directory is complete", container.log)
    first.start_mysql()
    first.start("replication")
    assert_whole(first, primary)


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


def test_wrong_password_is_said_and_given_up_in_time(newcomer: Pod) -> None:
    pod = newcomer
    secret = pod.cluster.base / "secret" / "clone-password"
    secret.write_text("wrong")
    refused = pod.run("provision", expect=1, CLONE_TIMEOUT="1")
    pod.cluster.write_secrets()
    assert refused.log.count("Access denied for user 'kubemysql_clone'") == 2  # once for each peer, not once a try
    assert "no peer could give its data within 1 s" in refused.log and "what to do" in refused.log
    assert not pod.data.exists()


def test_image_without_the_plugin_is_said(cluster: Cluster) -> None:
    pod = cluster.pod("mysql-1")
    with cluster.option("plugin_load_add", None):
        refused = pod.run("provision", expect=1)
    assert "has no clone plugin" in refused.log


@pytest.mark.parametrize(
    ("own", "donor", "fit"),
    [
        ("9.7.4-2", "9.7.4", True),
        ("9.7.4", "9.7.0", True),
        ("8.4.1", "8.4.6", True),
        ("8.4.1", "9.7.1", False),
        ("8.0.36", "8.0.35", False),
        ("8.0.36-28", "8.0.36", True),
        ("8.0.37", "8.0.42", True),
        ("8.0.36", "8.0.37", False),
    ],
)
def test_versions_that_fit(cluster: Cluster, own: str, donor: str, fit: bool) -> None:
    command = f"source /kubemysql/scripts/lib-common.sh; versions_fit {shlex.quote(own)} {shlex.quote(donor)}"
    pod = cluster.pod("mysql-0")
    done = subprocess.run(pod.command(["bash", "-euc", command], pod.environment(), "/allowed"), check=False)
    assert (done.returncode == 0) == fit
