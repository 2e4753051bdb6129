# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports to MySQL: a session, and on top of it an instance in a DBA's terms."""

from __future__ import annotations

import typing as t

from .query import Query
from .status import History, InstanceStatus
from .values import ClientSession, Epoch, LogPosition, ReadOnly, ReplicationSource

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
    """One server, in a DBA's terms.

    Every verb raises ``SqlError`` if the server refuses it, which it then did not do, or has no statement for it. After
    ``Unreachable`` it may or may not have done it: look again.
    """

    def status(self) -> InstanceStatus:
        """Everything about the instance and its replication channels, as of now."""

    def history(self) -> History:
        """The transactions it has committed, as of now."""

    def registered(self) -> frozenset[int]:
        """The server_ids of the replicas that are connected to it, as of now."""

    def wait_for_executed(self, gtid_set: str, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds until all of ``gtid_set``, on MariaDB a position, is committed; whether it is."""

    def read_only(self) -> ReadOnly:
        """The accounts that can write now."""

    def set_read_only(self, mode: ReadOnly, lock_timeout: int = 1) -> None:
        """Let everybody write (``off``), administrators (``on``), or nobody (``super``).

        Less than before takes effect when all statements that write have ended. If they do not within ``lock_timeout`` seconds,
        it raises ``SqlError`` with the number ER_LOCK_WAIT_TIMEOUT, and nothing has changed; others' writes wait meanwhile.
        """

    def client_sessions(self) -> tuple[ClientSession, ...]:
        """The sessions of clients: neither this one, nor replicas, nor threads of the server."""

    def kill_session(self, session: int) -> None:
        """End a session; one that has ended already is no error."""

    def prepared_transactions(self) -> tuple[str, ...]:
        """The XA transactions that are prepared and wait for their coordinator."""

    def stop_replica(self) -> None:
        """Stop both threads; no error if they do not run."""

    def start_replica(self) -> None:
        """Start both threads. It does not wait for the connection."""

    def reset_replica(self) -> None:
        """Forget source and relay logs of a replica whose threads are stopped."""

    def change_source(self, source: ReplicationSource) -> None:
        """Replicate from ``source`` when started again. The threads must be stopped.

        The transactions that the instance has of its own count as replicated.
        """

    def rotate_binary_log(self) -> None:
        """Begin a new file of the binary log."""

    def writing_sessions(self) -> tuple[ClientSession, ...]:
        """The sessions whose statement writes now, or that hold a lock for it. ``set_read_only`` waits for these."""

    def lock(self, name: str) -> bool:
        """Take a lock of this name on the server until the session ends; False if another session holds it."""

    def newest_epoch(self) -> Epoch | None:
        """The newest epoch in the data; None if none was recorded."""

    def record_epoch(self, epoch: Epoch, reason: str) -> None:
        """Record in the data that an epoch begins."""

    def enforce_gtid_consistency(self) -> None:
        """Refuse statements that no GTID can be given to."""

    def set_gtid_mode(self, mode: str) -> None:
        """Go to a mode that is next to the present one."""

    def anonymous_transactions(self) -> int:
        """The number of transactions in work that have no GTID."""

    def log_position(self) -> LogPosition:
        """The end of the binary log."""

    def wait_for_position(self, position: LogPosition, timeout: float) -> bool | None:
        """Wait at most ``timeout`` seconds until the applier has got to a position of its source; None if it does not run."""

    def fetch(self, query: Query) -> list[dict[str, object]]:
        """All rows that a statement about the collection's own tables answers with."""

    def execute(self, query: Query) -> None:
        """Run a statement about the collection's own tables whose answer holds no rows."""

    def close(self) -> None:
        """End the session; never raises."""
