# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the main job with another commit's collection and with the present one, in turns; write ``benchmarks/compare.md``.

Run it by ``make bench-compare COMMIT=6318106`` on a machine that does nothing else. Times of two machines, or of two days,
cannot be compared; those of one run can.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from audit import Requests
from local import COLLECTION, ROOT, namespace, playbook, spread

REPLICAS = 3
NO_OPS = 3


@dataclass
class Figures:
    """Seconds of each run; API requests of the last."""

    deploy: list[float] = field(default_factory=list)
    no_op: list[float] = field(default_factory=list)
    verify: list[float] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)


def unpack(commit: str, folder: Path) -> Path:
    """Make ``folder`` one in which Ansible finds the collection of this commit."""
    collection = folder / COLLECTION
    collection.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--directory", collection], input=archive.stdout, check=True)
    return folder


def measure(figures: Figures, collections: Path) -> None:
    with namespace("bench-compare") as name:
        figures.deploy.append(_timed(figures, "deploy", "deploy-mysql.yml", name, collections))
        for _round in range(NO_OPS):
            figures.no_op.append(_timed(figures, "no-op", "deploy-mysql.yml", name, collections))
            figures.verify.append(_timed(figures, "verify", "verify-mysql.yml", name, collections))


def _timed(figures: Figures, what: str, playbook_name: str, namespace: str, collections: Path) -> float:
    requests = Requests()
    seconds = playbook(playbook_name, namespace, REPLICAS, collections=collections)
    figures.requests[what] = requests.count()
    return seconds


def report(commit: str, then: Figures, now: Figures, rounds: int) -> str:
    rows = [
        f"| {what} | {spread(getattr(then, key), 2)} | {spread(getattr(now, key), 2)} "
        f"| {then.requests[name]} | {now.requests[name]} |"
        for what, key, name in (
            ("empty namespace to verified", "deploy", "deploy"),
            ("the role again, nothing to do", "no_op", "no-op"),
            ("verify alone", "verify", "verify"),
        )
    ]
    return f"""\
# Compared with commit {commit}

Written by `make bench-compare COMMIT={commit}`; do not edit. MySQL 9.7, {REPLICAS} instances on the local cluster, \
{os.cpu_count()} cores; both collections in turns, {rounds} rounds. Seconds of whole `ansible-playbook` processes: median, \
with minimum and maximum.

| | seconds then | seconds now | API requests then | now |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    then, now = Figures(), Figures()
    with tempfile.TemporaryDirectory() as folder:
        older = unpack(arguments.commit, Path(folder))
        for _round in range(arguments.rounds):
            measure(then, older)
            measure(now, ROOT / ".tree")
    page = report(arguments.commit, then, now, arguments.rounds)
    (ROOT / "benchmarks" / "compare.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
