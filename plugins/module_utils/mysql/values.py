# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments and results of the statements that operations run on a server."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ClientSession", "Epoch", "LogPosition", "ReadOnly", "ReplicationSource", "client_session"]

# The accounts that can write: all, administrators, or none. MariaDB has no `super`: there it is the same as `on`.
ReadOnly = t.Literal["off", "on", "super"]
# A file of the binary log, and a position in it.
LogPosition = tuple[str, int]


class Epoch(t.NamedTuple):
    """A primary's term, as the data record it."""

    number: int
    primary: str


@dataclass(frozen=True)
class ReplicationSource:
    """Where a replica gets its transactions from, by GTID and encrypted."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ClientSession:
    """A client's session. ``seconds``: for how long it has been doing what it does now.

    ``transaction_seconds``: the age of its open transaction, None without one.
    """

    id: int
    user: str
    host: str
    command: str
    seconds: int
    transaction_seconds: int | None


def client_session(row: Mapping[str, object]) -> ClientSession:
    age = row["transaction_seconds"]
    return ClientSession(
        id=int(str(row["id"])),
        user=str(row["user"]),
        host=str(row["host"] or ""),
        command=str(row["command"]),
        seconds=int(str(row["seconds"] or 0)),
        transaction_seconds=None if age is None else int(str(age)),
    )
