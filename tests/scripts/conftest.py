# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: fake clusters, and volumes of a bootstrapped one to start from."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest
from machine import pytest_configure, pytest_terminal_summary
from rootfs import root_file_system
from scripts.clones import newcomer_beside
from scripts.cluster import Cluster
from scripts.containers import network_namespace
from scripts.flavours import MARIADB, MYSQL, Flavour
from scripts.golden import SHOP, Golden, catch_up, command_lines, start_pair
from scripts.mariadb import start_primary, start_replica
from scripts.pods import Pair, Pod

__all__ = ["pytest_configure", "pytest_terminal_summary"]


class MakeCluster(Protocol):
    """Makes an empty cluster."""

    def __call__(self, flavour: Flavour = MYSQL) -> Cluster:
        """Of this flavour."""


@pytest.fixture(scope="session")
def make_cluster() -> Iterator[MakeCluster]:
    """Makes empty clusters, in memory where that is possible; they end with the session at the latest."""
    if os.geteuid() != 0:
        pytest.skip("fake pods need root, for namespaces and chroot")
    clusters: list[Cluster] = []
    memory = Path("/dev/shm")
    folder = memory if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30 else None
    with network_namespace() as network, TemporaryDirectory(prefix="kubemysql-", dir=folder) as base_name:
        base = Path(base_name)

        def make(flavour: Flavour = MYSQL) -> Cluster:
            root = root_file_system(flavour.name)
            cluster = Cluster(base / str(len(clusters)), root, network, len(clusters) + 1, flavour)
            clusters.append(cluster)
            return cluster

        yield make
        for cluster in clusters:
            end(cluster)


def end(cluster: Cluster) -> None:
    cluster.stop()
    shutil.rmtree(cluster.base, ignore_errors=True)


@pytest.fixture(scope="session")
def golden(make_cluster: MakeCluster) -> Golden:
    """Bootstraps a cluster from nothing, as all fresh deployments do."""
    cluster = make_cluster()
    primary, replica = cluster.pod("mysql-0"), cluster.pod("mysql-1")
    (primary.volume / "lost+found").mkdir()
    cloning = replica.start("provision")
    primary.start_all()
    primary.wait_ready()
    assert cloning.wait() == 0, cloning.log
    replica.start_mysql()
    replica.start("replication")
    replica.wait_ready()
    primary.sql(SHOP)
    catch_up(replica, primary)
    environment = Path(f"/proc/{primary.mysqld_pid()}/environ").read_bytes().decode(errors="replace")
    arguments = "".join(path.read_bytes().decode(errors="replace") for path in command_lines(primary) + command_lines(replica))
    for pod in (replica, primary):
        pod.pre_stop()
        pod.container("mysql").kill(signal.SIGTERM)
        assert pod.container("mysql").wait() == 0
        pod.stop()
    return Golden(cluster, environment, arguments)


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    """An empty cluster, never bootstrapped."""
    made = make_cluster()
    yield made
    end(made)


@pytest.fixture
def pair(cluster: Cluster, golden: Golden) -> tuple[Pod, Pod]:
    return start_pair(cluster, golden)


@pytest.fixture(scope="module")
def shared_pair(make_cluster: MakeCluster, golden: Golden) -> Iterator[tuple[Pod, Pod]]:
    """A running primary and replica for tests that leave them as they found them."""
    made = make_cluster()
    yield start_pair(made, golden)
    end(made)


@pytest.fixture
def newcomer(shared_pair: Pair) -> Iterator[Pod]:
    """A pod with an empty volume beside them."""
    with newcomer_beside(shared_pair) as pod:
        yield pod


@pytest.fixture(scope="module")
def shared_mariadb_pair(make_cluster: MakeCluster) -> Iterator[Pair]:
    """A primary and a replica for tests that leave them as they found them."""
    cluster = make_cluster(MARIADB)
    primary = start_primary(cluster)
    yield primary, start_replica(cluster, 1)
    end(cluster)


@pytest.fixture
def mariadb_pair(make_cluster: MakeCluster) -> Iterator[Pair]:
    """The same for a test that breaks them."""
    cluster = make_cluster(MARIADB)
    primary = start_primary(cluster)
    yield primary, start_replica(cluster, 1)
    end(cluster)
