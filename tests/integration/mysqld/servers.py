# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers on this machine: the image's root file system, a data directory and a loopback port each."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
from ansible_collections.kubemysql.replication.plugins.module_utils.parallel import map_parallel
from integration.sql import Session, SqlServer, root_session
from pod_accounts import account_statements
from rootfs import UID
from waiting import eventually, scaled

# Where the root file system expects a pod's volume.
MOUNT = "volume"
# Also for programs that make a data directory.
DATA = ("--no-defaults", f"--datadir=/{MOUNT}/data", f"--tmpdir=/{MOUNT}")
COMMON_OPTIONS = (
    f"--socket=/{MOUNT}/sock",
    f"--pid-file=/{MOUNT}/pid",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--log-bin=binlog",
)
MYSQL_OPTIONS = (
    "--secure-file-priv=NULL",
    "--innodb-redo-log-capacity=8M",
    "--innodb-buffer-pool-size=32M",
    "--mysqlx=OFF",
)
REPLICATION_OPTIONS = (
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--relay-log=relay-bin",
    "--skip-replica-start=ON",
    "--plugin-load-add=mysql_clone.so",
)
REPLICATION_PASSWORD = "replication;pa'ss"
ADMIN_PASSWORD = "admin\"pa\\ss% #'ü"
CLONE_PASSWORD = "clone password"
PASSWORDS = {"replication": REPLICATION_PASSWORD, "clone": CLONE_PASSWORD, "admin": ADMIN_PASSWORD}

SYSTEM_SCHEMAS = {"information_schema", "mysql", "performance_schema", "sys"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chrooted(root: Path, folder: Path, *argv: str) -> list[str]:
    """Run ``argv`` in the root file system, unprivileged, with ``folder`` as its only writable place."""
    mounts = f'mount --bind "$0" "$1/{MOUNT}" && mount --bind /dev "$1/dev"'
    script = f'{mounts} && root=$1 && shift && exec chroot --userspec={UID}:{UID} "$root" "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(folder), str(root), *argv]


def make_template(root: Path, folder: Path) -> Path:
    """An initialised data directory to copy from: initialising takes seconds, a copy a moment."""
    folder.mkdir(parents=True)
    os.chown(folder, UID, UID)
    command = chrooted(root, folder, "mysqld", *DATA, *MYSQL_OPTIONS, "--initialize-insecure")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    assert done.returncode == 0, done.stdout
    (folder / "data" / "auto.cnf").unlink()
    return folder


@dataclass(eq=False)
class LocalServer(SqlServer):
    """One server process and its folder."""

    name: str
    server_id: int
    rootfs: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def launch(self, program: str, *options: str) -> None:
        """Start the process on a data directory that is there, and return when it answers."""
        identity = (f"--server-id={self.server_id}", f"--port={self.port}", f"--report-host={self.name}.mysql")
        argv = [program, *DATA, *COMMON_OPTIONS, *identity, *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(chrooted(self.rootfs, self.folder, *argv), stdout=log, stderr=log)
        eventually(f"{self.name} to accept connections", self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-3000:]
        # The driver leaves its socket behind where nobody listens yet.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(self.folder / "sock")):
                return False
        try:
            self.run("SELECT 1")
        except pymysql.Error:
            return False
        return True

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        if self.process is not None:
            # A stopped process takes no other signal to heart.
            self.process.kill()
            self.process.wait(scaled(20))
            self.process = None

    def session(self) -> Session:
        return root_session(self.folder / "sock")


def drop_everything(server: LocalServer) -> None:
    """All databases, and all accounts but root's; prepared transactions, whose locks outlast everything, first."""
    for row in server.run("XA RECOVER"):
        server.run(f"XA ROLLBACK '{row['data']}'")
    for row in server.run("SHOW DATABASES"):
        if (name := str(row["Database"])) not in SYSTEM_SCHEMAS:
            server.run(f"DROP DATABASE `{name}`")
    accounts = (
        "SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) AS account FROM mysql.user WHERE user LIKE %(ours)s OR user = 'app'"
    )
    for row in server.run(accounts, ours="kubemysql%"):
        server.run(f"DROP USER {row['account']}")


class Server(LocalServer):
    """A MySQL that can be put back in order."""

    @classmethod
    def from_template(cls, name: str, server_id: int, rootfs: Path, template: Path, folder: Path) -> Server:
        shutil.copytree(template, folder)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, UID, UID)
        return cls(name, server_id, rootfs, folder)

    def start(self, *options: str) -> None:
        self.launch("mysqld", *MYSQL_OPTIONS, *REPLICATION_OPTIONS, *options)

    def follow(self, source: Server, *, password: str = REPLICATION_PASSWORD, more: str = "") -> None:
        self.run(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT="
            + str(source.port)
            + ", SOURCE_CONNECT_RETRY=1,"
            " SOURCE_USER='kubemysql_replication', SOURCE_PASSWORD=%(password)s, SOURCE_AUTO_POSITION=1, SOURCE_SSL=1" + more,
            password=password,
        )
        self.run("START REPLICA", "SET GLOBAL super_read_only = ON")

    def clear(self) -> None:
        """Nobody's replica, writable, no databases, users or transactions."""
        self.run("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF", "STOP REPLICA", "RESET REPLICA ALL")
        drop_everything(self)
        self.run("RESET BINARY LOGS AND GTIDS")

    def create_users(self) -> None:
        """The accounts that the pods create."""
        self.run(*account_statements(str(self.value("@@version")), PASSWORDS))


@dataclass
class Cluster:
    """A primary and its replicas, by the names that pods would have."""

    servers: dict[str, Server]
    primary: str = "mysql-0"

    def __getitem__(self, name: str) -> Server:
        return self.servers[name]

    @property
    def replicas(self) -> list[Server]:
        return [server for name, server in self.servers.items() if name != self.primary]

    def start(self) -> None:
        map_parallel(Server.start, self.servers.values())
        self.reset()

    def reset(self) -> None:
        """Whatever a test did: an empty history, the users, and both replicas following the primary."""
        map_parallel(Server.clear, self.servers.values())
        self[self.primary].create_users()
        map_parallel(lambda server: server.follow(self[self.primary]), self.replicas)
        self.settle()

    def settle(self) -> None:
        """Wait until every replica has what the primary has."""
        executed = str(self[self.primary].value("@@global.gtid_executed"))
        for server in self.replicas:
            wait = f"WAIT_FOR_EXECUTED_GTID_SET('{executed}', {scaled(10)}) AS timed_out"
            assert server.value(wait) == 0, f"{server.name} does not catch up: {server.run('SHOW REPLICA STATUS')}"

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()
