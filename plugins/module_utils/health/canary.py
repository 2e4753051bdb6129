# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof: a row with a random token, written on the primary, is read on every replica.

Each run has a table of its own, so any number of runs may happen at once. Tables are made and removed under a named
lock on the primary; the run that removes the last table removes the schema as well, and tables of runs that were killed are
removed after an hour.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..constants import CANARY_SCHEMA
from ..errors import SqlError
from ..mysql.gtid import GtidSet
from ..mysql.instance import SessionPool
from ..mysql.port import Instance
from ..mysql.query import Query, identifier
from ..parallel import map_parallel
from ..wait import Clock
from .findings import Finding
from .findings import FindingKind as Kind
from .observation import ClusterObservation

__all__ = ["Arrival", "CanaryResult", "run_canary"]

_SCHEMA = identifier(CANARY_SCHEMA)
_TABLE_PREFIX = "run_"
_COLUMNS = "token CHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY"
_LOCK = CANARY_SCHEMA
# The lock is held for some small statements; a primary that does not get through them in this time is in trouble.
_LOCK_SECONDS = 5.0
_ABANDONED_HOURS = 1
_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class Arrival:
    """The row on one replica. ``milliseconds``: the time until it was seen there; None if it was not.

    It is counted from the end of the commit on the primary and includes the round trip of the query.
    """

    instance: str
    milliseconds: float | None
    problem: str | None = None


@dataclass(frozen=True)
class CanaryResult:
    """A run. ``reason``: why none was attempted, or why it failed on the primary."""

    attempted: bool
    reason: str | None = None
    arrivals: tuple[Arrival, ...] = ()
    timeout: float = 0.0
    left_behind: str | None = None
    findings: tuple[Finding, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", tuple(_findings(self)))

    @property
    def arrived(self) -> bool:
        """Every replica had the row in time; with no replicas, the primary took it."""
        return self.attempted and self.reason is None and all(a.milliseconds is not None for a in self.arrivals)


def _findings(result: CanaryResult) -> Iterator[Finding]:
    if result.reason is not None:
        yield Finding(Kind.CANARY_UNKNOWN, f"no canary row could be written: {result.reason}")
    for arrival in result.arrivals:
        if arrival.problem is not None:
            yield Finding(Kind.CANARY_UNKNOWN, f"the canary row could not be looked for: {arrival.problem}", arrival.instance)
        elif arrival.milliseconds is None:
            message = f"the canary row did not arrive within {result.timeout:g} s"
            yield Finding(Kind.CANARY_TIMED_OUT, message, arrival.instance)
    if result.left_behind is not None:
        yield Finding(Kind.CANARY_NOT_REMOVED, f"the canary's table could not be removed: {result.left_behind}")


def run_canary(pool: SessionPool, observation: ClusterObservation, *, timeout: float, clock: Clock) -> CanaryResult:
    """Write a row on the primary and look for it on every replica, all at the same time, for ``timeout`` seconds each."""
    primary = observation.primary
    if primary is None or primary.status is None:
        return CanaryResult(False, "the primary is not known or does not answer")
    if not primary.status.writable:
        return CanaryResult(False, f"the primary {primary.name} is read-only")
    replicas = [each.name for each in observation.replicas if each.name in observation.kubernetes.expected]
    return _CanaryRun(pool, primary.name, timeout, clock).run(replicas)


class _CanaryRun:
    """One run with its own table and token."""

    def __init__(self, pool: SessionPool, primary: str, timeout: float, clock: Clock) -> None:
        self._pool = pool
        self._primary = primary
        self._timeout = timeout
        self._clock = clock
        self._created = False
        self._token = os.urandom(16).hex()
        self._table = f"{_SCHEMA}.{identifier(_TABLE_PREFIX + os.urandom(8).hex())}"

    def run(self, replicas: list[str]) -> CanaryResult:
        reason: str | None = None
        arrivals: tuple[Arrival, ...] = ()
        try:
            try:
                gtids = self._pool.run(self._primary, self._write)
                written = self._clock.now()
                arrivals = tuple(map_parallel(lambda name: self._await(name, gtids, written), replicas).values())
            except SqlError as error:
                reason = error.message
        finally:
            left_behind = self._clean_up()
        return CanaryResult(True, reason, arrivals, self._timeout, left_behind)

    def _write(self, primary: Instance) -> str | None:
        """Write the row; return the GTID of that transaction, in a set with what others committed meanwhile."""
        with _locked(primary, self._clock):
            primary.execute(Query(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}"))
            self._created = True
            primary.execute(Query(f"CREATE TABLE {self._table} ({_COLUMNS}) ENGINE=InnoDB"))
        before = primary.history().executed
        # Names of our own making, quoted: nothing of anybody's input is in these statements.
        primary.execute(Query(f"INSERT INTO {self._table} (token) VALUES (%s)", (self._token,)))  # noqa: S608
        after = primary.history().executed
        return str(GtidSet.parse(after) - GtidSet.parse(before)) if before is not None and after is not None else None

    def _await(self, name: str, gtids: str | None, written: float) -> Arrival:
        deadline = written + self._timeout
        try:
            if gtids:
                self._pool.run(name, lambda replica: replica.wait_for_executed(gtids, deadline - self._clock.now()))
            while not self._pool.run(name, self._read):
                if self._clock.now() >= deadline:
                    return Arrival(name, None)
                self._clock.sleep(_AGAIN_SECONDS)
        except SqlError as error:
            return Arrival(name, None, error.message)
        return Arrival(name, round(1000 * (self._clock.now() - written), 1))

    def _read(self, replica: Instance) -> bool:
        """Whether the row is there. The catalogue is read first: a table that is not there yet is no error."""
        schema, table = (part.strip("`") for part in self._table.split("."))
        catalogue = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
        if not replica.fetch(Query(catalogue, (schema, table))):
            return False
        return bool(replica.fetch(Query(f"SELECT token FROM {self._table} WHERE token = %s", (self._token,))))  # noqa: S608

    def _clean_up(self) -> str | None:
        """Remove what this run made; on a new session if the old one is lost. The reason if it stays behind."""
        if not self._created:
            return None
        error = "the primary does not answer"
        for _attempt in range(2):
            try:
                self._pool.run(self._primary, self._drop)
            except SqlError as refusal:
                error = refusal.message
            else:
                return None
        return error

    def _drop(self, primary: Instance) -> None:
        with _locked(primary, self._clock):
            primary.execute(Query(f"DROP TABLE IF EXISTS {self._table}"))
            remaining = primary.fetch(Query(
                "SELECT table_name AS name, create_time < NOW() - INTERVAL %s HOUR AS abandoned"
                " FROM information_schema.tables WHERE table_schema = %s", (_ABANDONED_HOURS, CANARY_SCHEMA),
            ))  # fmt: skip
            in_use = False
            for row in remaining:
                name = str(row["name"])
                if name.startswith(_TABLE_PREFIX) and row["abandoned"]:
                    primary.execute(Query(f"DROP TABLE IF EXISTS {_SCHEMA}.{identifier(name)}"))
                else:
                    in_use = True
            if not in_use:
                primary.execute(Query(f"DROP SCHEMA IF EXISTS {_SCHEMA}"))


@contextmanager
def _locked(primary: Instance, clock: Clock) -> Iterator[None]:
    """Hold the canaries' lock on the primary, if it still is one; the lock ends with the session in any case.

    Polled: a wait on the server could exceed the session's timeout. MariaDB would let the administration account write on a
    replica, too.
    """
    if primary.read_only() != "off":
        raise SqlError("the primary has become read-only")
    deadline = clock.now() + _LOCK_SECONDS
    while primary.fetch(Query("SELECT GET_LOCK(%s, 0) AS locked", (_LOCK,)))[0]["locked"] != 1:
        if clock.now() >= deadline:
            raise SqlError(f"other runs have held the lock {_LOCK} on the primary for {_LOCK_SECONDS:g} s")
        clock.sleep(_AGAIN_SECONDS)
    try:
        yield
    finally:
        primary.fetch(Query("SELECT RELEASE_LOCK(%s) AS released", (_LOCK,)))
