# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the log of a stage: how many tests ran, and which lines show why the stage failed."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from pathlib import Path

TAIL_LINES = 40
# At most so many lines of a task that failed, and of the tests that did.
CAUSE_LINES = 40
# A word of pytest's closing line, and how it is counted. Words that are missing here, such as `deselected`, are not counted.
PYTEST_WORDS = {
    "passed": "passed",
    "xfailed": "passed",
    "xpassed": "passed",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "skipped": "skipped",
}
PYTEST_CLOSING = re.compile(r"^=* ?((?:\d+ [a-z]+, )*\d+ [a-z]+) in \d[\d.]*s(?: \([\d:]+\))? ?=*$", re.MULTILINE)
# The name of a test that failed, above its traceback.
PYTEST_TEST = re.compile(r"_{3,} .+ _{3,}$")
# Colours, and molecule's line along the left side.
DECORATION = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|^(?:\x1b\[[0-9;]*m| )*│(?:\x1b\[[0-9;]*m)* ", re.MULTILINE)
ANSIBLE_TASK = re.compile(r"(TASK|RUNNING HANDLER) \[")
ANSIBLE_FAILED_TASK = re.compile(r"(fatal|failed): \[")
ANSIBLE_FAILED_PLAY = re.compile(r".* (failed|unreachable)=[1-9]")


def count_tests(log: str) -> Counter[str] | None:
    """The sum of all closing lines of pytest; None if there is none."""
    closings = PYTEST_CLOSING.findall(log)
    if not closings:
        return None
    counts: Counter[str] = Counter()
    for number, word in re.findall(r"(\d+) ([a-z]+)", ", ".join(closings)):
        if word in PYTEST_WORDS:
            counts[PYTEST_WORDS[word]] += int(number)
    return counts


def excerpt(path: Path) -> str:
    """The first cause that the log shows, and its last lines."""
    lines = DECORATION.sub("", path.read_text(errors="replace")).splitlines()
    chosen = sorted({*_failed_task(lines), *_failed_tests(lines), *range(len(lines))[-TAIL_LINES:]})
    shown = []
    for before, number in zip([-1, *chosen], chosen, strict=False):
        if number > before + 1:
            shown.append("...")
        shown.append(lines[number])
    return "".join(f"  | {line}\n" for line in shown)


def _failed_task(lines: t.Sequence[str]) -> range:
    """Line numbers of the task that ended the first failed play of Ansible; not of one that was ignored or rescued."""
    end = next((number for number, line in enumerate(lines) if ANSIBLE_FAILED_PLAY.match(line)), 0)
    fatal = next((number for number in reversed(range(end)) if _ends_a_play(lines, number)), None)
    if fatal is None:
        return range(0)
    begin = next((number for number in reversed(range(fatal)) if ANSIBLE_TASK.match(lines[number])), fatal)
    after = next((number for number in range(fatal, end) if ANSIBLE_TASK.match(lines[number])), end + 1)
    return range(begin, min(after, begin + CAUSE_LINES))


def _ends_a_play(lines: t.Sequence[str], number: int) -> bool:
    if not ANSIBLE_FAILED_TASK.match(lines[number]):
        return False
    after = next((line for line in lines[number:] if line == "...ignoring" or ANSIBLE_TASK.match(line)), "")
    return after != "...ignoring"


def _failed_tests(lines: t.Sequence[str]) -> list[int]:
    """Line numbers of the tests of pytest that failed: their names and the errors."""
    numbers = [number for number, line in enumerate(lines) if PYTEST_TEST.match(line) or line.startswith("E  ")]
    return numbers[:CAUSE_LINES]
