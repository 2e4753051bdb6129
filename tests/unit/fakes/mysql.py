# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MySQL servers in memory, behind the ports: as much of a server as this collection asks of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from unit.fakes.operations import operation

__all__ = ["NOW", "FakeConnector", "FakeServer", "FakeSession", "replicating", "uuid_of"]

NOW = 1_800_000_000.0
Row = dict[str, object]


def uuid_of(number: int) -> str:
    return f"{number:08x}-1111-4111-8111-111111111111"


def status_row(source: FakeServer) -> Row:
    """A healthy channel in the words of a server 8.0.22 or newer."""
    return {
        "Channel_Name": "",
        "Source_Host": f"{source.name}.mysql",
        "Source_Port": 3306,
        "Source_UUID": source.server_uuid,
        "Replica_IO_Running": "Yes",
        "Replica_SQL_Running": "Yes",
        "Last_IO_Errno": 0,
        "Last_IO_Error": "",
        "Last_SQL_Errno": 0,
        "Last_SQL_Error": "",
        "Seconds_Behind_Source": 0,
        "SQL_Delay": 0,
        "Source_SSL_Allowed": "Yes",
        "Auto_Position": 1,
        "Retrieved_Gtid_Set": "",
    }


def applier_row() -> Row:
    """An idle applier whose newest transaction came a minute ago."""
    return {
        "lag_seconds": 0,
        "last_received_at": NOW - 60,
        "error": None,
        "receiver_failed_at": None,
        "applier_failed_at": None,
        "now": NOW,
    }


def surroundings_row() -> Row:
    """A certificate of ten years, nobody waiting, a clone in good order, and a volume that is half full."""
    return {
        "certificate_until": NOW + 10 * 365 * 86400,
        "semi_sync_wait": None,
        "volume_size": 2 * 2**30,
        "volume_free": 2**30,
        "cloning": 1,
    }


@dataclass
class FakeServer:
    """A server; ``channel`` and ``applier`` are its rows, ``refusals`` maps words of a statement to an error."""

    name: str
    server_id: int
    version: str = "9.7.4"
    server_uuid: str | None = None
    read_only: int = 1
    super_read_only: int | None = 1
    gtid_mode: str | None = "ON"
    executed: GtidSet = field(default_factory=GtidSet)
    purged: str = ""
    state: str | None = None
    channel: Row | None = None
    applier: Row = field(default_factory=applier_row)
    conditions: Row = field(default_factory=surroundings_row)
    clone_state: str = "Completed"
    registered: list[int] = field(default_factory=list)
    tables: dict[str, set[str]] = field(default_factory=dict)
    down: SqlError | None = None
    refusals: dict[str, SqlError] = field(default_factory=dict)
    followers: list[FakeServer] = field(default_factory=list)
    source: FakeServer | None = field(default=None, repr=False)
    locked: bool = False
    # Transactions in work that have no GTID; what the wait for a position in the source's log answers.
    anonymous: int = 0
    applied_to_position: int | None = 0
    # Clients' sessions by id; prepared XA transactions; whether a client's write does not end.
    clients: dict[int, str] = field(default_factory=dict)
    prepared: list[str] = field(default_factory=list)
    writing: bool = False
    untracked: bool = False
    binary_logs: int = 1
    # The epochs in the data.
    epochs: list[tuple[int, str]] = field(default_factory=list)
    account: str = "kubemysql_admin@127.0.0.1"
    on_statement: Callable[[FakeServer, str], None] = lambda _server, _sql: None
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server_uuid = self.server_uuid or uuid_of(self.server_id)

    def commit(self) -> None:
        """One more transaction of this server's own, here and on every follower that applies."""
        assert self.server_uuid
        lane = (self.server_uuid, "")
        last = max(
            (last for its_lane, intervals in self.executed.lanes if its_lane == lane for _first, last in intervals), default=0
        )
        self.add(GtidSet.of({lane: [(last + 1, last + 1)]}))

    def add(self, gtids: GtidSet) -> None:
        self.executed |= gtids
        for follower in self.followers:
            if follower.applies:
                follower.add(gtids)

    @property
    def applies(self) -> bool:
        return self.channel is not None and self.channel["Replica_SQL_Running"] == self.channel["Replica_IO_Running"] == "Yes"

    def answer(self, query: Query) -> list[Row]:
        sql = query.masked
        self.log.append(sql)
        self.on_statement(self, sql)
        if self.down is not None:
            raise self.down
        for words, error in self.refusals.items():
            if words in sql:
                raise error
        return self._answer(sql, query.args)

    def new_channel(self, host: str, port: int) -> Row:
        """A channel that was not started yet."""
        source = {"Source_Host": host, "Source_Port": port, "Source_UUID": None}
        return {**status_row(self), **source, "Replica_IO_Running": "No", "Replica_SQL_Running": "No"}

    def _answer(self, sql: str, args: tuple[object, ...]) -> list[Row]:
        done = operation(self, sql)
        if done is not None:
            return done(self, args)
        answers: dict[str, Callable[[], list[Row]]] = {
            "SELECT @@global.version": lambda: [self._instance()],
            "SHOW REPLICA STATUS": lambda: [self.channel] if self.channel else [],
            "replication_connection_status": lambda: [self.applier],
            "AS gtid_state": lambda: [self._history()],
            "volume_size": lambda: [self.conditions],
            "clone_status": lambda: [{"state": self.clone_state}],
            "SHOW REPLICA HOSTS": lambda: [{"Server_id": number} for number in self.registered],
            "SHOW REPLICAS": lambda: [{"Server_Id": number} for number in self.registered],
            "WAIT_FOR_EXECUTED_GTID_SET": lambda: [{"timed_out": 0 if GtidSet.parse(str(args[0])) <= self.executed else 1}],
            "SHOW BINARY LOG STATUS": lambda: [{"File": "binlog.000007", "Position": 157}],
            "SOURCE_POS_WAIT": lambda: [{"events": self.applied_to_position}],
            "Ongoing_anonymous_transaction_count": lambda: [{"ongoing": self.anonymous}],
            "SET GLOBAL enforce_gtid_consistency": list,
            "SET GLOBAL gtid_mode": lambda: self._set_gtid_mode(str(args[0])),
            "MASTER_GTID_WAIT": lambda: [{"timed_out": 0}],
            "_LOCK": lambda: [{"locked": 0 if self.locked else 1, "released": 1}],
        }
        known = next((answer for words, answer in answers.items() if words in sql), None)
        return known() if known else self._canary(sql, args)

    def _instance(self) -> Row:
        return {
            "version": self.version,
            "server_id": self.server_id,
            "server_uuid": self.server_uuid,
            "read_only": self.read_only,
            "super_read_only": self.super_read_only,
            "log_bin": 1,
            "report_host": f"{self.name}.mysql",
            "gtid_mode": self.gtid_mode,
            **self._history(),
            "gtid_purged": self.purged,
            "gtid_position": self.state,
            "account": self.account,
            "now": NOW,
        }

    def _set_gtid_mode(self, mode: str) -> list[Row]:
        modes = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")
        if abs(modes.index(mode) - modes.index(str(self.gtid_mode))) > 1:
            raise SqlError("The value of @@GLOBAL.GTID_MODE can only be changed one step at a time", 1788)
        self.gtid_mode = mode
        return []

    def _history(self) -> Row:
        return {"gtid_executed": str(self.executed) if self.state is None else None, "gtid_state": self.state}

    def _canary(self, sql: str, args: tuple[object, ...]) -> list[Row]:
        """Tables of the canary's schema, each a set of tokens, replicated to whoever applies."""
        names = re.findall(r"`(\w+)`", sql)
        if sql.startswith(("CREATE", "INSERT", "DROP")):
            for server in (self, *(each for each in self.followers if each.applies)):
                server.change(sql, names, args)
            self.commit()
            return []
        if "table_name = %s" in sql:
            return [{"1": 1}] if args[1] in self.tables else []
        if "AS abandoned" in sql:
            return [{"name": name, "abandoned": 1 if "old" in name else 0} for name in self.tables]
        if sql.startswith("SELECT token"):
            return [{"token": token} for token in self.tables[names[1]] if token == args[0]]
        raise AssertionError(f"the fake server does not know: {sql}")

    def change(self, sql: str, names: list[str], args: tuple[object, ...]) -> None:
        if sql.startswith("CREATE TABLE"):
            self.tables[names[1]] = set()
        elif sql.startswith("INSERT"):
            self.tables[names[1]].add(str(args[0]))
        elif sql.startswith("DROP TABLE"):
            self.tables.pop(names[1], None)


class FakeSession:
    """A ``Session`` with a ``FakeServer``."""

    def __init__(self, server: FakeServer, timeout: float) -> None:
        self._server = server
        self.timeout = timeout
        self.closed = False

    @property
    def server_version(self) -> str:
        return self._server.version

    def fetch(self, query: Query) -> list[Row]:
        if self.closed:
            raise Unreachable("this session is closed")
        return [dict(row) for row in self._server.answer(query)]

    def execute(self, query: Query) -> None:
        self.fetch(query)

    def close(self) -> None:
        self.closed = True


class FakeConnector:
    """A ``Connector``; remembers every session that it opened."""

    def __init__(self, *servers: FakeServer) -> None:
        self.servers = {server.name: server for server in servers}
        self.sessions: list[tuple[str, FakeSession]] = []

    def connect(self, instance: str, timeout: float) -> FakeSession:
        server = self.servers.get(instance)
        if server is None:
            raise Unreachable(f"{instance} does not exist")
        if server.down is not None:
            raise server.down
        session = FakeSession(server, timeout)
        self.sessions.append((instance, session))
        return session


def replicating(count: int = 3) -> tuple[FakeServer, ...]:
    """A healthy cluster: the first server is the primary, the others follow it."""
    history = GtidSet.of({(uuid_of(100), ""): [(1, 5)]})
    primary = FakeServer("mysql-0", 100, read_only=0, super_read_only=0, executed=history)
    replicas = [FakeServer(f"mysql-{n}", 100 + n, executed=history, channel=status_row(primary)) for n in range(1, count)]
    primary.followers = replicas
    for each in replicas:
        each.source = primary
    primary.registered = [each.server_id for each in replicas]
    return primary, *replicas
