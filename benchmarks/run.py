# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the main job on the local cluster and write ``benchmarks/README.md``.

Each figure is the wall time of a whole ``ansible-playbook`` process, start of Python included, unless it says otherwise.
Run it by ``make bench`` on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from audit import Requests
from local import HOME, ROOT, namespace, objects, playbook, process_of, spread

SIZES = (3, 5, 9)
TARGETS = {3: 16.0, 5: 22.0, 9: 36.0}
NO_OP_TARGET = 2.5
VERIFY_TARGETS = {3: 0.9, 5: 1.1, 9: 1.3}
CONNECT_TIMEOUT = 2
MEMORY_TARGET = 120
# Runs one module as AnsiballZ does, in one Python process, so that its peak memory can be read.
RUN_MODULE = """
import sys
from ansible.module_utils.testing import patch_module_args
from importlib import import_module
module = import_module("ansible_collections.kubemysql.replication.plugins.modules." + sys.argv[1])
with patch_module_args({"namespace": sys.argv[2], "kubeconfig": sys.argv[3], **eval(sys.argv[4])}):
    module.main()
"""


@dataclass
class Size:
    """All figures of one number of instances; seconds, requests, MiB."""

    replicas: int
    deploy: list[float] = field(default_factory=list)
    no_op: list[float] = field(default_factory=list)
    verify: list[float] = field(default_factory=list)
    unreachable: list[float] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)


def empty_playbook() -> float:
    """The floor under every figure: a playbook that does nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write("- hosts: localhost\n  gather_facts: false\n  tasks: []\n")
        file.flush()
        begin = time.monotonic()
        subprocess.run(["ansible-playbook", file.name], check=True, capture_output=True)
        return time.monotonic() - begin


def module_process(module: str, namespace: str, options: dict[str, object]) -> tuple[float, float]:
    """Seconds and peak MiB of one module's own process."""
    arguments = [module, namespace, str(HOME / "kubeconfig"), repr(options)]
    begin = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".tree")}
    process = subprocess.Popen([sys.executable, "-c", RUN_MODULE, *arguments], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{module} failed: {output.decode()}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def measure(size: Size, runs: int) -> None:
    for run in range(runs):
        with namespace(f"bench-{size.replicas}") as name:
            size.deploy.append(playbook("deploy-mysql.yml", name, size.replicas))
            if run == 0:
                measure_deployed(size, name)


def measure_deployed(size: Size, namespace: str) -> None:
    for _round in range(5):
        size.no_op.append(playbook("deploy-mysql.yml", namespace, size.replicas))
    modules: dict[str, dict[str, object]] = {
        "mysql_cluster": {"replicas": size.replicas},
        "mysql_cluster_verify": {"canary": False},
    }
    for module, options in modules.items():
        requests = Requests()
        _seconds, size.memory[module] = module_process(module, namespace, options)
        size.requests[module] = requests.count()
    size.verify = [module_process("mysql_cluster_verify", namespace, {"canary": False})[0] for _round in range(5)]
    size.unreachable = measure_unreachable(namespace)


def measure_unreachable(namespace: str) -> list[float]:
    """A look at the cluster while one replica's server is stopped: it accepts connections and says nothing."""
    address = objects(namespace, "pods")["mysql-1"]["status"]["podIP"]
    server = process_of("mysqld", address)
    os.kill(server, signal.SIGSTOP)
    try:
        options: dict[str, object] = {"connect_timeout": CONNECT_TIMEOUT}
        return [module_process("mysql_cluster_info", namespace, options)[0] for _round in range(3)]
    finally:
        os.kill(server, signal.SIGCONT)


def report(sizes: list[Size], empty: list[float]) -> str:
    rows = [
        f"| {each.replicas} | {spread(each.deploy)} | {TARGETS[each.replicas]:.0f} | {spread(each.no_op)} "
        f"| {spread(each.verify, 2)} | {VERIFY_TARGETS[each.replicas]} | {spread(each.unreachable, 2)} "
        f"| {each.requests['mysql_cluster']} + {each.requests['mysql_cluster_verify']} "
        f"| {max(each.memory.values()):.0f} |"
        for each in sizes
    ]
    return f"""\
# Measurements

Written by `make bench`; do not edit. MySQL 9.7 on the local cluster of [docs/local-cluster.md](../docs/local-cluster.md), \
{os.cpu_count()} cores. Seconds are the median, with minimum and maximum.

| instances | empty namespace to verified | target | the role again, nothing to do | verify alone, without canary | target \
| one instance unreachable | API requests of that | peak memory, MiB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

- *Empty namespace to verified* and *the role again*: `ansible-playbook playbooks/deploy-mysql.yml`, start to end. \
An empty playbook takes {spread(empty)} s of it. Target for nothing to do, three instances: {NO_OP_TARGET} s.
- *Verify alone*: the process of the module `mysql_cluster_verify`.
- *One instance unreachable*: the process of `mysql_cluster_info` with a replica's server stopped by SIGSTOP and \
`connect_timeout: {CONNECT_TIMEOUT}`: it costs its own timeout, once.
- *API requests*: of `mysql_cluster` and of `mysql_cluster_verify` with nothing to do, from the API server's audit log.
- *Peak memory*: the larger of the two modules' processes. Target: under {MEMORY_TARGET} MiB.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2, help="deployments per size")
    arguments = parser.parse_args()
    empty = [empty_playbook() for _round in range(5)]
    sizes = [Size(replicas) for replicas in SIZES]
    for size in sizes:
        print(f"measuring {size.replicas} instances (about {arguments.runs * (20 + 5 * size.replicas)} seconds)", flush=True)
        measure(size, arguments.runs)
    (ROOT / "benchmarks" / "README.md").write_text(report(sizes, empty))
    print((ROOT / "benchmarks" / "README.md").read_text())


if __name__ == "__main__":
    main()
