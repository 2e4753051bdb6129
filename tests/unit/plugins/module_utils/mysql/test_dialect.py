# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect, Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion

# The table of the server families: what each of them, and the release before each change, understands.
SPELLINGS: list[tuple[str, Statement, str]] = [
    ("5.7.44", "replica_status", "SHOW SLAVE STATUS"),
    ("8.0.21", "replica_status", "SHOW SLAVE STATUS"),
    ("8.0.22", "replica_status", "SHOW REPLICA STATUS"),
    ("8.4.0", "replica_status", "SHOW REPLICA STATUS"),
    ("9.7.4", "replica_status", "SHOW REPLICA STATUS"),
    ("10.11.6-MariaDB", "replica_status", "SHOW REPLICA STATUS"),
    ("10.4.0-MariaDB", "replica_status", "SHOW SLAVE STATUS"),
    ("8.0.21", "list_replicas", "SHOW SLAVE HOSTS"),
    ("9.7.4", "list_replicas", "SHOW REPLICAS"),
    ("10.11.6-MariaDB", "list_replicas", "SHOW REPLICA HOSTS"),
    ("9.7.4", "wait_for_executed", "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s) AS timed_out"),
    ("10.11.6-MariaDB", "wait_for_executed", "SELECT MASTER_GTID_WAIT(%s, %s) AS timed_out"),
]


@pytest.mark.parametrize(("version", "statement", "sql"), SPELLINGS)
def test_spelling(version: str, statement: Statement, sql: str) -> None:
    query = Dialect(ServerVersion.parse(version)).query(statement)
    assert query is not None
    assert query.sql == sql


def test_arguments_go_along() -> None:
    query = Dialect(ServerVersion(9, 7, 4)).query("wait_for_executed", "set", 1.5)
    assert query is not None
    assert query.args == ("set", 1.5)


@pytest.mark.parametrize(("version", "known"), [("5.7.44", False), ("8.0.17", True), ("10.11.6-MariaDB", False)])
def test_commit_times(version: str, known: bool) -> None:
    assert (Dialect(ServerVersion.parse(version)).query("applier") is not None) == known


def test_ancient_servers_have_no_words_for_it() -> None:
    assert Dialect(ServerVersion(5, 1, 0)).query("replica_status") is None


@pytest.mark.parametrize("statement", t.get_args(Statement))
@pytest.mark.parametrize("version", ["8.4.0", "9.0.0", "9.7.4"])
def test_words_that_newer_servers_have_forgotten(version: str, statement: Statement) -> None:
    query = Dialect(ServerVersion.parse(version)).query(statement)
    assert query is not None
    assert not {"MASTER", "SLAVE"} & set(query.sql.upper().replace("(", " ").split())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Slave_IO_Running", "Replica_IO_Running"),
        ("Master_Host", "Source_Host"),
        ("Master_UUID", "Source_UUID"),
        ("Master_SSL_Allowed", "Source_SSL_Allowed"),
        ("Seconds_Behind_Master", "Seconds_Behind_Source"),
        ("Relay_Master_Log_File", "Relay_Source_Log_File"),
        ("Exec_Master_Log_Pos", "Exec_Source_Log_Pos"),
        ("Read_Master_Log_Pos", "Read_Source_Log_Pos"),
        ("Get_master_public_key", "Get_Source_public_key"),
        ("Last_IO_Errno", "Last_IO_Errno"),
        ("Source_Host", "Source_Host"),
    ],
)
def test_columns(old: str, new: str) -> None:
    assert Dialect(ServerVersion(5, 7, 44)).status_column(old) == new


@pytest.mark.parametrize("statement", t.get_args(Statement))
def test_a_server_whose_volume_is_full_can_be_asked(statement: Statement) -> None:
    """MySQL makes a table on disk for the answer where ``information_schema`` has long columns."""
    query = Dialect(ServerVersion(9, 7, 4)).query(statement, *(("", 0.0) if statement == "wait_for_executed" else ()))
    assert query is not None
    assert "information_schema" not in query.sql
