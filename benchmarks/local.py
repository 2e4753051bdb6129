# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local cluster as the benchmarks use it: its programs, a playbook's wall time, its pods' processes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "COLLECTION",
    "HOME",
    "KUBECTL",
    "ROOT",
    "kubectl",
    "namespace",
    "objects",
    "playbook",
    "process_of",
    "restarts",
    "spread",
]

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = Path("ansible_collections/kubemysql/replication")
HOME = Path(os.environ["KUBEMYSQL_HOME"])
KUBECTL = [str(HOME / "kubectl"), f"--kubeconfig={HOME / 'kubeconfig'}"]


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """What kubectl printed; fails loudly."""
    done = subprocess.run([*KUBECTL, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"kubectl {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout


def objects(namespace: str, kind: str) -> dict[str, dict[str, t.Any]]:
    """The live objects of a kind by name."""
    items = json.loads(kubectl("-n", namespace, "get", kind, "-o", "json"))["items"]
    return {item["metadata"]["name"]: item for item in items}


@contextmanager
def namespace(name: str) -> Iterator[str]:
    """A namespace that goes in the end. An earlier one may still be on its way out, so each gets a name of its own."""
    made = f"{name}-{os.urandom(3).hex()}"
    kubectl("create", "namespace", made)
    try:
        yield made
    finally:
        # A namespace takes a minute longer than pods that end slowly. Nothing that works is left in it once they are gone.
        kubectl("-n", made, "delete", "statefulset", "--all", "--cascade=orphan")
        kubectl("-n", made, "delete", "pod", "--all", "--grace-period=1")
        kubectl("delete", "namespace", made, "--wait=false")


def playbook(name: str, namespace: str, replicas: int, *, collections: Path = ROOT / ".tree", **variables: object) -> float:
    """Seconds that a playbook of the collection in the folder ``collections`` takes; fails loudly."""
    given = {"mysql_cluster_namespace": namespace, "mysql_cluster_replicas": replicas, **variables}
    found = {"K8S_AUTH_KUBECONFIG": str(HOME / "kubeconfig"), "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    path = collections / COLLECTION / "playbooks" / name
    command = ["ansible-playbook", str(path), "-e", json.dumps(given)]
    begin = time.monotonic()
    done = subprocess.run(command, env={**os.environ, **found}, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begin
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def restarts(namespace: str) -> int:
    """How often containers of the pods there have been started again: more than none is no ordinary deployment."""
    statuses = [pod["status"] for pod in objects(namespace, "pods").values()]
    kinds = ("initContainerStatuses", "containerStatuses")
    return sum(each["restartCount"] for status in statuses for kind in kinds for each in status.get(kind, []))


def process_of(command: str, address: str) -> int:
    """The process of this name in the pod with this address, as the machine numbers it."""
    wanted = f"POD_IP={address}"
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip() == command and wanted in (folder / "environ").read_text().split("\0"):
                return int(folder.name)
        except OSError:
            continue
    sys.exit(f"the pod with the address {address} runs no {command}")


def spread(values: list[float], digits: int = 1) -> str:
    middle, least, most = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({least} to {most})"
