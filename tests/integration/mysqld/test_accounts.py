# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administration account: from where it can be used, and that it needs each of its rights."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pymysql
import pytest
import yaml
from ansible_collections.kubemysql.replication.plugins.doc_fragments.instances import ModuleDocFragment
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import ADMIN_USER
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError
from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import assess
from ansible_collections.kubemysql.replication.plugins.module_utils.health.canary import CanaryResult, run_canary
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector, dial_addresses
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool, SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.wait import SystemClock
from integration.mysqld.judge import found, judge
from integration.mysqld.mariadb import MariaDb
from integration.mysqld.servers import ADMIN_PASSWORD, Cluster, LocalServer
from integration.mysqld.worlds import admin_of
from pod_accounts import admin_rights
from unit.fakes.kubernetes_objects import TARGET, deployed
from unit.fakes.store import FakeObjectStore
from waiting import scaled

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


def documented_grants(flavour: str) -> list[str]:
    """Those that the option ``user`` lists for an account of one's own."""
    options = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    mysql, mariadb, both = re.split("on MariaDB instead|; on both", options["user"]["description"][0])
    rights = re.findall(r"C\(([A-Z ]+)\)(?: on C\((\S+)\))?", (mysql if flavour == "mysql" else mariadb) + both)
    return [f"GRANT {right} ON {schema or '*.*'} TO app@'127.0.0.1'" for right, schema in rights]


def verifying(server: LocalServer, flavour: str, addresses: Mapping[str, tuple[str, int]]) -> SessionPool:
    """Sessions of an account that has the documented rights."""
    server.run("CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'", *documented_grants(flavour))
    return SessionPool(PyMySqlConnector(dial_addresses(addresses.get), "app", "app"), scaled(5))


def test_the_documented_rights_are_enough_to_verify(cluster: Cluster) -> None:
    addresses = {name: ("127.0.0.1", server.port) for name, server in cluster.servers.items()}
    with closing(verifying(cluster["mysql-0"], "mysql", addresses)) as pool:
        cluster.settle()
        assert found(judge(pool)) == set()
        assert write_canary(pool, deployed(3)).arrived


def test_the_documented_rights_are_enough_to_verify_mariadb(mariadb: LocalServer) -> None:
    with closing(verifying(mariadb, "mariadb", {"mysql-0": ("127.0.0.1", mariadb.port)})) as pool:
        # The server's certificate is one of two days.
        assert found(assess(observe(deployed(1), pool, TARGET), scaled(30))) == {(Kind.CERTIFICATE_EXPIRING, "mysql-0")}
        assert write_canary(pool, deployed(1)).arrived


def write_canary(pool: SessionPool, store: FakeObjectStore) -> CanaryResult:
    return run_canary(pool, observe(store, pool, TARGET), timeout=scaled(10), clock=SystemClock())
