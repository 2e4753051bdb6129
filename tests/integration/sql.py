# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers as root sees them: over the socket, so that no network and no account of the collection is needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeAlias

import pymysql
from pymysql.cursors import DictCursor
from waiting import eventually

__all__ = ["Rows", "Session", "SqlServer", "root_session"]

Rows = list[dict[str, object]]
Session: TypeAlias = "pymysql.Connection[DictCursor]"


def root_session(socket: Path, password: str = "") -> Session:
    return pymysql.connect(
        unix_socket=str(socket), user="root", password=password, autocommit=True, cursorclass=DictCursor, ssl_disabled=True
    )


class SqlServer(ABC):
    """One server, wherever it runs."""

    name: str

    @abstractmethod
    def session(self) -> Session:
        """A new one, as root."""

    def run(self, *statements: str, **arguments: str) -> Rows:
        """Run statements in one session; the rows of the last one."""
        with self.session() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, arguments or None)
            return [dict(row) for row in cursor.fetchall()]

    def value(self, expression: str) -> object:
        return next(iter(self.run(f"SELECT {expression}")[0].values()))

    def write(self, *statements: str) -> None:
        """Write although the server is read-only."""
        self.run("SET GLOBAL super_read_only = OFF", *statements, "SET GLOBAL super_read_only = ON")

    def write_unlogged(self, *statements: str) -> None:
        """Write what no replication will ever hear of."""
        self.write("SET SESSION sql_log_bin = OFF", *statements)

    def channel(self) -> dict[str, object]:
        return self.run("SHOW REPLICA STATUS")[0]

    def channel_becomes(self, column: str, value: object) -> None:
        eventually(f"{column} of {self.name} to be {value}", lambda: self.channel()[column] == value)
