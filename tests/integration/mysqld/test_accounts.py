# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administration account: from where it can be used, and that it needs each of its rights."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import ADMIN_USER
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from integration.mysqld.mariadb import MariaDb
from integration.mysqld.servers import ADMIN_PASSWORD, Cluster, LocalServer
from integration.mysqld.worlds import admin_of
from pod_accounts import admin_rights

Operation = Callable[[SqlInstance, int], object]
MYSQL: dict[str, Operation] = {
    "RELOAD": lambda server, _other: server.rotate_binary_log(),
    "REPLICATION CLIENT": lambda server, _other: server.status(),
    "REPLICATION SLAVE": lambda server, _other: server.registered(),
    "CONNECTION_ADMIN": lambda server, other: server.kill_session(other),
    "REPLICATION_SLAVE_ADMIN": lambda server, _other: server.stop_replica(),
    "SYSTEM_USER": lambda server, other: server.kill_session(other),
    "SYSTEM_VARIABLES_ADMIN": lambda server, _other: server.set_read_only("off"),
    "XA_RECOVER_ADMIN": lambda server, _other: server.prepared_transactions(),
}
MARIADB: dict[str, Operation] = {
    "PROCESS": lambda server, _other: server.client_sessions(),
    "RELOAD": lambda server, _other: server.rotate_binary_log(),
    "SLAVE MONITOR": lambda server, _other: server.status(),
    "REPLICATION MASTER ADMIN": lambda server, _other: server.registered(),
    "CONNECTION ADMIN": lambda server, other: server.kill_session(other),
    "READ_ONLY ADMIN": lambda server, _other: server.set_read_only("off"),
    "REPLICATION SLAVE ADMIN": lambda server, _other: server.stop_replica(),
}
RIGHTS = [("mysql", right) for right in MYSQL] + [("mariadb", right) for right in MARIADB]
PAGE = Path(__file__).resolve().parents[3] / "docs" / "accounts.md"


@pytest.fixture
def mysql(cluster: Cluster) -> LocalServer:
    return cluster["mysql-0"]


@pytest.fixture
def mariadb(mariadb_pair: tuple[MariaDb, MariaDb]) -> LocalServer:
    server = mariadb_pair[0]
    server.clear()
    server.create_users()
    return server


@contextmanager
def administrators_session(server: LocalServer) -> Iterator[int]:
    """A session of somebody who may do everything."""
    with server.session() as session:
        yield session.thread_id()


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_only_loopback_is_let_in(flavour: str, request: pytest.FixtureRequest) -> None:
    server: LocalServer = request.getfixturevalue(flavour)
    where: dict[str, t.Any] = {"host": "127.0.0.1", "port": server.port, "ssl_verify_cert": False}
    credentials = {"user": ADMIN_USER, "password": ADMIN_PASSWORD.encode()}
    pymysql.connect(**where, **credentials).close()
    with pytest.raises(pymysql.OperationalError, match="1045"):
        pymysql.connect(**where, **credentials, bind_address="127.0.0.2")


@pytest.mark.parametrize(("flavour", "right"), RIGHTS)
def test_each_right_is_needed(flavour: str, right: str, request: pytest.FixtureRequest) -> None:
    server: LocalServer = request.getfixturevalue(flavour)
    operation = (MYSQL if flavour == "mysql" else MARIADB)[right]
    server.run(f"REVOKE {right} ON *.* FROM {ADMIN_USER}@'127.0.0.1'")
    with administrators_session(server) as other, pytest.raises(SqlError) as refused:
        operation(admin_of(server), other)
    # 1401: MySQL's answer to XA RECOVER.
    assert refused.value.errno in (1095, 1227, 1401)
    server.run(f"GRANT {right} ON *.* TO {ADMIN_USER}@'127.0.0.1'")
    with administrators_session(server) as other:
        operation(admin_of(server), other)


@pytest.mark.parametrize(("flavour", "version", "column"), [("mysql", "9.7.1", 0), ("mariadb", "10.11.6", 1)])
def test_the_page_lists_the_rights(flavour: str, version: str, column: int) -> None:
    rows = PAGE.read_text(encoding="utf-8").split("| MySQL | MariaDB | for |")[1].split("\n\n")[0].splitlines()[2:]
    listed = {right for row in rows for right in re.findall(r"`([^`]+)`", row.split("|")[1 + column])}
    operations = MYSQL if flavour == "mysql" else MARIADB
    assert listed == set(admin_rights(version, flavour=flavour)) == set(operations)
