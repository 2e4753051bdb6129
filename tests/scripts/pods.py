# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fake pods: the real scripts in the real image's root file system, as a kubelet would run them.

The containers, their commands, variables and mounts are those of the rendered StatefulSet. Each container gets mount and
process namespaces of its own, a read-only root, uid 999, no capabilities, and a clean environment. All pods of a cluster share
one network namespace, each with an address of its own in 127.0.0.0/8.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.kubemysql.replication.plugins.module_utils.constants import DATA_VOLUME
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import (
    Acknowledgement,
    parse_acknowledgement,
)
from rootfs import UID
from scripts.containers import Container
from waiting import eventually, scaled

if TYPE_CHECKING:
    from scripts.cluster import Cluster

ALLOWED_PATH = "/allowed"
# The image's own entrypoint may use what its image has; our scripts may not.
ENTRYPOINT_PATH = f"{ALLOWED_PATH}:/usr/local/bin:/usr/bin:/usr/sbin"


class SqlError(Exception):
    """The error of the server or the client."""


class Pod:
    """One fake pod: its mounts, and the containers that were started in it."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.address = f"127.0.{cluster.subnet}.{10 + int(name.rpartition('-')[2])}"
        self.base = cluster.base / name
        self.containers: list[Container] = []
        for volume in (DATA_VOLUME, *self.empty_volumes):
            (self.base / volume).mkdir(parents=True)
            os.chown(self.base / volume, UID, UID)
        # A test's only way to give a pod an address of its own.
        (self.base / "conf" / "aa-test.cnf").write_text(f"[mysqld]\nbind_address = {self.address}\n", encoding="utf-8")

    @property
    def empty_volumes(self) -> list[str]:
        """The volumes that begin empty and end with the pod."""
        return [volume["name"] for volume in self.cluster.template["volumes"] if "emptyDir" in volume]

    @property
    def volume(self) -> Path:
        return self.base / DATA_VOLUME

    @property
    def data(self) -> Path:
        return self.volume / "mysql"

    def definition(self, container: str) -> dict[str, Any]:
        """A container of the rendered pod template."""
        template = self.cluster.template
        (found,) = [each for each in [*template["initContainers"], *template["containers"]] if each["name"] == container]
        return cast("dict[str, Any]", found)

    def environment(self, container: str = "mysql") -> dict[str, str]:
        """The container's variables, as the kubelet sets them."""
        fields = {"metadata.name": self.name, "status.podIP": self.address}
        rendered = {
            each["name"]: each["value"] if "value" in each else fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in self.definition(container)["env"]
        }
        # All pods share one loopback device, and the machine's /dev.
        return {**rendered, "LOOPBACK": self.address, "TERMINATION_LOG": f"/tmp/termination-{container}"}

    def mounts(self, container: str) -> Iterator[tuple[Path, str, bool]]:
        """Source, place and writability of each mount of a container."""
        for mount in self.definition(container)["volumeMounts"]:
            shared = mount["name"] not in (DATA_VOLUME, *self.empty_volumes)
            source = (self.cluster.base if shared else self.base) / mount["name"] / mount.get("subPath", "")
            # In the image /var/run is a link, which would lead out of the root that is not entered yet.
            yield source, mount["mountPath"].replace("/var/run/", "/run/"), not mount.get("readOnly", False)
        yield self.cluster.hosts, "/etc/hosts", False

    def command(self, argv: list[str], environment: dict[str, str], path: str, container: str = "mysql") -> list[str]:
        """The command that runs ``argv`` with the mounts of a container of this pod."""
        target = shlex.quote(str(self.cluster.base / "mnt"))
        steps = ["set -e", f"mkdir -p {target}", f"mount --bind {shlex.quote(str(self.cluster.root))} {target}"]
        steps.append(f"mount -o remount,bind,ro {target}")
        for source, place, writable in self.mounts(container):
            steps.append(f"mount --bind {shlex.quote(str(source))} {target}{place}")
            if not writable:
                steps.append(f"mount -o remount,bind,ro {target}{place}")
        steps += [f"mount --bind /dev {target}/dev", f"mount -t proc proc {target}/proc"]
        variables = [f"{key}={value}" for key, value in {"PATH": path, **environment}.items()]
        inner = ["env", "-i", *variables, *argv]
        # Changing the user clears the wish to die with the parent, so it is set once more, as the last thing.
        user = [f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--pdeathsig=KILL"]
        outer = ["chroot", str(self.cluster.base / "mnt"), "/usr/bin/setpriv", *user]
        steps.append(f"exec {shlex.join([*outer, *inner])}")
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"]
        # Nothing survives a test run that was killed.
        network = ["setpriv", "--pdeathsig=KILL", *self.cluster.on_network]
        return [*network, *namespaces, "sh", "-c", "\n".join(steps)]

    def start(self, container: str, *, path: str | None = None, **environment: str) -> Container:
        """Start a container of the pod template."""
        return self.start_in(container, self.definition(container)["command"], container, path, environment)

    def start_in(
        self, container: str, argv: list[str], name: str, path: str | None, environment: Mapping[str, str]
    ) -> Container:
        """Start a process with the mounts and variables of a container; it is known by ``name``."""
        variables = {**self.environment(container), **environment}
        if container == "mysql":
            path = path or ENTRYPOINT_PATH
            # The image's entrypoint would spend seconds on them.
            variables["MYSQL_INITDB_SKIP_TZINFO"] = "1"
        log_file = self.base / f"{name}.{len(self.containers)}.log"
        with log_file.open("wb") as log:
            # A container is a session of its own, as the runtime makes it: signals of its process group reach nobody else.
            process = subprocess.Popen(
                self.command(argv, variables, path or ALLOWED_PATH, container),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = Container(f"{self.name}/{name}", process, log_file)
        self.containers.append(started)
        return started

    def run(self, container: str, *, expect: int | None = 0, patience: float = 60, **environment: str) -> Container:
        """Run a container to its end."""
        return self._ended(self.start(container, **environment), expect, patience)

    def _ended(self, container: Container, expect: int | None, patience: float) -> Container:
        status = container.wait(patience)
        assert expect is None or status == expect, f"{container.name} ended with {status}:\n{container.log}"
        return container

    def start_mysql(self) -> Container:
        return self.start("mysql")

    def start_all(self) -> tuple[Container, Container]:
        """The whole pod: init containers in their order, then the others."""
        for each in self.cluster.template["initContainers"]:
            self.run(each["name"])
        return self.start_servers()

    def start_servers(self) -> tuple[Container, Container]:
        """Starts the containers that follow the init containers; returns `mysql` and `replication`."""
        started = {each["name"]: self.start(each["name"]) for each in self.cluster.template["containers"]}
        return started["mysql"], started["replication"]

    def stop(self) -> None:
        for container in self.containers:
            container.stop()

    def alive(self, **environment: str) -> tuple[bool, str]:
        """The verdict of the liveness probe and what it printed."""
        return self._execute(self.definition("mysql")["livenessProbe"], "liveness", environment)

    def pre_stop(self) -> tuple[bool, str]:
        """Run the hook that precedes a stop."""
        return self._execute(self.definition("mysql")["lifecycle"]["preStop"], "pre-stop", {})

    def _execute(self, handler: Mapping[str, Any], name: str, environment: Mapping[str, str]) -> tuple[bool, str]:
        container = self.start_in("mysql", handler["exec"]["command"], name, ALLOWED_PATH, environment)
        self._ended(container, None, 20)
        self.containers.remove(container)
        return container.process.returncode == 0, container.log.strip()

    def ready(self) -> bool:
        """Knock as the kubelet does."""
        port = self.definition("mysql")["readinessProbe"]["tcpSocket"]["port"]
        knock = f"import socket; socket.create_connection(('{self.address}', {port}), {scaled(2)})"
        command = [*self.cluster.on_network, sys.executable, "-S", "-c", knock]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0

    def ready_port_pid(self) -> int:
        """The process that keeps the port open to which the readiness probe connects, as the machine numbers it."""
        children = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in self.container("replication").children()}
        return next(pid for pid, command in children.items() if "-nocert" in command)

    @property
    def ack_file(self) -> Path:
        return self.base / "run" / "kubemysql-ack" / "acknowledgement"

    @property
    def readiness(self) -> str:
        """`ready`, or the reason why not, as the pod acknowledges it; empty if there is no whole acknowledgement."""
        try:
            found = parse_acknowledgement(self.ack_file.read_bytes())
        except (FileNotFoundError, ValueError):
            return ""
        return "ready" if found.ready else f"not ready: {found.reason}"

    def acknowledgement(self) -> Acknowledgement:
        """The pod's answer to the module's own question, asked from where its port is."""
        tunnel = "from scripts.tunnel import main; main()"
        command = [*self.cluster.on_network, sys.executable, "-c", tunnel, self.address]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, check=False, capture_output=True, env=environment, timeout=scaled(20))
        if done.returncode:
            raise Unreachable(done.stderr.decode(errors="replace").strip())
        return parse_acknowledgement(done.stdout)

    def asked(self) -> Acknowledgement | None:
        """The same; None while the port is closed, as it is for a moment with each new intent."""
        try:
            return self.acknowledgement()
        except Unreachable:
            return None

    def last_words(self, container: str) -> Acknowledgement:
        """The termination message of the container that ended last."""
        return parse_acknowledgement((self.base / "tmp" / f"termination-{container}").read_bytes())

    def looks_again(self) -> Callable[[], bool]:
        """Tells whether a whole look has been taken since this call; the one that may be under way now does not count."""
        seen: set[int] = set()

        def looks() -> int:
            if self.ack_file.exists():
                seen.add(self.ack_file.stat().st_mtime_ns)
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
            raise AssertionError(f"{error}; its readiness: {last[-1]}\n{logs}") from None

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
        for name in self.empty_volumes:
            if name != "conf":
                shutil.rmtree(self.base / name)
                (self.base / name).mkdir()
                os.chown(self.base / name, UID, UID)
        (self.base / "conf" / "zz-first-start.cnf").unlink(missing_ok=True)
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
