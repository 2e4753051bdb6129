# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares a replica's history with the primary's.

A commit reaches replicas a moment before the primary shows it, so what the primary itself began never counts as errant.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...mysql.gtid import GtidSet
from ...mysql.mariadb_gtid import BinlogState
from ...mysql.status import History, InstanceStatus
from ..findings import Finding
from ..findings import FindingKind as Kind
from ..observation import ClusterObservation

__all__ = ["check"]

Findings = Iterator[Finding]


def check(observation: ClusterObservation, name: str, replica: InstanceStatus) -> Findings:
    primary = observation.primary
    if primary is None or primary.status is None or observation.primary_history is None:
        yield _unknown(name, "the primary's history could not be read after the replica's")
        return
    try:
        found = [*_compared(primary.name, primary.status, observation.primary_history, name, replica.history)]
    except ValueError as error:
        found = [_unknown(name, str(error))]
    yield from found


def _unknown(name: str, reason: str) -> Finding:
    return Finding(Kind.GTID_UNKNOWN, f"errant and missing transactions are unknown: {reason}", name)


def _compared(primary: str, status: InstanceStatus, theirs: History, name: str, mine: History) -> Findings:
    if mine.executed is not None and theirs.executed is not None and status.server_uuid is not None:
        replica_set, primary_set = GtidSet.parse(mine.executed), GtidSet.parse(theirs.executed)
        if bool(replica_set) != bool(primary_set):
            empty = primary if replica_set else name
            yield Finding(Kind.INSTANCE_EMPTY, f"{empty} has no transactions at all", empty)
            return
        yield from _errant(name, (replica_set - primary_set).without_uuid(status.server_uuid))
        yield from _purged(name, GtidSet.parse(status.gtid_purged or "") - replica_set)
    elif mine.state is not None and theirs.state is not None:
        yield from _errant_on_mariadb(name, mine.state, theirs.state, status.server_id)
    else:
        raise ValueError("the servers' GTIDs are of different kinds")


def _errant(name: str, errant: GtidSet) -> Findings:
    if errant:
        message = f"{len(errant)} transaction(s) that the primary does not have: {errant}"
        yield Finding(Kind.ERRANT_TRANSACTIONS, message, name)


def _purged(name: str, purged: GtidSet) -> Findings:
    if purged:
        message = f"the primary has purged {len(purged)} transaction(s) that the replica lacks: {purged}"
        yield Finding(Kind.NEEDED_BINLOGS_PURGED, message, name)


def _errant_on_mariadb(name: str, mine: str, theirs: str, primary_id: int) -> Findings:
    if not mine:
        yield Finding(Kind.GTID_OFF, "the replica writes no binary log, so errant transactions leave no trace on it", name)
        return
    errant = BinlogState.parse(mine).beyond(BinlogState.parse(theirs), but_for=primary_id)
    if errant:
        message = f"transactions up to {', '.join(errant)} that the primary does not have"
        yield Finding(Kind.ERRANT_TRANSACTIONS, message, name)
