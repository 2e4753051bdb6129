# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One set of servers for all tests here, put back in order before each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import ADMIN_USER
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector, dial_addresses
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.parallel import map_parallel
from integration.mysqld.mariadb import MariaDb
from integration.mysqld.servers import ADMIN_PASSWORD, Cluster, Server, make_template
from rootfs import root_file_system
from waiting import scaled


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that servers of an unprivileged user can reach; gone in the end, since data directories are large."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("apt-get") is None:
        pytest.skip("real servers need root on Debian: their root file system is made of Debian's packages")
    folder = tmp_path_factory.mktemp("servers")
    for path in (folder, *folder.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(place: Path) -> Iterator[Cluster]:
    rootfs = root_file_system()
    template = make_template(rootfs, place / "template")
    names = ("mysql-0", "mysql-1", "mysql-2")
    made = {name: Server.from_template(name, 100 + n, rootfs, template, place / name) for n, name in enumerate(names)}
    cluster = Cluster(made)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(servers: Cluster) -> Cluster:
    servers.reset()
    return servers


@pytest.fixture(scope="module")
def mariadb_pair(place: Path) -> Iterator[tuple[MariaDb, MariaDb]]:
    """Two servers that do not replicate yet."""
    root = root_file_system("mariadb")
    first, second = (MariaDb(f"mariadb-{number}", number, root, place / f"mariadb-{number}") for number in (1, 2))
    try:
        map_parallel(MariaDb.start, (first, second))
        yield first, second
    finally:
        for server in (first, second):
            server.stop()
            shutil.rmtree(server.folder)


@pytest.fixture
def connector(cluster: Cluster) -> PyMySqlConnector:
    addresses = {name: ("127.0.0.1", server.port) for name, server in cluster.servers.items()}
    return PyMySqlConnector(dial_addresses(addresses.get), ADMIN_USER, ADMIN_PASSWORD)


@pytest.fixture
def pool(connector: PyMySqlConnector) -> Iterator[SessionPool]:
    pool = SessionPool(connector, timeout=scaled(3.0))
    yield pool
    pool.close()
