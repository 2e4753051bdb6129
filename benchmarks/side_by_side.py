# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure this collection beside what people use instead, on the same cluster in one run, and write
``benchmarks/side-by-side.md`` and ``docs/images/side-by-side.svg``. Run it by ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import typing as t
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from audit import Requests
from local import HOME, KUBECTL, ROOT, namespace

SIZES = (1, 3, 5, 9)
HERE = ROOT / "benchmarks"
TUTORIAL = ROOT / "tests" / "integration" / "cluster" / "tutorial.yml"
# The environment of this script has Ansible's package with kubernetes.core in it; the collection is run by its own.
ANSIBLE = {"this collection": "ansible-playbook", "kubernetes.core": str(Path(sys.executable).with_name("ansible-playbook"))}
ENVIRONMENT = {**os.environ, "K8S_AUTH_KUBECONFIG": str(HOME / "kubeconfig")}
STATUS = ["-c", "mysql", "--", "mysql", "-h", "127.0.0.1", "-e", "SHOW ALL SLAVES STATUS"]
STEPS = ("deploy", "no-op", "verify")
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c")


@dataclass(frozen=True)
class Cost:
    """Of one step: seconds, peak MiB of the largest process, requests to the API server."""

    seconds: float
    memory: float
    requests: int


def run(commands: list[list[str]], stdin: str | None = None) -> Cost:
    """What these commands cost, one after the other; the first one gets ``stdin``."""
    requests, begin, memory = Requests(), time.monotonic(), 0.0
    for command in commands:
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as output:
            given.write(stdin or "")
            given.seek(0)
            process = subprocess.Popen(command, env=ENVIRONMENT, stdin=given, stdout=output, stderr=subprocess.STDOUT)
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            if process.returncode:
                sys.exit(f"{' '.join(command)} failed:\n{output.read()}")
        memory, stdin = max(memory, usage.ru_maxrss / 1024), None
    return Cost(time.monotonic() - begin, memory, requests.count())


@dataclass
class Contestant:
    """A way to a cluster. Each step is one call with the namespace and the number of instances."""

    name: str
    steps: dict[str, Callable[[str, int], Cost]]
    costs: dict[tuple[int, str], Cost] = field(default_factory=dict)


# --- this collection ------------------------------------------------------------------------------------------------


def own_playbook(playbook: str, target: str, replicas: int) -> Cost:
    given = {"mysql_cluster_namespace": target, "mysql_cluster_replicas": replicas}
    return run([[ANSIBLE["this collection"], str(ROOT / "playbooks" / playbook), "-e", json.dumps(given)]])


def own_deploy(target: str, replicas: int) -> Cost:
    return own_playbook("deploy-mysql.yml", target, replicas)


def own_verify(target: str, replicas: int) -> Cost:
    return own_playbook("verify-mysql.yml", target, replicas)


# --- kubernetes.core ------------------------------------------------------------------------------------------------


def rendered(target: str, replicas: int) -> list[dict[str, t.Any]]:
    """The same objects, with a Secret of somebody else's, as ``state: rendered`` gives them."""
    options = {"state": "rendered", "namespace": target, "replicas": replicas, "kubernetes_version": "1.20"}
    command = ["ansible", "localhost", "-m", "kubemysql.replication.mysql_cluster", "-a", json.dumps(options), "-o"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    passwords = {f"{name}-password": "side-by-side" for name in ("root", "replication", "clone", "admin")}
    metadata = {"name": "mysql", "namespace": target}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": passwords}
    return [secret, *json.loads(done.stdout.partition("=> ")[2])["manifests"]]


def core_playbook(target: str, replicas: int, tag: str) -> Cost:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as manifests:
        json.dump(rendered(target, replicas), manifests)
        manifests.flush()
        given = json.dumps({"target": target, "manifests": manifests.name})
        return run([[ANSIBLE["kubernetes.core"], str(HERE / "kubernetes-core.yml"), "-e", given, "--tags", tag]])


def core_deploy(target: str, replicas: int) -> Cost:
    return core_playbook(target, replicas, "deploy")


def core_verify(target: str, replicas: int) -> Cost:
    return core_playbook(target, replicas, "verify")


# --- the tutorial ---------------------------------------------------------------------------------------------------


def tutorial_deploy(target: str, replicas: int) -> Cost:
    manifests = yaml.safe_load(TUTORIAL.read_text(encoding="utf-8"))
    manifests[-1]["spec"]["replicas"] = replicas
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    own = [*KUBECTL, "-n", target]
    return run([[*own, "apply", "-f", "-"], [*own, "rollout", "status", "statefulset/mysql", "--timeout=600s"]], listed)


def tutorial_verify(target: str, replicas: int) -> Cost:
    own = [*KUBECTL, "-n", target]
    return run([[*own, "get", "pods"], *([*own, "exec", f"mysql-{n}", *STATUS] for n in range(1, replicas))])


# --- the run and what comes of it -----------------------------------------------------------------------------------


def contestants() -> list[Contestant]:
    return [
        Contestant("this collection", {"deploy": own_deploy, "no-op": own_deploy, "verify": own_verify}),
        Contestant("kubernetes.core", {"deploy": core_deploy, "no-op": core_deploy, "verify": core_verify}),
        Contestant("the tutorial", {"deploy": tutorial_deploy, "no-op": tutorial_deploy, "verify": tutorial_verify}),
    ]


def measure(each: Contestant, replicas: int) -> None:
    with namespace("side-by-side") as target:
        for step in STEPS:
            each.costs[replicas, step] = each.steps[step](target, replicas)
    print(f"{each.name}, {replicas}: {each.costs[replicas, 'deploy'].seconds:.1f} s", flush=True)


def rows(head: list[str], body: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def table(all_: list[Contestant], sizes: tuple[int, ...], cell: Callable[[Cost, Cost], str]) -> str:
    """A row for each step and number of instances; ``cell`` also gets what the first contestant's cost is."""
    keys = [(size, step) for step in STEPS for size in sizes]
    body = [[key[1], str(key[0]), *(cell(each.costs[key], all_[0].costs[key]) for each in all_)] for key in keys]
    return rows(["step", "instances", *(each.name for each in all_)], body)


def growth(each: Contestant, sizes: tuple[int, ...], step: str) -> str:
    few, many = each.costs[sizes[0], step], each.costs[sizes[-1], step]
    more = max(sizes[-1] - sizes[0], 1)
    return f"{(many.seconds - few.seconds) / more:+.2f} s, {(many.requests - few.requests) / more:+.1f} requests"


def report(all_: list[Contestant], sizes: tuple[int, ...]) -> str:
    grown = [[step, *(growth(each, sizes, step) for each in all_)] for step in STEPS]
    return f"""\
# Side by side

Written by `python benchmarks/side_by_side.py` in `make bench`; do not edit. One run on the local cluster of
[docs/local-cluster.md](../docs/local-cluster.md), {os.cpu_count()} cores.

- *This collection*: `playbooks/deploy-mysql.yml`, which verifies, and `playbooks/verify-mysql.yml`, with a canary row.
- *kubernetes.core*: the same objects by `kubernetes.core.k8s` with `apply` and `wait`, then `k8s_info` and for each replica
  `k8s_exec` with `SHOW REPLICA STATUS` ([playbook](https://github.com/kubemysql/replication/blob/main/benchmarks/kubernetes-core.yml)).
- *The tutorial*: the Kubernetes tutorial's manifests on MariaDB's image by `kubectl apply` and `kubectl rollout status`;
  *verify* is `kubectl exec` with `SHOW ALL SLAVES STATUS` for each replica. No Ansible and no Python are in it, and nobody
  looks whether it replicates unless told to.

![Deploy time by number of instances](../docs/images/side-by-side.svg)

## Time, as a multiple of this collection's

{table(all_, sizes, lambda cost, first: f"{cost.seconds / first.seconds:.2f}")}

## Seconds

{table(all_, sizes, lambda cost, _first: f"{cost.seconds:.1f}")}

## API requests, from the API server's audit log

{table(all_, sizes, lambda cost, _first: str(cost.requests))}

## Peak memory of the largest process, MiB

{table(all_, sizes, lambda cost, _first: f"{cost.memory:.0f}")}

## Growth with each further instance

{rows(["step", *(each.name for each in all_)], grown)}
"""


def plot(all_: list[Contestant], sizes: tuple[int, ...], path: Path) -> None:
    # A process that is started counts the memory of the one that started it, so this large library comes last.
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.rcParams.update({"svg.hashsalt": "side-by-side", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, axes = plt.subplots(1, len(STEPS), figsize=(11, 3.4), layout="constrained")
    for axis, step in zip(axes, STEPS, strict=True):
        for each, colour in zip(all_, COLOURS, strict=True):
            axis.plot(sizes, [each.costs[size, step].seconds for size in sizes], marker="o", color=colour, label=each.name)
        axis.set_title(step)
        axis.set_xlabel("instances")
        axis.set_xticks(sizes)
        axis.set_ylim(bottom=0)
    axes[0].set_ylabel("seconds")
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of instances")
    parser.add_argument("--folder", type=Path, default=ROOT, help="write there instead of into the project")
    arguments = parser.parse_args()
    sizes, all_ = tuple(arguments.sizes), contestants()
    for replicas in sizes:
        for each in all_:
            measure(each, replicas)
    text, image = report(all_, sizes), arguments.folder / "docs" / "images" / "side-by-side.svg"
    for path in (image, arguments.folder / "benchmarks" / "side-by-side.md"):
        path.parent.mkdir(parents=True, exist_ok=True)
    plot(all_, sizes, image)
    (arguments.folder / "benchmarks" / "side-by-side.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
