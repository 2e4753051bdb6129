# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts read from a stage's log. The logs here are shortened ones of real runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from stage_log import count_tests, excerpt

DESTROY = "".join(f"destroy {number}\n" for number in range(60))
RECAP = """
PLAY RECAP *********
localhost                  : ok=9    changed=1    unreachable=0    failed={failed}    skipped=0
"""
IGNORED = """
TASK [Ask too early] ***
fatal: [localhost]: FAILED! => {"msg": "too early"}
...ignoring
"""
RESCUED = """
TASK [Try one way] ***
fatal: [localhost]: FAILED! => {"msg": "no way"}

TASK [Take the other way] ***
ok: [localhost]
"""
FAILED = """
TASK [Wait until the cluster is healthy] ***
[ERROR]: Task failed: Module failed: lag
Origin: verify.yml:16:3

fatal: [localhost]: FAILED! => {"msg": "lag"}
"""
# In a section `always`.
COLLECT = """
TASK [Collect the logs] ***
ok: [localhost]
"""


def shown(folder: Path, log: str) -> list[str]:
    path = folder / "stage.log"
    path.write_text(log)
    return [line.removeprefix("  | ") for line in excerpt(path).splitlines()]


@pytest.mark.parametrize("end", ["", COLLECT, IGNORED], ids=["the play ends", "always", "always, with an ignored failure"])
@pytest.mark.parametrize("begin", ["", IGNORED, RESCUED, RECAP.format(failed=0)], ids=["first", "ignored", "rescued", "plays"])
def test_the_task_that_ended_the_play_is_shown(tmp_path: Path, begin: str, end: str) -> None:
    lines = shown(tmp_path, begin + FAILED + end + RECAP.format(failed=1) + DESTROY + RECAP.format(failed=0))
    assert lines[:4] == ["...", *FAILED.splitlines()[1:4]]
    assert 'fatal: [localhost]: FAILED! => {"msg": "lag"}' in lines
    assert not {"TASK [Ask too early] ***", "TASK [Try one way] ***", "destroy 0"} & set(lines)
    assert "destroy 59" in lines


def test_molecules_decoration_is_removed(tmp_path: Path) -> None:
    left = "  \x1b[2m\x1b[31m│\x1b[0m \x1b[0;31m"
    log = "".join(f"{left}{line}\x1b[0m\n" for line in (FAILED + RECAP.format(failed=1)).splitlines())
    lines = shown(tmp_path, log + DESTROY)
    assert lines[1:3] == FAILED.splitlines()[1:3]


def test_the_first_play_that_failed_counts(tmp_path: Path) -> None:
    later = RECAP.format(failed=1) + DESTROY + FAILED.replace("lag", "destroy") + RECAP.format(failed=1)
    assert 'fatal: [localhost]: FAILED! => {"msg": "lag"}' in shown(tmp_path, FAILED + later + DESTROY)


def test_an_unreachable_host_counts(tmp_path: Path) -> None:
    failed = "TASK [Gather] ***\nfatal: [db]: UNREACHABLE! => {}\n"
    recap = RECAP.format(failed=0).replace("unreachable=0", "unreachable=1")
    assert shown(tmp_path, failed + recap + DESTROY)[:2] == failed.splitlines()


def test_the_errors_of_tests_are_shown(tmp_path: Path) -> None:
    failures = "____ test_lag[5] ____\n" + "    source\n" * 60 + "E   AssertionError: 3\n"
    lines = shown(tmp_path, failures + DESTROY + "1 failed in 0.10s\n")
    assert lines[:4] == ["____ test_lag[5] ____", "...", "E   AssertionError: 3", "..."]
    assert lines[-1] == "1 failed in 0.10s"


def test_a_log_without_a_known_failure_ends_with_its_last_lines(tmp_path: Path) -> None:
    assert shown(tmp_path, DESTROY) == ["...", *DESTROY.splitlines()[-40:]]
    assert shown(tmp_path, "one\ntwo\n") == ["one", "two"]
    assert shown(tmp_path, "") == []


@pytest.mark.parametrize(
    ("log", "counts"),
    [
        ("313 passed in 10.21s", {"passed": 313}),
        ("===== 1 failed, 2 passed, 1 error, 4 warnings in 0.05s =====", {"failed": 2, "passed": 2}),
        ("95 passed, 1 skipped in 301.12s (0:05:01)", {"passed": 95, "skipped": 1}),
        ("1 passed in 0.10s\nother\n2 passed, 1 xfailed in 0.20s\n", {"passed": 4}),
        ("3 deselected in 0.10s", {}),
        ("no tests ran in 0.10s", None),
        ("it has passed in 5s", None),
        ("", None),
    ],
)
def test_counting(log: str, counts: dict[str, int] | None) -> None:
    assert count_tests(log) == counts
