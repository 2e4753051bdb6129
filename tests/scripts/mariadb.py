# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of MariaDB whose instances are cloned by a stream, and what tests do to the streams."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ansible_collections.kubemysql.replication.plugins.module_utils.constants import CONTAINER_DONOR, DONOR_PORT
from scripts.cluster import Cluster
from scripts.containers import Container
from scripts.pods import Pod
from waiting import eventually, scaled

ROWS = 2000
TCP_LISTEN = "0A"
SHOP = f"""
CREATE DATABASE shop;
USE shop;
CREATE TABLE shop.t (a INT PRIMARY KEY, b BLOB);
INSERT INTO shop.t SELECT seq, RANDOM_BYTES(1000) FROM seq_1_to_{ROWS};
CREATE TABLE shop.aria (a INT PRIMARY KEY) ENGINE=Aria;
INSERT INTO shop.aria SELECT seq FROM seq_1_to_100;
"""


def start_primary(cluster: Cluster) -> Pod:
    pod = cluster.pod("mysql-0")
    pod.start_all()
    pod.wait_ready()
    pod.sql(SHOP)
    return pod


def start_replica(cluster: Cluster, ordinal: int) -> Pod:
    pod = cluster.pod(f"mysql-{ordinal}")
    pod.start_all()
    pod.wait_ready()
    return pod


def start_ready(pod: Pod) -> None:
    """Start what follows the init containers, and wait until it is ready."""
    pod.start_servers()
    pod.wait_ready()


def catch_up(pod: Pod, source: Pod) -> None:
    position = source.sql("SELECT @@gtid_binlog_pos")
    assert pod.sql(f"SELECT MASTER_GTID_WAIT('{position}', {scaled(20)})") == "0"


def assert_whole(pod: Pod, primary: Pod) -> None:
    """The pod serves everything that the primary has, and replicates what comes next."""
    pod.wait_ready()
    primary.sql("REPLACE INTO shop.t VALUES (0, RANDOM_BYTES(1000))")
    catch_up(pod, primary)
    tables = "CHECKSUM TABLE shop.t, shop.aria"
    assert pod.sql(tables) == primary.sql(tables)
    assert int(pod.sql("SELECT COUNT(*) FROM shop.t")) >= ROWS
    assert sorted(path.name for path in pod.volume.iterdir()) == [".kubemysql-cluster", "mysql"]
    assert not list(pod.data.glob(".kubemysql-coordinates")) and not list(pod.data.glob("xtrabackup_*"))


def donor_of(provision: Container) -> str:
    """The address that a clone came from in the end."""
    line = next(line for line in provision.log.splitlines() if "the data directory is complete" in line)
    return line.split("cloned from ")[1].split(";")[0]


def begin(pod: Pod, seconds: int = 500, **environment: str) -> Container:
    """Start a clone that takes ``seconds`` at least, and return when data are arriving.

    So few reads a second are allowed, of which even this little data need 500. The next backup is as fast as can be.
    """
    with pod.cluster.threshold("clone_throttle", max(1, 500 // scaled(seconds))):
        container = pod.start("provision", **environment)
        eventually("data to arrive", (pod.volume / "incoming" / "ibdata1").exists)
    return container


def restart_donor(pod: Pod, **how: str) -> Container:
    """Start the container `donor` anew, and return when it serves: a receiver that comes earlier goes to another donor."""
    container = start_donor(pod, **how)
    eventually(f"{pod.name} to serve backups", lambda: _listens(container, pod.address, DONOR_PORT))
    return container


def start_donor(pod: Pod, **how: str) -> Container:
    """End the container `donor`, and start another."""
    container = pod.container(CONTAINER_DONOR)
    container.stop()
    pod.containers.remove(container)
    return pod.start(CONTAINER_DONOR, **how)


def _listens(container: Container, address: str, port: int) -> bool:
    """By the kernel's table of sockets, as asking would be a connection."""
    local = f"{socket.inet_aton(address)[::-1].hex()}:{port:04x}".upper()
    rows = [line.split() for line in Path(f"/proc/{container.pid}/net/tcp").read_text().splitlines()]
    return any((row[1], row[3]) == (local, TCP_LISTEN) for row in rows)


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
