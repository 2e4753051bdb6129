# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real primary and its replica for the contract of ``Instance``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pymysql
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import ADMIN_USER, REPLICATION_USER
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector, dial_addresses
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.values import ReplicationSource
from integration.mysqld.servers import ADMIN_PASSWORD, REPLICATION_PASSWORD, LocalServer
from pod_accounts import epoch_statements
from waiting import eventually, scaled

__all__ = ["INSERT", "RealWorld", "admin_of"]

READ_ONLY_ERROR = 1290
SHOP = (
    "CREATE DATABASE IF NOT EXISTS shop",
    "CREATE TABLE IF NOT EXISTS shop.t (a INT AUTO_INCREMENT PRIMARY KEY)",
    "CREATE USER IF NOT EXISTS app@'%' IDENTIFIED BY 'app'",
    "GRANT ALL ON shop.* TO app@'%'",
)
INSERT = "INSERT INTO shop.t VALUES (NULL)"


def admin_of(server: LocalServer) -> SqlInstance:
    """The server with a new session of the administration account."""
    connector = PyMySqlConnector(dial_addresses({server.name: ("127.0.0.1", server.port)}.get), ADMIN_USER, ADMIN_PASSWORD)
    return SqlInstance(connector.connect(server.name, scaled(5)))


class RealWorld:
    """``position`` is the variable with what the primary has committed."""

    def __init__(self, primary: LocalServer, replica: LocalServer, position: str, *, has_super: bool) -> None:
        self.server, self.follower = primary, replica
        self.primary, self.replica = admin_of(primary), admin_of(replica)
        self.source = self.source_of(primary)
        self.has_super = has_super
        self._position = position
        primary.run(*SHOP, *epoch_statements(str(primary.value("@@version")), flavour="mysql" if has_super else "mariadb"))

    def close(self) -> None:
        self.primary.close()
        self.replica.close()

    def _app(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            host="127.0.0.1", port=self.server.port, user="app", password="app", autocommit=True, ssl_verify_cert=False
        )

    @contextmanager
    def client(self) -> Iterator[int]:
        app = self._app()
        with app.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(INSERT)
        try:
            yield app.thread_id()
        finally:
            with suppress(pymysql.Error):
                app.close()

    @contextmanager
    def write_that_does_not_end(self) -> Iterator[None]:
        with self._app() as app, app.cursor() as cursor:
            cursor.execute("LOCK TABLES shop.t WRITE")
            yield
            cursor.execute("UNLOCK TABLES")

    def client_can_write(self) -> bool:
        with self._app() as app, app.cursor() as cursor:
            try:
                cursor.execute(INSERT)
            except pymysql.Error as error:
                if error.args[0] != READ_ONLY_ERROR:
                    raise
                return False
        return True

    @contextmanager
    def prepare(self, name: str) -> Iterator[None]:
        self.server.run(f"XA START '{name}'", INSERT, f"XA END '{name}'", f"XA PREPARE '{name}'")
        try:
            yield
        finally:
            self.server.run(f"XA ROLLBACK '{name}'")

    def binary_logs(self) -> int:
        return len(self.server.run("SHOW BINARY LOGS"))

    def position(self) -> str:
        return self.position_of(self.server)

    def position_of(self, server: LocalServer) -> str:
        return str(server.value(self._position)).replace("\n", "")

    def source_of(self, server: LocalServer) -> ReplicationSource:
        return ReplicationSource("127.0.0.1", server.port, REPLICATION_USER, REPLICATION_PASSWORD)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        other = admin_of(self.server)
        assert other.lock(name)
        yield
        other.close()
        # The server notices the end of a session a moment later.
        eventually("the lock to be free", lambda: self.server.value(f"IS_FREE_LOCK('{name}')") == 1)

    def write(self) -> None:
        self.server.run(INSERT)
