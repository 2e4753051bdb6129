# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One instance of a cluster as its node sees it: its pod's processes, its network namespace, and root's sessions."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.api.server import Namespace, Object, kubectl
from integration.sql import Session, SqlServer, root_session

__all__ = ["Instance", "Process"]


def _read(path: str) -> str:
    """A process's file; empty if the process has ended meanwhile."""
    try:
        return Path(path).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


@dataclass(frozen=True)
class Process:
    """A process of a pod by its id on the node. ``init`` if it is the first one of its container."""

    pid: int

    @property
    def command(self) -> list[str]:
        return _read(f"/proc/{self.pid}/cmdline").split("\0")

    @property
    def name(self) -> str:
        return _read(f"/proc/{self.pid}/comm").strip()

    @property
    def init(self) -> bool:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1] == "1"

    @property
    def scratch(self) -> bool:
        """Whether it is the server of the init container that clones."""
        return any("/scratch/" in word for word in self.command)

    @property
    def root(self) -> Path:
        """The container's file system. A link in it that begins at its root leads out of it."""
        return Path(f"/proc/{self.pid}/root")

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped: the kernel still takes connections for it, and nobody answers them."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)


@dataclass(frozen=True)
class Instance(SqlServer):
    """One pod with a server."""

    namespace: Namespace
    name: str
    # Where root's password is, if it has one.
    secret: str | None = "mysql"

    @property
    def pod(self) -> Object:
        return self.namespace.live("Pod", self.name)

    @property
    def address(self) -> str:
        return str(self.pod["status"]["podIP"])

    @property
    def restarts(self) -> dict[str, int]:
        """By container, and by pod: one that was deleted and came again counts anew."""
        pod = self.pod
        uid = pod["metadata"]["uid"]
        return {f"{uid}/{each['name']}": each["restartCount"] for each in pod["status"].get("containerStatuses") or []}

    def processes(self) -> list[Process]:
        """Everything that runs in the pod, found by its control group.

        The image's entrypoint has a temporary server, and becomes the server itself in the end. If the first is not quite over
        by then, nobody ever asks for its status, and it stays in the list of processes; its command line is gone.
        """
        group = f"/pod{self.pod['metadata']['uid']}/"
        found = []
        for path in Path("/proc").glob("[0-9]*/cgroup"):
            try:
                mine = group in path.read_text() and path.with_name("cmdline").read_text(errors="replace") != ""
            except (FileNotFoundError, ProcessLookupError):
                continue
            if mine:
                found.append(Process(int(path.parent.name)))
        return sorted(found, key=lambda process: process.pid)

    def server(self) -> Process:
        """The server of the container ``mysql``."""
        servers = [each for each in self.processes() if each.name in ("mysqld", "mariadbd") and not each.scratch]
        assert len(servers) == 1, f"{self.name} has {len(servers)} servers"
        return servers[0]

    def script(self, name: str) -> Process:
        """The first process of the container that runs this pod script."""
        return next(each for each in self.processes() if each.init and any(word.endswith(f"/{name}") for word in each.command))

    def inside(self, container: str, *command: str) -> list[str]:
        """The command that runs ``command`` in a container."""
        return [*kubectl(), "-n", self.namespace.name, "exec", self.name, "-c", container, "--", *command]

    @property
    def volume(self) -> Path:
        return self.server().root / "volume"

    def session(self) -> Session:
        password = ""
        if self.secret is not None:
            password = base64.b64decode(self.namespace.live("Secret", self.secret)["data"]["root-password"]).decode()
        return root_session(self.server().root / "run/mysqld/mysqld.sock", password)

    @contextmanager
    def cut_off_from(self, other: Instance) -> Iterator[None]:
        """No packet passes between the two; done in this pod's own network namespace."""
        inside = ["nsenter", f"--net=/proc/{self.server().pid}/ns/net", "iptables", "--wait"]
        rules = [("INPUT", "--source", other.address), ("OUTPUT", "--destination", other.address)]

        def change(action: str) -> None:
            for chain, *match in rules:
                subprocess.run([*inside, action, chain, *match, "--jump", "DROP"], check=True)

        change("--append")
        try:
            yield
        finally:
            change("--delete")
