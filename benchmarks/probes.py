# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what probing costs while nothing happens, and write ``benchmarks/probes.md``. Run it by ``make bench``.

Readiness is judged each second by the container ``replication``, liveness every 20 seconds by a program that the kubelet has
the runtime start in the container ``mysql``. What they use is read from /proc: CPU time of the processes themselves, of what
they started, and of the container's shim, which collects what the runtime starts.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from local import ROOT, namespace, objects, playbook, process_of

SECONDS = 120
TARGET = 1.0
_TICKS = os.sysconf("SC_CLK_TCK")


def fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """Of the process and of its children that have ended."""
    return sum(int(each) for each in fields(pid)[11:15]) / _TICKS


def parent(pid: int) -> int:
    return int(fields(pid)[1])


def watched(address: str) -> dict[str, list[int]]:
    """What works for one pod's probes: the container that judges with its children, and the shim."""
    watcher = process_of("openssl", address)
    judge = parent(watcher)
    children = Path(f"/proc/{judge}/task/{judge}/children").read_text().split()
    return {"readiness": [judge, *map(int, children)], "liveness": [parent(judge)]}


def main() -> None:
    with namespace("bench-probes") as name:
        playbook("deploy-mysql.yml", name, 3)
        pods = {pod: watched(each["status"]["podIP"]) for pod, each in objects(name, "pods").items()}
        print(f"watching three pods for {SECONDS} seconds", flush=True)
        before = {pod: {what: sum(map(cpu_seconds, pids)) for what, pids in each.items()} for pod, each in pods.items()}
        time.sleep(SECONDS)
        used = {
            pod: {what: 100 * (sum(map(cpu_seconds, pids)) - before[pod][what]) / SECONDS for what, pids in each.items()}
            for pod, each in pods.items()
        }
    rows = [
        f"| {pod} | {each['readiness']:.2f} | {each['liveness']:.2f} | {sum(each.values()):.2f} |" for pod, each in used.items()
    ]
    (ROOT / "benchmarks" / "probes.md").write_text(f"""\
# What probing costs

Written by `make bench`; do not edit. Per cent of one core, over {SECONDS} seconds in which nothing happens. \
Target: under {TARGET:g} per pod.

| pod | readiness, each second | liveness, every 20 s, and the shim | sum |
| --- | --- | --- | --- |
{chr(10).join(rows)}
""")
    print((ROOT / "benchmarks" / "probes.md").read_text())


if __name__ == "__main__":
    main()
