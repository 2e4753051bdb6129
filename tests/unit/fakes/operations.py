# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a fake server is changed by operations. It knows their statements by the dialect's own table, whatever their spelling."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect, Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion

if t.TYPE_CHECKING:
    from unit.fakes.mysql import FakeServer

__all__ = ["operation"]

Row = dict[str, object]
Args = tuple[object, ...]
Handler = Callable[["FakeServer", Args], list[Row]]


def operation(server: FakeServer, sql: str) -> Handler | None:
    """What the statement does; None if it is none of an operation."""
    try:
        dialect = Dialect(ServerVersion.parse(server.version))
    except ValueError:
        return None
    for statement, handler in _HANDLERS.items():
        query = dialect.query(statement)
        if query is not None and query.masked == sql:
            return handler
    return None


def _read_only(server: FakeServer, _args: Args) -> list[Row]:
    return [{"read_only": server.read_only, "super_read_only": server.super_read_only}]


def _restrict(server: FakeServer, read_only: int, super_read_only: int) -> list[Row]:
    if server.writing and read_only:
        raise SqlError("Lock wait timeout exceeded; try restarting transaction", 1205)
    server.read_only = read_only
    if server.super_read_only is not None:
        server.super_read_only = super_read_only
    return []


def _client_sessions(server: FakeServer, _args: Args) -> list[Row]:
    return [
        {"id": number, "user": user, "host": "10.0.0.9:4711", "command": "Sleep", "seconds": 3, "transaction_seconds": 3}
        | {"untracked": int(server.untracked)}
        for number, user in server.clients.items()
    ]


def _kill(server: FakeServer, args: Args) -> list[Row]:
    if server.clients.pop(int(str(args[0])), None) is None:
        raise SqlError(f"Unknown thread id: {args[0]}", 1094)
    return []


def _threads(running: str) -> Handler:
    def set_threads(server: FakeServer, _args: Args) -> list[Row]:
        if server.channel is not None:
            server.channel |= {"Replica_IO_Running": running, "Replica_SQL_Running": running}
        elif running == "Yes":
            raise SqlError("The server is not configured as replica", 1200)
        if server.applies and server.source is not None:
            server.add(server.source.executed)
        return []

    return set_threads


def _stopped(server: FakeServer) -> None:
    if server.applies:
        raise SqlError("This operation cannot be performed with running replication threads", 3021)


def _reset(server: FakeServer, _args: Args) -> list[Row]:
    _stopped(server)
    server.channel = None
    return []


def _change_source(server: FakeServer, args: Args) -> list[Row]:
    _stopped(server)
    host, port, user, password = args
    assert user and password
    server.channel = server.new_channel(str(host), int(str(port)))
    return []


def _rotate(server: FakeServer, _args: Args) -> list[Row]:
    server.binary_logs += 1
    return []


def _writing_sessions(server: FakeServer, _args: Args) -> list[Row]:
    row: Row = {"id": 99, "user": "app", "host": "10.0.0.9:4711", "command": "Sleep", "seconds": 3, "transaction_seconds": None}
    return [row] if server.writing else []


def _lock(server: FakeServer, _args: Args) -> list[Row]:
    return [{"locked": 0 if server.locked else 1}]


def _newest_epoch(server: FakeServer, _args: Args) -> list[Row]:
    return [{"epoch": number, "primary_name": primary} for number, primary in sorted(server.epochs)[-1:]]


def _record_epoch(server: FakeServer, args: Args) -> list[Row]:
    if server.super_read_only:
        raise SqlError(
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement", 1290
        )
    number, primary, _reason = args
    for each in (server, *(follower for follower in server.followers if follower.applies)):
        each.epochs.append((int(str(number)), str(primary)))
    server.commit()
    return []


_HANDLERS: dict[Statement, Handler] = {
    "read_only": _read_only,
    "set_lock_wait_timeout": lambda _server, _args: [],
    "set_read_only_off": lambda server, _args: _restrict(server, 0, 0),
    # On MariaDB the next two are one statement.
    "set_read_only_on": lambda server, _args: _restrict(server, 1, 0),
    "set_read_only_super": lambda server, _args: _restrict(server, 1, 1),
    "client_sessions": _client_sessions,
    "kill_session": _kill,
    "prepared_transactions": lambda server, _args: [{"data": name} for name in server.prepared],
    "stop_replica": _threads("No"),
    "start_replica": _threads("Yes"),
    "reset_replica": _reset,
    "change_source": _change_source,
    "rotate_binary_log": _rotate,
    "writing_sessions": _writing_sessions,
    "lock": _lock,
    "newest_epoch": _newest_epoch,
    "record_epoch": _record_epoch,
}
