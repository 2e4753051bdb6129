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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from scripts.flavours import MYSQL, Flavour
from waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "plugins" / "module_utils" / "pod_scripts"
UID = 999
READY_PORT = 3308
ALLOWED_PATH = "/allowed"
# The image's own entrypoint may use what its image has; our scripts may not.
ENTRYPOINT_PATH = f"{ALLOWED_PATH}:/usr/local/bin:/usr/bin:/usr/sbin"
# Every printable character, and some that take more than one byte. CHANGE REPLICATION SOURCE takes 32 characters at most.
NASTY = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ä€ "
PASSWORDS = {
    "root-password": f"root{NASTY}",
    "replication-password": NASTY[:32],
    "clone-password": f"{NASTY[6:]}\\",
    "admin-password": f"'{NASTY}\"\n",
}


@dataclass
class Container:
    """One running script and what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """The container's first process, as the machine numbers it."""

        def child() -> int:
            listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            return int((listing.read_text().split() or ["0"])[0]) if listing.exists() else 0

        return eventually(f"the first process of {self.name}", child, patience=5)

    def children(self) -> list[int]:
        """What the first process has started and not waited for."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal the first process; when it ends, the kernel ends all the others of its namespace."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, timeout: float = 60.0) -> int:
        return self.process.wait(timeout)

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        if self.running:
            # The first process is reaped when all the others of its namespace are gone, so nothing writes afterwards.
            with suppress(ProcessLookupError, AssertionError):
                self.kill()
        self.process.wait(30)


@dataclass
class Cluster:
    """The pods' common surroundings."""

    base: Path
    root: Path
    network: subprocess.Popen[bytes]
    subnet: int
    flavour: Flavour = MYSQL
    service: str = "mysql"
    pods: dict[str, Pod] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: dict(PASSWORDS))
    primary: str = "mysql-0"
    bootstrapped: str = ""

    def __post_init__(self) -> None:
        for name in ("config", "topology", "secret", "scripts", "initdb"):
            (self.base / name).mkdir(parents=True)
        self.hosts = self.base / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
        for script in SCRIPTS.glob("*.sh"):
            shutil.copy(script, self.base / "scripts" / script.name)
        shutil.copy(SCRIPTS / "users.sh", self.base / "initdb" / "zz-kubemysql.sh")
        (self.base / "initdb" / "zz-kubemysql.sh").chmod(0o555)
        self.write_config(self.flavour.cnf)
        self.write_topology()
        self.write_secrets()

    def write_config(self, text: str) -> None:
        for role in ("primary", "replica"):
            (self.base / "config" / f"{role}.cnf").write_text(text, encoding="utf-8")

    def write_topology(self, primary: str | None = None, bootstrapped: str | None = None) -> None:
        self.primary = self.primary if primary is None else primary
        self.bootstrapped = self.bootstrapped if bootstrapped is None else bootstrapped
        (self.base / "topology" / "primary").write_text(self.primary, encoding="utf-8")
        (self.base / "topology" / "bootstrapped").write_text(self.bootstrapped, encoding="utf-8")

    def write_secrets(self) -> None:
        for key, value in self.passwords.items():
            (self.base / "secret" / key).write_text(value, encoding="utf-8")

    def pod(self, name: str) -> Pod:
        """The pod of this name; a new one is known to the others' resolver at once."""
        if name not in self.pods:
            self.pods[name] = Pod(self, name)
            self.write_hosts()
        return self.pods[name]

    def write_hosts(self) -> None:
        lines = ["127.0.0.1 localhost"]
        for pod in self.pods.values():
            lines.append(f"{pod.address} {self.service} {pod.name}.{self.service}")
        # In place: the file is bind-mounted.
        self.hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def stop(self) -> None:
        for pod in self.pods.values():
            pod.stop()


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
            "MAX_LAG": "30",
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
        network = ["setpriv", "--pdeathsig=KILL", "nsenter", f"--net=/proc/{self.cluster.network.pid}/ns/net"]
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

    def run(self, script: str, *, expect: int | None = 0, timeout: float = 60, **environment: str) -> Container:
        """Run a script to its end."""
        container = self.start(script, **environment)
        status = container.wait(timeout)
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
        container = self.run(script, expect=None, timeout=20, **environment)
        self.containers.remove(container)
        return container.process.returncode == 0, container.log.strip()

    def ready(self) -> bool:
        """Knock as the kubelet does."""
        knock = f"import socket; socket.create_connection(('{self.address}', {READY_PORT}), 2)"
        command = ["nsenter", f"--net=/proc/{self.cluster.network.pid}/ns/net", sys.executable, "-S", "-c", knock]
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
            eventually(f"{self.name} to be ready", ready, patience=40)
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
        done = subprocess.run(command, check=False, input=statement.encode(), capture_output=True, timeout=60)
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

    def fault(self, program: str, arguments: str) -> str:
        """A PATH in which ``program`` hangs when it is called with these arguments, after making /tmp/fault."""
        folder = self.base / "tmp" / "faults"
        folder.mkdir(exist_ok=True)
        shim = folder / program
        shim.write_text(
            f'#!/allowed/bash\nif [[ "$*" == {arguments} ]]; then : >/tmp/fault; exec sleep 600; fi\n'
            f'exec /allowed/{program} "$@"\n',
            encoding="utf-8",
        )
        shim.chmod(0o755)
        return f"/tmp/faults:{ALLOWED_PATH}"

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


class SqlError(Exception):
    """What the server or the client said."""


@contextmanager
def network_namespace() -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a network namespace with nothing in it but the loopback device."""
    bring_up = (
        "import fcntl, socket, struct\n"
        "s = socket.socket()\n"
        "fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))\n"  # SIOCSIFFLAGS, IFF_UP
        "print('up', flush=True)\n"
        "import signal; signal.pause()\n"
    )
    command = ["setpriv", "--pdeathsig=KILL", "unshare", "--net", sys.executable, "-c", bring_up]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout and holder.stdout.readline() == b"up\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()
