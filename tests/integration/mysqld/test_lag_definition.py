# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods and modules give the same lag in the same moment.

A real server evaluates both sides' statements on tables that look like those of performance_schema, at a time that stands
still: so every situation lasts, the gap between two transactions included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from integration.mysqld.servers import Cluster
from integration.sql import Session
from pod_bash import pod_bash

NOW = 1_800_000_000
RECEIVER, STATUS = "replication_connection_status", "replication_applier_status"
WORKERS, COORDINATOR = "replication_applier_status_by_worker", "replication_applier_status_by_coordinator"
TABLES = (RECEIVER, STATUS, WORKERS, COORDINATOR, "replication_connection_configuration")
# Received long ago, and not applied.
BACKLOG = {"received_transaction_set": "00000064-1111-4111-8111-111111111111:1-9"}
# The server has restarted since.
FORGOTTEN = {"last_queued_transaction": "", "last_queued_transaction_original_commit_timestamp": "0000-00-00 00:00:00"}
Changes = dict[str, dict[str, str | float]]


def queued(age: float, *, committed: float, heartbeat: float = 100) -> dict[str, str | float]:
    """The newest transaction arrived ``age`` seconds ago; how long ago it was committed, and the last heartbeat arrived."""
    times = {f"last_queued_transaction_{moment}_queue_timestamp": age for moment in ("start", "end")}
    commit = {"last_queued_transaction_original_commit_timestamp": committed}
    return {"last_queued_transaction": "a:9", **times, **commit, "last_heartbeat_timestamp": heartbeat}


def applying(age: float) -> dict[str, str | float]:
    return {"applying_transaction": "a:1", "applying_transaction_original_commit_timestamp": age}


def applied(age: float, *, committed: float) -> dict[str, str | float]:
    times = {"last_applied_transaction_end_apply_timestamp": age}
    return {**times, "last_applied_transaction_original_commit_timestamp": committed}


# The rows' values that differ from those of an idle replica; numbers are ages in seconds. Then the lag.
CASES: dict[str, tuple[Changes, float | None]] = {
    "idle": ({}, 0),
    "idle, as the last transaction was an hour ago": ({RECEIVER: queued(3600, committed=3600)}, 0),
    "transaction in work": ({RECEIVER: {**BACKLOG, **queued(2, committed=2.5)}, WORKERS: applying(2.5)}, 2.5),
    "transaction distributed to workers": (
        {RECEIVER: BACKLOG, COORDINATOR: {"processing_transaction_original_commit_timestamp": 7}},
        7,
    ),
    "oldest of several stages": (
        {
            RECEIVER: {**BACKLOG, "queueing_transaction": "a:9", "queueing_transaction_original_commit_timestamp": 1},
            WORKERS: applying(40),
        },
        40,
    ),
    "gap between two transactions of a backlog": (
        {RECEIVER: {**BACKLOG, **queued(0.25, committed=0.25)}, WORKERS: applied(0.1, committed=40.5)},
        40.5,
    ),
    "received a moment ago, after an hour without writes": (
        {RECEIVER: {**BACKLOG, **queued(0.25, committed=0.25)}, WORKERS: applied(3600, committed=3600)},
        0.25,
    ),
    "old transactions arrive": (
        {RECEIVER: {"queueing_transaction": "a:9", "queueing_transaction_original_commit_timestamp": 60}},
        60,
    ),
    "old transactions have just arrived, and there may be more": ({RECEIVER: queued(2, committed=62)}, 60),
    "old transactions have arrived, then silence": ({RECEIVER: queued(3.5, committed=63.5)}, 0),
    "old transactions have arrived, then a heartbeat": ({RECEIVER: queued(2, committed=62, heartbeat=1)}, 0),
    "clocks that disagree": ({RECEIVER: BACKLOG, WORKERS: applying(-2)}, 0),
    "times of the backlog are forgotten": ({RECEIVER: {**BACKLOG, **FORGOTTEN}}, None),
    "source that sends no times": ({RECEIVER: {"queueing_transaction": "a:9"}}, None),
    "transactions without a GTID": ({RECEIVER: {"last_queued_transaction": "ANONYMOUS"}}, None),
    "receiver stopped": ({RECEIVER: {"service_state": "OFF"}}, None),
    "receiver connecting": ({RECEIVER: {"service_state": "CONNECTING"}}, None),
    "applier stopped": ({STATUS: {"service_state": "OFF"}, RECEIVER: BACKLOG, WORKERS: applying(5)}, None),
}


@pytest.fixture(scope="module")
def session(servers: Cluster) -> Iterator[Session]:
    """A server with empty tables in the schema ``frozen``, at a time that stands still."""
    server = servers["mysql-0"]
    server.clear()
    with server.session() as session, session.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', timestamp = %s", [NOW])
        cursor.execute("CREATE SCHEMA frozen")
        for table in TABLES:
            cursor.execute(f"CREATE TABLE frozen.{table} AS SELECT * FROM performance_schema.{table} LIMIT 0")
        yield session


def fill(session: Session, changes: Changes) -> None:
    idle: Changes = {
        RECEIVER: {"service_state": "ON", "received_transaction_set": "", **queued(3600, committed=3600)},
        STATUS: {"service_state": "ON"},
        WORKERS: {"service_state": "ON"},
        COORDINATOR: {"service_state": "ON"},
    }
    with session.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"TRUNCATE frozen.{table}")
            row = {"channel_name": "", **idle.get(table, {}), **changes.get(table, {})}
            places = ["NOW(6) - INTERVAL %s SECOND" if isinstance(value, (int, float)) else "%s" for value in row.values()]
            cursor.execute(
                f"INSERT INTO frozen.{table} ({', '.join(row)}) VALUES ({', '.join(places)})",
                list(row.values()),
            )


def ask(session: Session, sql: str) -> dict[str, object]:
    with session.cursor() as cursor:
        cursor.execute(sql.replace("performance_schema.", "frozen."))
        return dict(cursor.fetchall()[0])


@pytest.mark.parametrize("case", CASES)
def test_lag(case: str, session: Session) -> None:
    changes, lag = CASES[case]
    fill(session, changes)
    query = Dialect(ServerVersion.parse(session.get_server_info())).query("applier")
    assert query is not None
    modules = ask(session, query.sql)["lag_seconds"]
    # In bash the lag is the last column, in whole seconds.
    pods = list(ask(session, pod_bash("lib-common.sh", 'printf %s "$READY_SQL"', session.get_server_info())).values())[-1]
    assert (modules if modules is None else float(str(modules))) == lag
    assert pods == ("NULL" if lag is None else str(math.ceil(lag)))
