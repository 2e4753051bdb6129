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
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import typing as t
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import matplotlib.pyplot as plt
import yaml
from cost import ENVIRONMENT, Cost, Place, run
from local import KUBECTL, ROOT, kubectl, namespace, restarts, spread

SIZES = (1, 3, 5, 9)
HERE = ROOT / "benchmarks"
TUTORIAL = ROOT / "tests" / "integration" / "cluster" / "tutorial.yml"
# The environment of this script has Ansible's package with kubernetes.core in it; the collection is run by its own.
ANSIBLE = {"this collection": "ansible-playbook", "kubernetes.core": str(Path(sys.executable).with_name("ansible-playbook"))}
STATUS = ["-c", "mysql", "--", "mysql", "-h", "127.0.0.1", "-e", "SHOW ALL SLAVES STATUS"]
STEPS = ("deploy", "no-op", "verify")
TEXT = """\
# Side by side

Written by `python benchmarks/side_by_side.py` in `make bench`; do not edit. One run on the local cluster of
[docs/local-cluster.md](../docs/local-cluster.md), {cores} cores. Deployments of each size: {rounds}. Figures are medians, with
minimum and maximum; ratios are of medians.

- *This collection*: `playbooks/deploy-mysql.yml`, which verifies, and `playbooks/verify-mysql.yml`, with a canary row.
- *kubernetes.core*: the same objects by `kubernetes.core.k8s` with `apply` and `wait`, then `k8s_info` and for each replica
  `k8s_exec` with `SHOW REPLICA STATUS` ([playbook](https://github.com/kubemysql/kubemysql.replication/blob/main/benchmarks/kubernetes-core.yml)).
- *The tutorial*: the Kubernetes tutorial's manifests on MariaDB's image by `kubectl apply` and `kubectl rollout status`;
  *verify* is `kubectl exec` with `SHOW ALL SLAVES STATUS` for each replica. No Ansible and no Python are in it, and nobody
  looks whether it replicates unless told to.

Versions: {versions}.
*Deploy* goes from an empty namespace to ready, or verified, and begins without what a client remembers of the API, as in a job
of CI. *No-op* is the same command again. Containers that restarted meanwhile: {restarts}.

![Deploy time by number of instances](../docs/images/side-by-side.svg)

## Time, as a multiple of this collection's

{seconds_ratio}

## API requests, as a multiple of this collection's

{requests_ratio}

## Seconds

{seconds}

## API requests, from the API server's audit log

{requests}

## Peak memory of the largest process, MiB

{memory}

## Growth with each further instance

{growth}
"""
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c")


@dataclass
class Contestant:
    """A way to a cluster. Each step is one call with the place and the number of instances."""

    name: str
    steps: dict[str, Callable[[Place, int], Cost]]
    costs: dict[tuple[int, str], list[Cost]] = field(default_factory=lambda: defaultdict(list))
    restarts: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def values(self, size: int, step: str, what: str) -> list[float]:
        return [getattr(cost, what) for cost in self.costs[size, step]]

    def median(self, size: int, step: str, what: str) -> float:
        return statistics.median(self.values(size, step, what))


# --- this collection ------------------------------------------------------------------------------------------------


def own_playbook(playbook: str, place: Place, replicas: int) -> Cost:
    given = {"mysql_cluster_namespace": place.namespace, "mysql_cluster_replicas": replicas}
    return run(place, [ANSIBLE["this collection"], str(ROOT / "playbooks" / playbook), "-e", json.dumps(given)])


def own_deploy(place: Place, replicas: int) -> Cost:
    return own_playbook("deploy-mysql.yml", place, replicas)


def own_verify(place: Place, replicas: int) -> Cost:
    return own_playbook("verify-mysql.yml", place, replicas)


# --- kubernetes.core ------------------------------------------------------------------------------------------------


def rendered(target: str, replicas: int) -> list[dict[str, t.Any]]:
    """The same objects, with a Secret of somebody else's, as ``state: rendered`` gives them."""
    options = {"state": "rendered", "namespace": target, "replicas": replicas, "kubernetes_version": "1.20"}
    command = ["ansible", "localhost", "-m", "kubemysql.replication.mysql_cluster", "-a", json.dumps(options), "-o"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    passwords = {f"{name}-password": "side-by-side" for name in ("root", "replication", "clone", "admin")}
    named = {"name": "mysql", "namespace": target}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": named, "stringData": passwords}
    return [secret, *json.loads(done.stdout.partition("=> ")[2])["manifests"]]


def core_playbook(place: Place, replicas: int, tag: str) -> Cost:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as manifests:
        json.dump(rendered(place.namespace, replicas), manifests)
        manifests.flush()
        given = json.dumps({"target": place.namespace, "manifests": manifests.name})
        return run(place, [ANSIBLE["kubernetes.core"], str(HERE / "kubernetes-core.yml"), "-e", given, "--tags", tag])


def core_deploy(place: Place, replicas: int) -> Cost:
    return core_playbook(place, replicas, "deploy")


def core_verify(place: Place, replicas: int) -> Cost:
    return core_playbook(place, replicas, "verify")


# --- the tutorial ---------------------------------------------------------------------------------------------------


def tutorial_deploy(place: Place, replicas: int) -> Cost:
    manifests = yaml.safe_load(TUTORIAL.read_text(encoding="utf-8"))
    manifests[-1]["spec"]["replicas"] = replicas
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    own = [*KUBECTL, "-n", place.namespace]
    rollout = [*own, "rollout", "status", "statefulset/mysql", "--timeout=600s"]
    return run(place, [*own, "apply", "-f", "-"], rollout, stdin=listed)


def tutorial_verify(place: Place, replicas: int) -> Cost:
    own = [*KUBECTL, "-n", place.namespace]
    return run(place, [*own, "get", "pods"], *([*own, "exec", f"mysql-{n}", *STATUS] for n in range(1, replicas)))


# --- the run and what comes of it -----------------------------------------------------------------------------------


def contestants() -> list[Contestant]:
    return [
        Contestant("this collection", {"deploy": own_deploy, "no-op": own_deploy, "verify": own_verify}),
        Contestant("kubernetes.core", {"deploy": core_deploy, "no-op": core_deploy, "verify": core_verify}),
        Contestant("the tutorial", {"deploy": tutorial_deploy, "no-op": tutorial_deploy, "verify": tutorial_verify}),
    ]


def measure(each: Contestant, replicas: int) -> None:
    with namespace("side-by-side") as target, tempfile.TemporaryDirectory() as home:
        for step in STEPS:
            each.costs[replicas, step].append(each.steps[step](Place(target, home), replicas))
        restarted = restarts(target)
    each.restarts[replicas] += restarted
    print(f"{each.name}, {replicas}: {each.costs[replicas, 'deploy'][-1].seconds:.1f} s, {restarted} restarts", flush=True)


def versions() -> str:
    """What was measured, in the versions that are pinned."""
    core = Path(sysconfig.get_path("purelib")) / "ansible_collections" / "kubernetes" / "core" / "MANIFEST.json"
    release = json.loads(core.read_text(encoding="utf-8"))["collection_info"]["version"]
    client = json.loads(kubectl("version", "--client", "-o", "json"))["clientVersion"]["gitVersion"]
    return f"kubernetes.core {release} of the package ansible {metadata.version('ansible')}, kubectl {client.removeprefix('v')}"


def rows(head: list[str], body: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def table(all_: list[Contestant], sizes: tuple[int, ...], cell: Callable[[Contestant, int, str], str]) -> str:
    """A row for each step and number of instances."""
    body = [[step, str(size), *(cell(each, size, step) for each in all_)] for step in STEPS for size in sizes]
    return rows(["step", "instances", *(each.name for each in all_)], body)


def growth(each: Contestant, sizes: tuple[int, ...], step: str) -> str:
    more = max(sizes[-1] - sizes[0], 1)
    seconds, requests = (
        (each.median(sizes[-1], step, what) - each.median(sizes[0], step, what)) / more for what in ("seconds", "requests")
    )
    return f"{seconds:+.2f} s, {requests:+.1f} requests"


def restarted(all_: list[Contestant]) -> str:
    told = [f"{each.name} with {size}: {count}" for each in all_ for size, count in each.restarts.items() if count]
    return "; ".join(told) or "none"


def report(all_: list[Contestant], sizes: tuple[int, ...], rounds: int) -> str:
    grown = [[step, *(growth(each, sizes, step) for each in all_)] for step in STEPS]

    def ratio(what: str) -> Callable[[Contestant, int, str], str]:
        return lambda each, size, step: f"{each.median(size, step, what) / all_[0].median(size, step, what):.2f}"

    return TEXT.format(
        rounds=rounds,
        cores=os.cpu_count(),
        versions=versions(),
        seconds_ratio=table(all_, sizes, ratio("seconds")),
        requests_ratio=table(all_, sizes, ratio("requests")),
        seconds=table(all_, sizes, lambda each, size, step: spread(each.values(size, step, "seconds"))),
        requests=table(all_, sizes, lambda each, size, step: spread(each.values(size, step, "requests"), 0)),
        memory=table(all_, sizes, lambda each, size, step: f"{max(each.values(size, step, 'memory')):.0f}"),
        growth=rows(["step", *(each.name for each in all_)], grown),
        restarts=restarted(all_),
    )


def plot(all_: list[Contestant], sizes: tuple[int, ...], path: Path) -> None:
    plt.rcParams.update({"svg.hashsalt": "side-by-side", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, axes = plt.subplots(1, len(STEPS), figsize=(11, 3.4), layout="constrained")
    for axis, step in zip(axes, STEPS, strict=True):
        for each, colour in zip(all_, COLOURS, strict=True):
            seconds = [each.median(size, step, "seconds") for size in sizes]
            axis.plot(sizes, seconds, marker="o", color=colour, label=each.name)
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
    parser.add_argument("--rounds", type=int, default=2, help="deployments per size")
    parser.add_argument("--folder", type=Path, default=ROOT, help="write there instead of into the project")
    arguments = parser.parse_args()
    sizes, all_ = tuple(arguments.sizes), contestants()
    for _round in range(arguments.rounds):
        for replicas in sizes:
            for each in all_:
                measure(each, replicas)
    text, image = report(all_, sizes, arguments.rounds), arguments.folder / "docs" / "images" / "side-by-side.svg"
    page = arguments.folder / "benchmarks" / "side-by-side.md"
    for path in (image, page):
        path.parent.mkdir(parents=True, exist_ok=True)
    plot(all_, sizes, image)
    page.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
