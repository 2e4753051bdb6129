# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of the tests goes: each stage of `make test` by itself, one after the other, on a quiet machine.

Writes `benchmarks/tests.md`. What was measured stays in `tests/output/times`, so that single stages can be measured again:
`make bench-tests STAGES="scripts e2e/default"`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from stopwatch import core_seconds  # noqa: E402

TIMES = ROOT / "tests" / "output" / "times"
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


def measure(stage: str) -> None:
    """Run one stage and keep its figures; a stage that fails ends everything."""
    times = TIMES / f"{stage.replace('/', '-')}.jsonl"
    times.parent.mkdir(parents=True, exist_ok=True)
    times.write_text("")
    environment = {**os.environ, "KUBEMYSQL_TEST_TIMES": str(times), "SCRIPT_WORKERS": "0"}
    if not stage.startswith("core-"):
        environment |= {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_ADDOPTS": "-p stopwatch"}
    begin, computed = time.monotonic(), core_seconds()
    with times.with_suffix(".log").open("wb") as log:
        done = subprocess.run(
            ["make", "--no-print-directory", stage], cwd=ROOT, env=environment, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        sys.exit(f"{stage} failed, see {times.with_suffix('.log')}")
    with times.open("a", encoding="utf-8") as lines:
        line = {"stage": stage, "seconds": time.monotonic() - begin, "computed": core_seconds() - computed}
        lines.write(json.dumps(line) + "\n")
    print(f"{stage}: {line['seconds']:.0f} s, {line['computed']:.0f} core seconds", flush=True)


def read() -> tuple[list[dict[str, float | str]], list[Test]]:
    """All stages and tests that were measured."""
    stages, tests = [], dict[str, Test]()
    for path in sorted(TIMES.glob("*.jsonl")):
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if "stage" in line:
                stages.append(line)
                continue
            test = tests.setdefault(line["test"], Test(line["test"]))
            test.seconds += line["seconds"]
            test.computed += line["computed"]
            test.waited.update(line["waited"])
    return stages, sorted(tests.values(), key=lambda test: -test.seconds)


def report() -> str:
    """The page."""
    stages, tests = read()
    stages.sort(key=lambda stage: -float(stage["seconds"]))
    cores = os.cpu_count() or 1
    rows = [
        f"| {stage['stage']} | {stage['seconds']:.0f} | {stage['computed']:.0f} "
        f"| {100 * float(stage['computed']) / cores / float(stage['seconds']):.0f} % |"
        for stage in stages
    ]
    total = [sum(float(stage[key]) for stage in stages) for key in ("seconds", "computed")]
    slow = [
        f"| `{test.name.removeprefix('tests/')}` | {test.seconds:.1f} | {test.computed:.1f} | {test.reason} |"
        for test in tests[:SLOWEST]
    ]
    return f"""\
# Where the time of the tests goes

Written by `make bench-tests`; do not edit. Each stage of `make test` by itself, one after the other, {cores} cores. \
*Core seconds* are those that the machine computed meanwhile, over all cores; the rest was waiting. \
`make test` runs the stages side by side, so that one computes while another waits: no run can be shorter than all core \
seconds divided by the number of cores.

| stage | seconds | core seconds | busy |
| --- | --- | --- | --- |
{chr(10).join(rows)}
| **all, one after the other** | {total[0]:.0f} | {total[1]:.0f} | {100 * total[1] / cores / total[0]:.0f} % |

## The {SLOWEST} slowest tests

With their fixtures; one that is shared counts for the first test that needs it. Waits are those of `tests/waiting.py`, by name.

| test | seconds | core seconds | waits for |
| --- | --- | --- | --- |
{chr(10).join(slow)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", help="targets of the Makefile; none only writes the page again")
    for stage in parser.parse_args().stages:
        measure(stage)
    (ROOT / "benchmarks" / "tests.md").write_text(report(), encoding="utf-8")


if __name__ == "__main__":
    main()
