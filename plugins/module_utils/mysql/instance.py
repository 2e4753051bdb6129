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
from .status import History, InstanceStatus, ServerConditions, conditions, history, instance_status, is_on, replica_status
from .values import ClientSession, Epoch, LogPosition, ReadOnly, ReplicationSource, client_session
from .version import ServerVersion

__all__ = ["SessionPool", "SqlInstance"]

T = t.TypeVar("T")
# A waiting statement must answer well before its session counts as lost.
_WAIT_SHARE = 0.5
# Zero would mean for ever: https://dev.mysql.com/doc/refman/8.4/en/gtid-functions.html
_SHORTEST_WAIT = 0.001
# ER_NO_SUCH_THREAD
_NO_SUCH_THREAD = 1094
_SET_READ_ONLY: t.Mapping[ReadOnly, Statement] = {
    "off": "set_read_only_off",
    "on": "set_read_only_on",
    "super": "set_read_only_super",
}


class SqlInstance:
    """An ``Instance`` behind a ``Session``; picks the statements that the server's version understands."""

    def __init__(self, session: Session) -> None:
        self._session = session
        try:
            self.dialect = Dialect(ServerVersion.parse(session.server_version))
        except ValueError as error:
            raise SqlError(str(error)) from error

    def status(self) -> InstanceStatus:
        row = self._rows("instance")[0]
        channels = self._rows("replica_status")
        applier_query = self.dialect.query("applier") if channels else None
        applier = self.fetch(applier_query)[0] if applier_query else None
        statuses = tuple(replica_status(channel, self.dialect, applier) for channel in channels)
        return instance_status(row, statuses, self._conditions())

    def _conditions(self) -> ServerConditions:
        row = self._rows("conditions")[0]
        # The table exists only together with the plugin.
        query = self.dialect.query("clone_state") if row["cloning"] else None
        clones = self.fetch(query) if query else []
        return conditions(row, clones[0]["state"] if clones else None)

    def registered(self) -> frozenset[int]:
        rows = self._rows("list_replicas")
        # Only the case of the column's name differs between servers.
        return frozenset(int(str(value)) for row in rows for name, value in row.items() if name.lower() == "server_id")

    def history(self) -> History:
        return history(self._rows("history")[0])

    def wait_for_executed(self, gtid_set: str, timeout: float) -> bool:
        left, longest = timeout, self._session.timeout * _WAIT_SHARE
        while True:
            # The server waits for whole slices; what an answer takes on its way is not counted against the caller.
            wait = max(min(left, longest), _SHORTEST_WAIT)
            row = self._rows("wait_for_executed", gtid_set, wait)[0]
            left -= wait
            if row["timed_out"] == 0:
                return True
            if left <= 0:
                return False

    def read_only(self) -> ReadOnly:
        row = self._rows("read_only")[0]
        if is_on(row["super_read_only"]):
            return "super"
        return "on" if is_on(row["read_only"]) else "off"

    def set_read_only(self, mode: ReadOnly, lock_timeout: int = 1) -> None:
        self._run("set_lock_wait_timeout", lock_timeout)
        self._run(_SET_READ_ONLY[mode])

    def client_sessions(self) -> tuple[ClientSession, ...]:
        rows = self._rows("client_sessions")
        if any(is_on(row["untracked"]) for row in rows):
            raise SqlError(
                "performance_schema does not record transactions: switch on its consumers and its instrument for them"
            )
        return tuple(map(client_session, rows))

    def kill_session(self, session: int) -> None:
        try:
            self._run("kill_session", session)
        except SqlError as error:
            if error.errno != _NO_SUCH_THREAD:
                raise

    def prepared_transactions(self) -> tuple[str, ...]:
        return tuple(str(row["data"]) for row in self._rows("prepared_transactions"))

    def stop_replica(self) -> None:
        self._run("stop_replica")

    def start_replica(self) -> None:
        self._run("start_replica")

    def reset_replica(self) -> None:
        self._run("reset_replica")

    def change_source(self, source: ReplicationSource) -> None:
        self._run("change_source", source.host, source.port, source.user, source.password)

    def rotate_binary_log(self) -> None:
        self._run("rotate_binary_log")

    def writing_sessions(self) -> tuple[ClientSession, ...]:
        return tuple(map(client_session, self._rows("writing_sessions")))

    def lock(self, name: str) -> bool:
        return self._rows("lock", name)[0]["locked"] == 1

    def newest_epoch(self) -> Epoch | None:
        rows = self._rows("newest_epoch")
        return Epoch(int(str(rows[0]["epoch"])), str(rows[0]["primary_name"])) if rows else None

    def record_epoch(self, epoch: Epoch, reason: str) -> None:
        self._run("record_epoch", epoch.number, epoch.primary, reason)

    def enforce_gtid_consistency(self) -> None:
        self._run("set_gtid_consistency", "ON")

    def set_gtid_mode(self, mode: str) -> None:
        self._run("set_gtid_mode", mode)

    def anonymous_transactions(self) -> int:
        return int(str(self._rows("anonymous_transactions")[0]["ongoing"]))

    def log_position(self) -> LogPosition:
        row = self._rows("log_position")[0]
        return str(row["File"]), int(str(row["Position"]))

    def wait_for_position(self, position: LogPosition, timeout: float) -> bool | None:
        # The number of events that it waited for, -1 after the timeout, NULL if the applier does not run.
        events = self._rows("wait_for_position", *position, timeout)[0]["events"]
        return None if events is None else int(str(events)) >= 0

    def _rows(self, statement: Statement, *args: str | float) -> list[dict[str, object]]:
        return self.fetch(self._query(statement, *args))

    def _run(self, statement: Statement, *args: str | float) -> None:
        self.execute(self._query(statement, *args))

    def _query(self, statement: Statement, *args: str | float) -> Query:
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
