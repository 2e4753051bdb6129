# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server in a DBA's terms on top of a session, and the sessions that are kept open while a cluster is observed."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ..errors import SqlError, Unreachable
from .dialect import Dialect, Statement
from .port import Connector, Instance, Session
from .query import Query
from .status import History, InstanceStatus, ServerConditions, conditions, history, instance_status, replica_status
from .version import ServerVersion

__all__ = ["SessionPool", "SqlInstance"]

T = t.TypeVar("T")
# A waiting statement must answer well before its session counts as lost.
_WAIT_SHARE = 0.5
# Zero would mean for ever: https://dev.mysql.com/doc/refman/8.4/en/gtid-functions.html
_SHORTEST_WAIT = 0.001


class SqlInstance:
    """An ``Instance`` behind a ``Session``; picks the statements that the server's version understands."""

    def __init__(self, session: Session) -> None:
        self._session = session
        try:
            self.dialect = Dialect(ServerVersion.parse(session.server_version))
        except ValueError as error:
            raise SqlError(str(error)) from error

    def status(self) -> InstanceStatus:
        row = self.fetch(self.query("instance"))[0]
        channels = self.fetch(self.query("replica_status"))
        applier_query = self.dialect.query("applier") if channels else None
        applier = self.fetch(applier_query)[0] if applier_query else None
        statuses = tuple(replica_status(channel, self.dialect, applier) for channel in channels)
        return instance_status(row, statuses, self._conditions())

    def _conditions(self) -> ServerConditions:
        row = self.fetch(self.query("conditions"))[0]
        # The table exists only together with the plugin.
        query = self.dialect.query("clone_state") if row["cloning"] else None
        clones = self.fetch(query) if query else []
        return conditions(row, clones[0]["state"] if clones else None)

    def registered(self) -> frozenset[int]:
        rows = self.fetch(self.query("list_replicas"))
        # Only the case of the column's name differs between servers.
        return frozenset(int(str(value)) for row in rows for name, value in row.items() if name.lower() == "server_id")

    def history(self) -> History:
        return history(self.fetch(self.query("history"))[0])

    def wait_for_executed(self, gtid_set: str, timeout: float) -> bool:
        left, longest = timeout, self._session.timeout * _WAIT_SHARE
        while True:
            # The server waits for whole slices; what an answer takes on its way is not counted against the caller.
            wait = max(min(left, longest), _SHORTEST_WAIT)
            row = self.fetch(self.query("wait_for_executed", gtid_set, wait))[0]
            left -= wait
            if row["timed_out"] == 0:
                return True
            if left <= 0:
                return False

    def query(self, statement: Statement, *args: str | float) -> Query:
        query = self.dialect.query(statement, *args)
        if query is None:
            raise SqlError(f"a server {self.dialect.version} has no statement for {statement.replace('_', ' ')}")
        return query

    def fetch(self, query: Query) -> list[dict[str, object]]:
        return self._session.fetch(query)

    def execute(self, query: Query) -> None:
        self._session.execute(query)

    def close(self) -> None:
        self._session.close()


class SessionPool:
    """One session per instance, opened when first needed and again after it was lost.

    Different instances may be used by different threads at the same time, one instance by one thread.
    """

    def __init__(self, connector: Connector, timeout: float) -> None:
        self._connector = connector
        self._timeout = timeout
        self._instances: dict[str, Instance] = {}

    def run(self, name: str, action: Callable[[Instance], T]) -> T:
        """Call ``action`` with the instance ``name``. A session that is lost meanwhile is closed."""
        instance = self._instances.get(name)
        if instance is None:
            instance = self._instances[name] = self._open(name)
        try:
            return action(instance)
        except Unreachable:
            self.forget(name)
            raise

    def forget(self, name: str) -> None:
        """End the session with an instance, if there is one."""
        instance = self._instances.pop(name, None)
        if instance is not None:
            instance.close()

    def close(self) -> None:
        """End all sessions."""
        for name in list(self._instances):
            self.forget(name)

    def _open(self, name: str) -> Instance:
        session = self._connector.connect(name, self._timeout)
        try:
            return SqlInstance(session)
        except SqlError:
            session.close()
            raise
