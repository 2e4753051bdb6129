# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MariaDB's words: the statements that the dialect has for it, on a real primary and a real replica."""

from __future__ import annotations

import os
import socket
import subprocess
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlSession
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from integration.mysqld.servers import UID, free_port
from pymysql.cursors import DictCursor
from scripts.rootfs import root_file_system
from waiting import eventually


@dataclass
class MariaDb:
    """One server with its folder, reached over its socket."""

    root: Path
    folder: Path
    server_id: int
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def command(self, *argv: str) -> list[str]:
        mounts = 'mount --bind "$0" "$1/mnt" && mount --bind /dev "$1/dev"'
        script = f'{mounts} && root=$1 && shift && exec chroot --userspec={UID}:{UID} "$root" "$@"'
        place = [str(self.folder), str(self.root)]
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, *place, *argv]

    def start(self) -> None:
        self.folder.mkdir()
        os.chown(self.folder, UID, UID)
        common = ("--no-defaults", "--datadir=/mnt/data")
        install = self.command("mariadb-install-db", *common, "--force", "--auth-root-authentication-method=normal")
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        identity = (f"--server-id={self.server_id}", f"--port={self.port}", f"--report-host=mysql-{self.server_id}")
        place = (
            "--socket=/mnt/sock",
            "--pid-file=/mnt/pid",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--log-bin=binlog",
        )
        with (self.folder / "log").open("wb") as log:
            argv = self.command("mariadbd", *common, *identity, *place, "--innodb-buffer-pool-size=16M")
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        eventually(f"MariaDB {self.server_id} to listen", self.listens)

    def listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.folder / "sock")) == 0

    def instance(self) -> SqlInstance:
        connection = pymysql.connect(
            unix_socket=str(self.folder / "sock"), user="root", autocommit=True, cursorclass=DictCursor
        )
        return SqlInstance(PyMySqlSession(connection, 5))

    def run(self, *statements: str) -> None:
        with pymysql.connect(unix_socket=str(self.folder / "sock"), user="root", autocommit=True) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)


@pytest.fixture(scope="module")
def pair(place: Path) -> Iterator[tuple[SqlInstance, SqlInstance]]:
    root = root_file_system("mariadb")
    primary, replica = MariaDb(root, place / "mariadb-1", 1), MariaDb(root, place / "mariadb-2", 2)
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
    assert answered == {"instance", "surroundings", "replica_status", "list_replicas", "history", "wait_for_executed"}


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
