# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MariaDB's words: the statements that the dialect has for it, on a real primary and a real replica."""

from __future__ import annotations

import os
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlSession
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from integration.mysqld.servers import DATA, LocalServer, chrooted
from rootfs import UID, root_file_system
from waiting import eventually, scaled


class MariaDb(LocalServer):
    """A server of the other flavour, from nothing."""

    def start(self) -> None:
        self.folder.mkdir()
        os.chown(self.folder, UID, UID)
        argv = ("mariadb-install-db", *DATA, "--force", "--auth-root-authentication-method=normal")
        install = chrooted(self.rootfs, self.folder, *argv)
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.launch("mariadbd", "--innodb-buffer-pool-size=16M")

    def instance(self) -> SqlInstance:
        return SqlInstance(PyMySqlSession(self.session(), scaled(5)))


@pytest.fixture(scope="module")
def pair(place: Path) -> Iterator[tuple[SqlInstance, SqlInstance]]:
    root = root_file_system("mariadb")
    primary, replica = (MariaDb(f"mariadb-{number}", number, root, place / f"mariadb-{number}") for number in (1, 2))
    try:
        primary.start()
        replica.start()
        primary.run("CREATE USER replication@'%' IDENTIFIED BY 'word'", "GRANT REPLICATION SLAVE ON *.* TO replication@'%'")
        source = f"MASTER_HOST='127.0.0.1', MASTER_PORT={primary.port}, MASTER_USER='replication', MASTER_PASSWORD='word'"
        replica.run(f"CHANGE MASTER TO {source}, MASTER_USE_GTID=slave_pos", "START SLAVE", "SET GLOBAL read_only = ON")
        instances = primary.instance(), replica.instance()
        eventually("the replica to run", lambda: instances[1].status().channels[0].io == "yes")
        yield instances
        for instance in instances:
            instance.close()
    finally:
        primary.stop()
        replica.stop()


def test_every_statement_is_understood(pair: tuple[SqlInstance, SqlInstance]) -> None:
    answered: set[Statement] = set()
    for instance in pair:
        for statement in t.get_args(Statement):
            query = instance.dialect.query(statement, *(("0-1-1", 0.1) if statement == "wait_for_executed" else ()))
            if query is not None and instance.fetch(query):
                answered.add(statement)
    assert answered == {"instance", "conditions", "replica_status", "list_replicas", "history", "wait_for_executed"}


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
