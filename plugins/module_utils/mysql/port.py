# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports to MySQL: a session, and on top of it an instance in a DBA's terms."""

from __future__ import annotations

import typing as t

from .dialect import Statement
from .query import Query
from .status import History, InstanceStatus

__all__ = ["Connector", "Instance", "Session"]


class Session(t.Protocol):
    """An open session that commits each statement by itself. Every call raises ``Unreachable`` once the session is lost,
    ``AccessDenied`` when the rights do not suffice and ``SqlError`` for whatever else a server refuses."""

    @property
    def server_version(self) -> str:
        """The version as the server announced it when the session began."""

    @property
    def timeout(self) -> float:
        """Seconds that the server may take for one answer before the session counts as lost."""

    def fetch(self, query: Query) -> list[dict[str, object]]:
        """All rows of the answer."""

    def execute(self, query: Query) -> None:
        """Run a statement whose answer holds no rows."""

    def close(self) -> None:
        """End the session; never raises."""


class Connector(t.Protocol):
    """Opens sessions, with the credentials."""

    def connect(self, instance: str, timeout: float) -> Session:
        """Log in within ``timeout`` seconds or raise ``Unreachable`` or ``AccessDenied``; each answer gets as long."""


class Instance(t.Protocol):
    """One server, in a DBA's terms."""

    def status(self) -> InstanceStatus:
        """Everything about the instance and its replication channels, as of now."""

    def history(self) -> History:
        """The transactions it has committed, as of now."""

    def registered(self) -> frozenset[int]:
        """The server_ids of the replicas that are connected to it, as of now."""

    def wait_for_executed(self, gtid_set: str, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds until all of ``gtid_set``, on MariaDB a position, is committed; whether it is."""

    def query(self, statement: Statement, *args: str | float) -> Query:
        """A statement as this server spells it; raises ``SqlError`` if it has none."""

    def fetch(self, query: Query) -> list[dict[str, object]]:
        """All rows that any other statement answers with."""

    def execute(self, query: Query) -> None:
        """Run any other statement whose answer holds no rows."""

    def close(self) -> None:
        """End the session; never raises."""
