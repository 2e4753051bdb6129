# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From whom a pod clones, and what is logged when nobody can give."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from scripts.clones import assert_whole, set_options, slow_down
from scripts.cluster import Cluster
from scripts.golden import catch_up
from scripts.pods import Pair, Pod
from waiting import eventually, scaled


def test_a_replica_is_preferred_as_donor(shared_pair: Pair, newcomer: Pod) -> None:
    primary, replica = shared_pair
    pod = newcomer
    pod.start_all()
    assert_whole(pod, primary)
    log = pod.container("provision").log
    assert f"cloned from {replica.address}" in log
    # The donor's replication settings come with its data: the channel is set up anew, and the identity is its own.
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
