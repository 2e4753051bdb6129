# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster without Kubernetes: what its pods share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.flavours import MYSQL, Flavour
from scripts.pods import Pod

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "plugins" / "module_utils" / "pod_scripts"
# Every printable character, and some that take more than one byte. CHANGE REPLICATION SOURCE takes 32 characters at most.
NASTY = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ä€ "
PASSWORDS = {
    "root-password": f"root{NASTY}",
    "replication-password": NASTY[:32],
    "clone-password": f"{NASTY[6:]}\\",
    "admin-password": f"'{NASTY}\"\n",
}


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
    # Of the next newcomer beside a pair.
    next_ordinal: int = 2

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

    @contextmanager
    def newcomer(self) -> Iterator[Pod]:
        """A pod with an empty volume, and gone without a trace afterwards."""
        pod = self.pod(f"mysql-{self.next_ordinal}")
        self.next_ordinal += 1
        try:
            yield pod
        finally:
            pod.stop()
            del self.pods[pod.name]
            self.write_hosts()
            shutil.rmtree(pod.base)

    @property
    def on_network(self) -> list[str]:
        """What runs a command where the pods' addresses are."""
        return ["nsenter", f"--net=/proc/{self.network.pid}/ns/net"]

    def stop(self) -> None:
        for pod in self.pods.values():
            pod.stop()
