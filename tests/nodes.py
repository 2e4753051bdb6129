# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes of a kind cluster that fail on purpose: frozen, cut off, without power, drained; each is put right again in the end.

A node is a container. `local-cluster.json` names the containers, and the `docker` that reaches them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.api.server import Object, Server, kubectl
from waiting import eventually, scaled

__all__ = ["Drain", "Node", "Nodes"]

# Whatever comes in or goes out, be it the node's own or its pods'. Taking the container off the engine's network would do the
# same, but a container that comes back there has lost its routes to the pods of other nodes, and may have another address.
CUT = [("PREROUTING", "--in-interface"), ("POSTROUTING", "--out-interface")]


@dataclass(frozen=True)
class Drain:
    """How `kubectl drain` ended."""

    complete: bool
    printed: str


@dataclass(frozen=True)
class Node:
    """One node that takes pods."""

    server: Server
    docker: str
    container: str
    name: str

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process stands still. The kernel still takes connections for them, and nobody answers."""
        self._engine("pause", self.container)
        try:
            yield
        finally:
            self._engine("unpause", self.container)

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """No packet passes. What runs on the node goes on."""
        self._cut("--insert")
        try:
            yield
        finally:
            self._cut("--delete")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Every process is killed at once, as by a loss of power; the disk stays."""
        self._engine("kill", self.container)
        try:
            yield
        finally:
            self._engine("start", self.container)

    @contextmanager
    def cordoned(self) -> Iterator[None]:
        """No pod is started; those that run go on."""
        self._kubectl("cordon", self.name)
        try:
            yield
        finally:
            self._kubectl("uncordon", self.name)

    @contextmanager
    def drained(self, patience: int) -> Iterator[Drain]:
        """Cordoned, and its pods are evicted, as far as that goes within so many seconds of the reference machine."""
        options = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={scaled(patience)}s"]
        with self.cordoned():
            done = subprocess.run([*kubectl(), "drain", self.name, *options], capture_output=True, text=True, check=False)
            yield Drain(complete=done.returncode == 0, printed=done.stdout + done.stderr)

    def becomes_not_ready(self) -> None:
        """Until Kubernetes knows: after the controller manager's node-monitor-grace-period, by default 40 or 50 seconds."""
        eventually(f"{self.name} to be no longer ready", lambda: not self.ready(), patience=90)

    def ready(self) -> bool:
        return any(each["type"] == "Ready" and each["status"] == "True" for each in self._live()["status"]["conditions"])

    def usable(self) -> bool:
        """Ready, and neither cordoned nor tainted."""
        return self.ready() and not self._live()["spec"].get("taints")

    def _live(self) -> Object:
        return self.server.request("GET", f"/api/v1/nodes/{self.name}")

    def _cut(self, action: str) -> None:
        for chain, direction in CUT:
            rule = [action, chain, direction, "eth0", "--jump", "DROP"]
            self._engine("exec", self.container, "iptables", "--wait", "--table", "mangle", *rule)

    def _engine(self, *arguments: str) -> None:
        subprocess.run([self.docker, *arguments], check=True, stdout=subprocess.PIPE, timeout=scaled(60))

    def _kubectl(self, *arguments: str) -> None:
        subprocess.run([*kubectl(), *arguments], check=True, stdout=subprocess.PIPE)


class Nodes(dict[str, Node]):
    """The nodes of the local cluster that take pods, by name; none if its provider is not kind."""

    def __init__(self, server: Server, home: Path) -> None:
        note = home / "local-cluster.json"
        known = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
        workers = [each for each in known.get("nodes", []) if each["takes_pods"]] if known.get("provider") == "kind" else []
        super().__init__({each["name"]: Node(server, known["docker"], each["container"], each["name"]) for each in workers})

    def restored(self) -> None:
        """Until every node is as it was; that of a test before is not in the way of the next one."""
        for node in self.values():
            eventually(f"{node.name} to be usable again", node.usable, patience=120)
