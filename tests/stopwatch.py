# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pytest plugin: where each test's time goes. Load it with ``-p stopwatch`` and ``PYTHONPATH=tests``.

``KUBEMYSQL_TEST_TIMES`` names a file that gets one JSON line per test phase (setup, call, teardown): its seconds, the core
seconds that this process and the children it waited for have computed (pods are not among them), and the seconds spent in
``waiting.eventually`` by what was waited for.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator

import pytest
import waiting

_TIMES = os.environ.get("KUBEMYSQL_TEST_TIMES", "")


def core_seconds() -> float:
    """Seconds that this process and the children it waited for have computed."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _note(test: str, phase: str, begin: float, computed: float) -> None:
    line = {
        "test": test,
        "phase": phase,
        "seconds": round(time.monotonic() - begin, 3),
        "computed": round(core_seconds() - computed, 3),
        "waited": {what: round(seconds, 3) for what, seconds in waiting.spent.items() if seconds >= 0.05},
    }
    # One write, so that lines of several workers do not mix.
    with open(_TIMES, "a", encoding="utf-8") as times:
        times.write(json.dumps(line) + "\n")


def _measured(item: pytest.Item, phase: str) -> Iterator[None]:
    if not _TIMES:
        yield
        return
    waiting.spent.clear()
    begin, computed = time.monotonic(), core_seconds()
    yield
    _note(item.nodeid, phase, begin, computed)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Measure the fixtures; one that is shared counts for the first test that needs it."""
    yield from _measured(item, "setup")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure the test itself."""
    yield from _measured(item, "call")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Measure what puts the surroundings back."""
    yield from _measured(item, "teardown")
