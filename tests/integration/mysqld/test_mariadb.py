# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MariaDB's words: the statements that the dialect has for it, on a real primary and a real replica."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from integration.mysqld.mariadb import MariaDb
from integration.mysqld.test_statements import COLUMNS
from waiting import eventually

# The statements that change nothing.
QUESTIONS: tuple[Statement, ...] = tuple(COLUMNS)


@pytest.fixture(scope="module")
def pair(mariadb_pair: tuple[MariaDb, MariaDb]) -> Iterator[tuple[SqlInstance, SqlInstance]]:
    primary, replica = mariadb_pair
    primary.run("CREATE USER replication@'%' IDENTIFIED BY 'word'", "GRANT REPLICATION SLAVE ON *.* TO replication@'%'")
    source = f"MASTER_HOST='127.0.0.1', MASTER_PORT={primary.port}, MASTER_USER='replication', MASTER_PASSWORD='word'"
    replica.run(f"CHANGE MASTER TO {source}, MASTER_USE_GTID=slave_pos", "START SLAVE", "SET GLOBAL read_only = ON")
    instances = primary.instance(), replica.instance()
    eventually("the replica to run", lambda: instances[1].status().channels[0].io == "yes")
    yield instances
    for instance in instances:
        instance.close()


def test_every_question_is_understood(pair: tuple[SqlInstance, SqlInstance]) -> None:
    """Those that change something are run by test_operations.py."""
    answered: set[Statement] = set()
    for instance in pair:
        for statement in QUESTIONS:
            query = instance.dialect.query(statement, *(("0-1-1", 0.1) if statement == "wait_for_executed" else ()))
            if query is not None and instance.fetch(query):
                answered.add(statement)
    assert answered == {
        "instance",
        "conditions",
        "replica_status",
        "list_replicas",
        "history",
        "wait_for_executed",
        "read_only",
    }


def test_status(pair: tuple[SqlInstance, SqlInstance]) -> None:
    primary, replica = (instance.status() for instance in pair)
    assert (primary.server_id, primary.writable, primary.channels, primary.history.executed) == (1, True, (), None)
    assert (replica.server_id, replica.writable, replica.super_read_only, replica.log_bin) == (2, False, None, True)
    (channel,) = replica.channels
    assert (channel.io, channel.sql, channel.source_host, channel.lag) == ("yes", "yes", "127.0.0.1", 0.0)
    assert (channel.source_uuid, channel.auto_position, channel.encrypted) == (None, True, False)


def test_lag_is_unknown_when_the_applier_stops(pair: tuple[SqlInstance, SqlInstance]) -> None:
    replica = pair[1]
    replica.execute(Query("STOP SLAVE SQL_THREAD"))
    assert replica.status().channels[0].lag is None
    replica.execute(Query("START SLAVE"))
