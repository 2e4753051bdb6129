# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.status import (
    ReplicaStatus,
    ServerConditions,
    instance_status,
    replica_status,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from unit.fakes.mysql import applier_row, replicating, status_row, uuid_of

NEWEST = Dialect(ServerVersion(9, 7, 4))


def channel(status: dict[str, object] | None = None, applier: dict[str, object] | None = None) -> ReplicaStatus:
    row = {**status_row(replicating()[0]), **(status or {})}
    return replica_status(row, NEWEST, {**applier_row(), **applier} if applier is not None else None)


@pytest.mark.parametrize(
    ("status", "applier", "lag"),
    [
        ({}, {}, 0.0),
        ({}, {"lag_seconds": Decimal("3.25")}, 3.25),
        # Unknown by the times of commits: the server's own number is the next best.
        ({"Seconds_Behind_Source": 7}, {"lag_seconds": None}, 7.0),
        ({"Seconds_Behind_Source": 7}, None, 7.0),
        # NULL is unknown, never 0.
        ({"Seconds_Behind_Source": None}, None, None),
        ({"Seconds_Behind_Source": None}, {"lag_seconds": None}, None),
        # A replica that receives or applies nothing knows nothing about its lag.
        ({"Replica_IO_Running": "No"}, {}, None),
        ({"Replica_IO_Running": "Connecting"}, {}, None),
        ({"Replica_SQL_Running": "No"}, {}, None),
    ],
)
def test_lag(status: dict[str, object], applier: dict[str, object] | None, lag: float | None) -> None:
    assert channel(status, applier).lag == (None if lag is None else pytest.approx(lag))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Yes", "yes"),
        ("No", "no"),
        ("Connecting", "connecting"),
        ("Preparing", "connecting"),
        ("Starting?", "no"),
        (None, "no"),
    ],
)
def test_thread_states(text: str | None, state: str) -> None:
    assert channel({"Replica_IO_Running": text}).io == state


def test_old_names_mean_the_same() -> None:
    old = {
        "Master_Host": "mysql-0.mysql",
        "Master_Port": 3306,
        "Master_UUID": uuid_of(100),
        "Slave_IO_Running": "Yes",
        "Slave_SQL_Running": "Yes",
        "Last_IO_Errno": 0,
        "Last_IO_Error": "",
        "Last_SQL_Errno": 0,
        "Last_SQL_Error": "",
        "Seconds_Behind_Master": 2,
        "SQL_Delay": 0,
        "Master_SSL_Allowed": "No",
        "Auto_Position": 1,
        "Retrieved_Gtid_Set": "",
        "Channel_Name": "",
    }
    seen = replica_status(old, Dialect(ServerVersion(5, 7, 44)), None)
    assert (seen.source_host, seen.source_uuid, seen.io, seen.sql) == ("mysql-0.mysql", uuid_of(100), "yes", "yes")
    assert (seen.lag, seen.encrypted, seen.auto_position) == (2.0, False, True)


def test_mariadb_has_fewer_columns() -> None:
    row = {
        "Connection_name": "",
        "Master_Host": "mysql-0.mysql",
        "Master_Port": 3306,
        "Slave_IO_Running": "Yes",
        "Slave_SQL_Running": "Yes",
        "Last_IO_Errno": 0,
        "Last_IO_Error": "",
        "Last_SQL_Errno": 0,
        "Last_SQL_Error": "",
        "Seconds_Behind_Master": None,
        "Master_SSL_Allowed": "Yes",
        "Using_Gtid": "Slave_Pos",
    }
    seen = replica_status(row, Dialect(ServerVersion(10, 11, 6, "mariadb")), None)
    assert (seen.source_uuid, seen.retrieved, seen.lag, seen.auto_position) == (None, None, None, True)


def test_the_worker_says_more_than_the_coordinator() -> None:
    seen = channel({"Last_SQL_Errno": 1062, "Last_SQL_Error": "see the workers"}, {"error": "Duplicate entry '1'"})
    assert (seen.sql_errno, seen.sql_error) == (1062, "Duplicate entry '1'")


def test_statements_with_credentials_are_cut_off() -> None:
    text = "Operation CREATE USER failed on query. Default database: ''. Query: 'CREATE USER x IDENTIFIED WITH y AS '$A$hash''"
    assert channel({"Last_SQL_Error": text}).sql_error == "Operation CREATE USER failed on query. Default database: ''."
    other = "Error 'Table exists' on query. Default database: ''. Query: 'CREATE TABLE t (x INT)'"
    assert channel({"Last_SQL_Error": other}).sql_error == other


def test_the_appliers_tables_speak_of_the_unnamed_channel_only() -> None:
    assert channel({"Channel_Name": "other"}, {}).applier is None


@pytest.mark.parametrize(
    ("read_only", "super_read_only", "writable"),
    [(0, 0, True), (1, 0, False), (1, 1, False), ("OFF", None, True), ("ON", None, False), ("NO_LOCK_NO_ADMIN", None, False)],
)
def test_writable(read_only: object, super_read_only: object, writable: bool) -> None:
    server = replicating()[0]
    row = {**server._instance(), "read_only": read_only, "super_read_only": super_read_only}
    assert instance_status(row, (), ServerConditions()).writable == writable


def test_instance() -> None:
    server = replicating()[1]
    row: dict[str, t.Any] = {**server._instance(), "now": Decimal("5.25"), "gtid_purged": None}
    seen = instance_status(row, (channel(),), ServerConditions())
    assert (seen.server_id, seen.server_uuid, seen.now, seen.gtid_purged) == (101, uuid_of(101), 5.25, None)
    assert seen.history.executed == f"{uuid_of(100)}:1-5"
    assert len(seen.channels) == 1
