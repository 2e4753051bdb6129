# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fake pods: the real scripts in the real image's root file system, as a kubelet would run them.

Every container gets mount and process namespaces of its own, the pod's mounts, a read-only root, uid 999, no capabilities,
and a clean environment. All pods of a cluster share one network namespace, each with an address of its own in 127.0.0.0/8.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rootfs import UID
from scripts.containers import Container
from waiting import eventually, scaled

if TYPE_CHECKING:
    from scripts.cluster import Cluster

READY_PORT = 3308
ALLOWED_PATH = "/allowed"
# The image's own entrypoint may use what its image has; our scripts may not.
ENTRYPOINT_PATH = f"{ALLOWED_PATH}:/usr/local/bin:/usr/bin:/usr/sbin"


class SqlError(Exception):
    """What the server or the client said."""


class Pod:
    """One fake pod: its mounts, and the containers that were started in it."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.address = f"127.0.{cluster.subnet}.{10 + int(name.rpartition('-')[2])}"
        self.base = cluster.base / name
        self.containers: list[Container] = []
        for mount in ("volume", "conf.d", "run", "tmp", "scratch", "tls"):
            (self.base / mount).mkdir(parents=True)
            os.chown(self.base / mount, UID, UID)
        # A test's only way to give a pod an address of its own.
        (self.base / "conf.d" / "aa-test.cnf").write_text(f"[mysqld]\nbind_address = {self.address}\n", encoding="utf-8")

    @property
    def volume(self) -> Path:
        return self.base / "volume"

    @property
    def data(self) -> Path:
        return self.volume / "mysql"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "POD_NAME": self.name,
            "POD_IP": self.address,
            "NAMESPACE": "default",
            "SERVICE": self.cluster.service,
            "SERVER_ID_BASE": "100",
            "MAX_LAG": str(scaled(30)),
            "FLAVOUR": self.cluster.flavour.name,
            "CLONE_METHOD": self.cluster.flavour.clone_method,
            "CLONE_CONTAINER": "provision",
        }

    def mounts(self) -> Iterator[tuple[Path, str, bool]]:
        """What is mounted where, and whether it is writable."""
        shared = self.cluster.base
        for name, target in (
            ("volume", "volume"),
            ("conf.d", "etc/mysql/conf.d"),
            ("run", "run/mysqld"),
            ("tmp", "tmp"),
            ("scratch", "scratch"),
            ("tls", "kubemysql/tls"),
        ):
            yield self.base / name, target, True
        for name in ("scripts", "config", "topology", "secret"):
            yield shared / name, f"kubemysql/{name}", False
        yield shared / "initdb", "docker-entrypoint-initdb.d", False
        yield shared / "hosts", "etc/hosts", False

    def command(self, argv: list[str], environment: dict[str, str], path: str) -> list[str]:
        """What runs ``argv`` in a container of this pod."""
        target = shlex.quote(str(self.cluster.base / "mnt"))
        steps = ["set -e", f"mkdir -p {target}", f"mount --bind {shlex.quote(str(self.cluster.root))} {target}"]
        steps.append(f"mount -o remount,bind,ro {target}")
        for source, place, writable in self.mounts():
            steps.append(f"mount --bind {shlex.quote(str(source))} {target}/{place}")
            if not writable:
                steps.append(f"mount -o remount,bind,ro {target}/{place}")
        steps += [f"mount --bind /dev {target}/dev", f"mount -t proc proc {target}/proc"]
        variables = [f"{key}={value}" for key, value in {"PATH": path, **environment}.items()]
        inner = ["env", "-i", *variables, *argv]
        # Changing the user clears the wish to die with the parent, so it is said once more, as the last thing.
        user = [f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--pdeathsig=KILL"]
        outer = ["chroot", str(self.cluster.base / "mnt"), "/usr/bin/setpriv", *user]
        steps.append(f"exec {shlex.join([*outer, *inner])}")
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"]
        # Nothing survives a test run that was killed.
        network = ["setpriv", "--pdeathsig=KILL", *self.cluster.on_network]
        return [*network, *namespaces, "sh", "-c", "\n".join(steps)]

    def start(self, script: str, *, path: str = ALLOWED_PATH, **environment: str) -> Container:
        """Start one of the scripts as a container."""
        variables = self.environment | environment
        log_file = self.base / f"{script}.{len(self.containers)}.log"
        argv = ["bash", f"/kubemysql/scripts/{script}.sh"]
        with log_file.open("wb") as log:
            # A container is a session of its own, as the runtime makes it: signals of its process group reach nobody else.
            process = subprocess.Popen(
                self.command(argv, variables, path),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        container = Container(f"{self.name}/{script}", process, log_file)
        self.containers.append(container)
        return container

    def run(self, script: str, *, expect: int | None = 0, patience: float = 60, **environment: str) -> Container:
        """Run a script to its end."""
        container = self.start(script, **environment)
        status = container.wait(patience)
        assert expect is None or status == expect, f"{script} on {self.name} ended with {status}:\n{container.log}"
        return container

    def start_mysql(self) -> Container:
        return self.start(
            "mysql",
            path=ENTRYPOINT_PATH,
            MYSQL_ROOT_PASSWORD_FILE="/kubemysql/secret/root-password",
            MYSQL_ROOT_HOST="localhost",
            MYSQL_INITDB_SKIP_TZINFO="1",
        )

    def start_all(self) -> tuple[Container, Container]:
        """The whole pod: init containers, then the others."""
        self.run("configure")
        self.run("provision")
        if self.cluster.flavour.clone_method == "xtrabackup":
            self.start("backup")
        return self.start_mysql(), self.start("replication")

    def stop(self) -> None:
        for container in self.containers:
            container.stop()

    def probe(self, script: str, **environment: str) -> tuple[bool, str]:
        """An exec probe's verdict and what it printed."""
        container = self.run(script, expect=None, patience=20, **environment)
        self.containers.remove(container)
        return container.process.returncode == 0, container.log.strip()

    def ready(self) -> bool:
        """Knock as the kubelet does."""
        knock = f"import socket; socket.create_connection(('{self.address}', {READY_PORT}), {scaled(2)})"
        command = [*self.cluster.on_network, sys.executable, "-S", "-c", knock]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0

    @property
    def readiness_file(self) -> Path:
        return self.base / "run" / "kubemysql-readiness"

    @property
    def readiness(self) -> str:
        """What the pod says of its readiness: whole lines only."""
        text = self.readiness_file.read_text(encoding="utf-8") if self.readiness_file.exists() else ""
        return text.strip() if text.endswith("\n") else ""

    def looks_again(self) -> Callable[[], bool]:
        """Tells whether a whole look has been taken since this call; the one that may be under way now does not count."""
        seen: set[int] = set()

        def looks() -> int:
            if self.readiness_file.exists():
                seen.add(self.readiness_file.stat().st_mtime_ns)
            return len(seen)

        enough = 3 if looks() else 1
        return lambda: looks() >= enough

    def wait_ready(self) -> None:
        """Wait until the pod, as it is from now on, is ready."""
        looked = self.looks_again()

        def ready() -> bool:
            last.append(self.readiness)
            return looked() and last[-1] == "ready" and self.ready()

        last: list[str] = []
        try:
            eventually(f"{self.name} to be ready", ready)
        except AssertionError as error:
            logs = "\n".join(f"--- {c.name}\n{c.log[-3000:]}" for c in self.containers)
            raise AssertionError(f"{error}; it says: {last[-1]}\n{logs}") from None

    def sql(
        self,
        statement: str,
        *,
        user: str = "root",
        password: str | None = None,
        address: str | None = None,
        names: bool = False,
    ) -> str:
        """Run SQL as a client in this pod would; raises on an error."""
        password = self.cluster.passwords["root-password"] if password is None else password.rstrip("\n")
        quoted = password.replace("\\", "\\\\").replace('"', '\\"')
        option_file = self.base / "tmp" / "test-client.cnf"
        option_file.write_text(f'[client]\nuser={user}\npassword="{quoted}"\n', encoding="utf-8")
        os.chown(option_file, UID, UID)
        option_file.chmod(0o600)
        where = (
            ["--protocol=TCP", f"--host={address}", *self.cluster.flavour.peer_tls]
            if address
            else ["--socket=/var/run/mysqld/mysqld.sock", *self.cluster.flavour.local_tls]
        )
        form = ["-B", "--column-names" if names else "-N", "--default-character-set=utf8mb4"]
        argv = [self.cluster.flavour.client, "--defaults-file=/tmp/test-client.cnf", *form, *where]
        command = self.command(argv, {}, "/usr/bin")
        done = subprocess.run(command, check=False, input=statement.encode(), capture_output=True, timeout=scaled(60))
        if done.returncode:
            raise SqlError(done.stderr.decode(errors="replace").strip())
        return done.stdout.decode().strip()

    def row(self, statement: str) -> dict[str, str]:
        """The answer's first row by its columns; nothing if there is none."""
        lines = self.sql(statement, names=True).splitlines()
        return dict(zip(lines[0].split("\t"), lines[1].split("\t"), strict=False)) if lines else {}

    def container(self, name: str) -> Container:
        """The latest container of this name."""
        return next(c for c in reversed(self.containers) if c.name == f"{self.name}/{name}")

    def try_sql(self, statement: str, **how: str) -> str:
        """Like ``sql``, but an error is an answer, too."""
        try:
            return self.sql(statement, **how)
        except SqlError as error:
            return str(error)

    def restart_mysql(self, number: signal.Signals = signal.SIGKILL) -> Container:
        """End the container `mysql` and start it again, as a kubelet does; the others live on."""
        container = self.container("mysql")
        container.kill(number)
        container.wait()
        return self.start_mysql()

    def restart_all(self) -> None:
        """Delete the pod and let its successor start on the same volume."""
        self.stop()
        for name in ("run", "tmp", "scratch", "tls"):
            shutil.rmtree(self.base / name)
            (self.base / name).mkdir()
            os.chown(self.base / name, UID, UID)
        (self.base / "conf.d" / "zz-first-start.cnf").unlink(missing_ok=True)
        self.start_all()

    def substitute(self, program: str, script: str) -> str:
        """A PATH in which ``program`` is this script instead."""
        folder = self.base / "tmp" / "substitutes"
        folder.mkdir(exist_ok=True)
        substitute = folder / program
        substitute.write_text(f"#!/allowed/bash\n{script}\n", encoding="utf-8")
        substitute.chmod(0o755)
        return f"/tmp/substitutes:{ALLOWED_PATH}"

    def fault(self, program: str, arguments: str) -> str:
        """A PATH in which ``program`` hangs when it is called with these arguments, after making /tmp/fault."""
        hang = f'if [[ "$*" == {arguments} ]]; then : >/tmp/fault; exec sleep 600; fi'
        return self.substitute(program, f'{hang}\nexec /allowed/{program} "$@"')

    def wait_for_fault(self) -> None:
        eventually("the fault", (self.base / "tmp" / "fault").exists)

    def mysqld_pid(self) -> int:
        """The server's process, as the machine numbers it: a child of the container's first one."""

        def find() -> int:
            for container in self.containers:
                if container.running and container.name.endswith("/mysql"):
                    for pid in container.children():
                        if Path(f"/proc/{pid}/comm").read_text().strip() == self.cluster.flavour.server:
                            return pid
            return 0

        return eventually("mysqld", find)


Pair = tuple[Pod, Pod]
