# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster without Kubernetes: what its pods share, rendered by the collection as for a real one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.kubemysql.replication.plugins.module_utils.manifests.bundle import NEWEST_KUBERNETES, render
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from params import cluster_spec
from scripts.flavours import MYSQL, Flavour
from scripts.pods import Pod
from waiting import scaled

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


# The id of every cluster, so one can begin with the volumes of another.
CLUSTER = "c0ffee"


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
    epoch: int = 1
    # Of the next newcomer beside a pair.
    next_ordinal: int = 2

    def __post_init__(self) -> None:
        for name in ("config", "thresholds", "topology", "secret", "scripts"):
            (self.base / name).mkdir(parents=True)
        self.hosts = self.base / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
        spec = cluster_spec(
            name=self.service,
            image=f"{self.flavour.name}:{self.flavour.version}",
            config=dict(self.flavour.config),
            max_lag=scaled(30),
        )
        bundle = render(spec, Topology(self.primary), kubernetes=NEWEST_KUBERNETES)
        # The template that all pods are made of.
        self.template: dict[str, Any] = bundle[-1]["spec"]["template"]["spec"]
        config_maps = {each["metadata"]["name"]: each["data"] for each in bundle if each["kind"] == "ConfigMap"}
        mounted = {
            each["name"]: config_maps[each["configMap"]["name"]] for each in self.template["volumes"] if "configMap" in each
        }
        self.config: dict[str, str] = mounted["config"]
        self.thresholds: dict[str, str] = mounted["thresholds"]
        for volume in ("config", "thresholds", "scripts"):
            self.write(volume, mounted[volume])
        for script in (self.base / "scripts").iterdir():
            script.chmod(0o555)
        self.write_topology()
        self.write_secrets()

    def write(self, volume: str, data: Mapping[str, str]) -> None:
        """Make ``data`` the files of a volume that the pods share, as the kubelet does with a ConfigMap."""
        for name, text in data.items():
            (self.base / volume / name).write_text(text, encoding="utf-8")

    @contextmanager
    def option(self, name: str, value: str | None) -> Iterator[None]:
        """With another value of an option in the my.cnf files, or without it; pods take it over when they are provisioned."""
        line = f"{name} = {value}" if value else ""
        changed = {file: re.sub(rf"^{name} =.*$", line, text, flags=re.MULTILINE) for file, text in self.config.items()}
        self.write("config", changed)
        yield
        self.write("config", self.config)

    @contextmanager
    def threshold(self, name: str, value: object) -> Iterator[None]:
        """With another threshold in the ConfigMap, which no container has to be restarted for."""
        file = self.base / "thresholds" / name
        file.write_text(str(value), encoding="utf-8")
        try:
            yield
        finally:
            if name in self.thresholds:
                file.write_text(self.thresholds[name], encoding="utf-8")
            else:
                file.unlink()

    def write_topology(self, primary: str | None = None, bootstrapped: str | None = None, epoch: int | None = None) -> None:
        self.primary = self.primary if primary is None else primary
        self.epoch = self.epoch if epoch is None else epoch
        self.bootstrapped = self.bootstrapped if bootstrapped is None else bootstrapped
        (self.base / "topology" / "primary").write_text(self.primary, encoding="utf-8")
        (self.base / "topology" / "bootstrapped").write_text(self.bootstrapped, encoding="utf-8")
        self.write("topology", {"epoch": str(self.epoch), "cluster": CLUSTER})

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
        """The prefix that runs a command in the pods' network."""
        return ["nsenter", f"--net=/proc/{self.network.pid}/ns/net"]

    def stop(self) -> None:
        for pod in self.pods.values():
            pod.stop()
