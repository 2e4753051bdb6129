# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of a server as values with the same meaning for every server."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .dialect import Dialect

__all__ = [
    "Applier",
    "History",
    "InstanceStatus",
    "ReplicaStatus",
    "Row",
    "ServerConditions",
    "ThreadState",
    "conditions",
    "history",
    "instance_status",
    "is_on",
    "replica_status",
]

Row = Mapping[str, object]
# `no` also stands for a state that is not understood: whatever it means, it is not running.
ThreadState = t.Literal["yes", "no", "connecting"]

_CREDENTIALS = re.compile(r"IDENTIFIED|PASSWORD", re.IGNORECASE)


@dataclass(frozen=True)
class Applier:
    """A replica's own measurement: the lag of ``lag.py``, None if it is unknown.

    ``last_received_at`` is when the newest transaction that arrived was committed, in seconds since 1970; None if none arrived
    since the channel was started, or if the source sends no times.
    """

    lag: float | None
    last_received_at: float | None
    now: float


@dataclass(frozen=True)
class ReplicaStatus:
    """One replication channel of a replica. ``source_uuid`` is known only after the first successful connection.

    ``io_failed_at`` and ``sql_failed_at`` are when the threads' last errors came about, in seconds since 1970.
    """

    channel: str
    source_host: str
    source_port: int
    source_uuid: str | None
    io: ThreadState
    sql: ThreadState
    io_errno: int
    io_error: str
    sql_errno: int
    sql_error: str
    seconds_behind: int | None
    delay: int
    encrypted: bool
    auto_position: bool
    retrieved: str | None
    applier: Applier | None
    io_failed_at: float | None = None
    sql_failed_at: float | None = None

    @property
    def lag(self) -> float | None:
        """Seconds that this replica is behind, by the definition in ``lag.py``; None if that is unknown, never 0 instead.

        The lag of a replica that receives or applies nothing is unknown, whatever it has applied.
        """
        if self.io != "yes" or self.sql != "yes":
            return None
        measured = self.applier.lag if self.applier else None
        return float(self.seconds_behind) if measured is None and self.seconds_behind is not None else measured


@dataclass(frozen=True)
class History:
    """The committed transactions: MySQL's set of GTIDs, or MariaDB's state of its binary log; each None on the other.

    Both are text as the server wrote it. MariaDB's state is empty without a binary log.
    """

    executed: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class ServerConditions:
    """Conditions that can become a problem: certificate, semi-sync wait, last clone, volume. None: not reported.

    ``certificate_until``: the end of the server's certificate, in seconds since 1970. ``semi_sync_wait``: seconds that the
    oldest commit has been waiting for a replica's acknowledgement, None if none waits. ``clone_state``: the state of the last
    clone into the instance. ``volume_size`` and ``volume_free``, in bytes, are reported by the pod.
    """

    certificate_until: float | None = None
    semi_sync_wait: float | None = None
    clone_state: str | None = None
    volume_size: float | None = None
    volume_free: float | None = None

    @property
    def volume_used(self) -> float | None:
        """The part of the volume that is in use, from 0 to 1."""
        if not self.volume_size or self.volume_free is None:
            return None
        return 1 - self.volume_free / self.volume_size


@dataclass(frozen=True)
class InstanceStatus:
    """The state of an instance. ``super_read_only`` and the GTIDs' mode are None on servers without them.

    ``account`` is the one that was logged in to.

    ``position`` is the position for which a MariaDB replica can wait.
    """

    version: str
    server_id: int
    server_uuid: str | None
    read_only: bool
    super_read_only: bool | None
    log_bin: bool
    report_host: str | None
    gtid_mode: str | None
    history: History
    gtid_purged: str | None
    position: str | None
    now: float
    channels: tuple[ReplicaStatus, ...]
    conditions: ServerConditions = ServerConditions()
    account: str | None = None

    @property
    def writable(self) -> bool:
        """Whether clients without special rights can write."""
        return not self.read_only and not self.super_read_only


def _text(value: object) -> str | None:
    """Text, or None for NULL and for the empty text that servers return instead."""
    return None if value is None or value == "" else str(value)


def _error(value: object) -> str:
    """An error's text, without the statement if that may hold credentials or their hashes."""
    text, mark, statement = str(value or "").partition(" Query: ")
    return text if _CREDENTIALS.search(statement) else text + mark + statement


def _number(value: object) -> int:
    """A whole number; NULL and empty are 0, which no valid id or error number is."""
    return int(str(value)) if value not in (None, "") else 0


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float, Decimal)) else None


# A variable may be written by names as well as by numbers; MariaDB's newer `read_only` has more values than two.
_OFF = {"0", "off", "no", "false", ""}


def is_on(value: object) -> bool:
    return value is not None and str(value).lower() not in _OFF


def _thread(value: object) -> ThreadState:
    state = str(value).lower()
    if state in ("connecting", "preparing"):
        return "connecting"
    return "yes" if state == "yes" else "no"


def _applier(row: Row) -> Applier:
    return Applier(_seconds(row["lag_seconds"]), _seconds(row["last_received_at"]), _seconds(row["now"]) or 0.0)


def replica_status(row: Row, dialect: Dialect, applier: Row | None) -> ReplicaStatus:
    """One row of the status statement, with the row of the applier's own tables if the server has them."""
    named = {dialect.status_column(column): value for column, value in row.items()}
    behind = named.get("Seconds_Behind_Source")
    channel = str(named.get("Channel_Name") or named.get("Connection_name") or "")
    return ReplicaStatus(
        channel=channel,
        source_host=str(named["Source_Host"] or ""),
        source_port=_number(named["Source_Port"]),
        source_uuid=_text(named.get("Source_UUID")),
        io=_thread(named["Replica_IO_Running"]),
        sql=_thread(named["Replica_SQL_Running"]),
        io_errno=_number(named["Last_IO_Errno"]),
        io_error=_error(named["Last_IO_Error"]),
        sql_errno=_number(named["Last_SQL_Errno"]),
        # With several workers the status statement only names the table with the error.
        sql_error=_error((applier["error"] if applier is not None else None) or named["Last_SQL_Error"]),
        seconds_behind=None if behind is None else _number(behind),
        delay=_number(named.get("SQL_Delay")),
        encrypted=is_on(named.get("Source_SSL_Allowed")),
        auto_position=is_on(named.get("Auto_Position")) or str(named.get("Using_Gtid", "No")) != "No",
        retrieved=_text(named.get("Retrieved_Gtid_Set")),
        # The applier's row is that of the unnamed channel, the only one this collection sets up.
        applier=_applier(applier) if applier is not None and not channel else None,
        io_failed_at=_seconds(applier["receiver_failed_at"]) if applier is not None else None,
        sql_failed_at=_seconds(applier["applier_failed_at"]) if applier is not None else None,
    )


def conditions(row: Row, clone_state: object) -> ServerConditions:
    """The row of the statement ``conditions``, with the state of the clone plugin, if there is one."""
    return ServerConditions(
        certificate_until=_seconds(row["certificate_until"]),
        semi_sync_wait=_seconds(row["semi_sync_wait"]),
        clone_state=_text(clone_state),
        volume_size=_seconds(row["volume_size"]),
        volume_free=_seconds(row["volume_free"]),
    )


def history(row: Row) -> History:
    """The row of the statement about history, or the same columns of another."""
    executed, state = row["gtid_executed"], row["gtid_state"]
    return History(None if executed is None else str(executed), None if state is None else str(state))


def instance_status(row: Row, channels: tuple[ReplicaStatus, ...], around: ServerConditions) -> InstanceStatus:
    """The row of the instance statement, with the replication channels and conditions of the same instance."""
    super_read_only = row["super_read_only"]
    purged = row["gtid_purged"]
    return InstanceStatus(
        version=str(row["version"]),
        server_id=_number(row["server_id"]),
        server_uuid=_text(row["server_uuid"]),
        read_only=is_on(row["read_only"]),
        super_read_only=None if super_read_only is None else is_on(super_read_only),
        log_bin=is_on(row["log_bin"]),
        report_host=_text(row["report_host"]),
        gtid_mode=_text(row["gtid_mode"]),
        history=history(row),
        gtid_purged=None if purged is None else str(purged),
        position=_text(row["gtid_position"]),
        now=_seconds(row["now"]) or 0.0,
        channels=channels,
        conditions=around,
        account=_text(row["account"]),
    )
