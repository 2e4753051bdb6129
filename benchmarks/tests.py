# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of the tests goes: runs `make test` with the plugin `stopwatch`, and writes `benchmarks/tests.md`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "tests" / "output" / "logs" / "stages"
TIMES = LOGS / "tests.jsonl"
SLOWEST = 30
# By what a wait is called, first match: what keeps the machine from going on.
REASONS = (
    ("to be gone", "a pod's end: grace period, the kubelet's removal"),
    ("pods to be made again", "a pod's end: grace period, the kubelet's removal"),
    ("successor", "a pod's end: grace period, the kubelet's removal"),
    ("start again", "the kubelet restarts a container"),
    ("to lead to", "a readiness probe and the endpoint controller"),
    ("to be ready", "a server's start, and the judge's second"),
    ("controllers", "controllers come to rest"),
    ("accept connections", "a server's start"),
    ("mysqld", "a server's start"),
    ("clone", "a clone"),
    ("lag", "a replica that has to lag"),
    ("mysql_cluster_verify", "a healthy cluster: starts, probes, the canary"),
    ("mysql_cluster_info", "a look at the cluster"),
    ("mysql_cluster", "a rollout: image start, initialisation, clones, probes"),
    ("container", "a script's own end"),
)


@dataclass
class Test:
    """One test, its fixtures included."""

    name: str
    seconds: float = 0.0
    computed: float = 0.0
    waited: Counter[str] = field(default_factory=Counter)

    @property
    def reason(self) -> str:
        """The longest wait by its reason, or none where the machine computed most of the time."""
        reasons: Counter[str] = Counter()
        for what, seconds in self.waited.items():
            reasons[next((reason for part, reason in REASONS if part in what), what)] += seconds
        if not reasons or reasons.most_common(1)[0][1] < self.seconds / 4:
            return "computes" if self.computed > self.seconds / 2 else "subprocesses and statements"
        return ", ".join(f"{reason} ({seconds:.0f} s)" for reason, seconds in reasons.most_common(2) if seconds >= 1)


def measure() -> None:
    """Run all tests; one that fails ends everything."""
    LOGS.mkdir(parents=True, exist_ok=True)
    TIMES.write_text("")
    plugin = {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_ADDOPTS": "-p stopwatch", "KUBEMYSQL_TEST_TIMES": str(TIMES)}
    done = subprocess.run(["tools/run-tests.sh", "tools/stages.toml"], cwd=ROOT, env={**os.environ, **plugin}, check=False)
    if done.returncode:
        sys.exit("the tests failed, so their times mean nothing")


def read() -> list[Test]:
    """All tests, the slowest first."""
    tests = dict[str, Test]()
    for line in map(json.loads, TIMES.read_text(encoding="utf-8").splitlines()):
        test = tests.setdefault(line["test"], Test(line["test"]))
        test.seconds += line["seconds"]
        test.computed += line["computed"]
        test.waited.update(line["waited"])
    return sorted(tests.values(), key=lambda test: -test.seconds)


def report() -> str:
    """The page."""
    run = json.loads((LOGS / "times.json").read_text(encoding="utf-8"))
    stages = sorted(run["stages"].items(), key=lambda stage: -stage[1][0])
    rows = [f"| {name} | {seconds:.0f} | {computed:.0f} |" for name, (seconds, computed) in stages]
    sums = [sum(times[column] for _name, times in stages) for column in (0, 1)]
    slow = [
        f"| `{test.name.removeprefix('tests/')}` | {test.seconds:.1f} | {test.computed:.1f} | {test.reason} |"
        for test in read()[:SLOWEST]
    ]
    return f"""\
# Where the time of the tests goes

Written by `make bench-tests`; do not edit. One run of `make test`, its stages side by side on {os.cpu_count()} cores: \
{run["all"] / 60:.0f} minutes. *Core seconds* are those of a stage's own processes over all cores; what the servers in pods \
compute is not among them.

| stage | seconds | core seconds |
| --- | --- | --- |
{chr(10).join(rows)}
| **sum** | {sums[0]:.0f} | {sums[1]:.0f} |

## The {SLOWEST} slowest tests

With their fixtures; one that is shared counts for the first test that needs it. Waits are those of `tests/waiting.py`, by \
name, and calls of modules.

| test | seconds | core seconds | waits for |
| --- | --- | --- | --- |
{chr(10).join(slow)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only-write", action="store_true", help="write the page of the run before")
    if not parser.parse_args().only_write:
        measure()
    (ROOT / "benchmarks" / "tests.md").write_text(report(), encoding="utf-8")


if __name__ == "__main__":
    main()
