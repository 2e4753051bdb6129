# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How slow this machine is now, compared with the one on which the tests' waits were chosen.

``python tests/machine.py`` prints the factor. It is measured once per run: the first process that asks puts it into the
environment, which workers and child processes inherit. On the reference machine an empty playbook takes 0.5 seconds.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from typing import Any

__all__ = ["factor", "pytest_configure", "pytest_terminal_summary"]

VARIABLE = "KUBEMYSQL_MACHINE_FACTOR"
# Seconds that the piece of work takes on the reference machine, one on each of two cores.
REFERENCE = 0.5
ROUNDS = 28
HASHES = 60
SPAWNS = 12


def factor() -> float:
    """By what all waits are multiplied: 1 on the reference machine and on faster ones."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = str(max(1.0, round(_measure() / REFERENCE, 1)))
    return float(os.environ[VARIABLE])


def _measure() -> float:
    """Seconds until every core has done its piece of work; whatever else runs makes them longer."""
    begin = time.monotonic()
    # Without site packages, whose number is no property of the machine.
    command = [sys.executable, "-I", "-S", __file__, "work"]
    pieces = [subprocess.Popen(command) for _core in range(os.cpu_count() or 1)]
    ended = [piece.wait() for piece in pieces]
    assert not any(ended), ended
    return time.monotonic() - begin


def _work() -> None:
    """Compute and start processes in turn, as tests do."""
    block = bytes(1 << 16)
    for _round in range(ROUNDS):
        for _hash in range(HASHES):
            hashlib.sha256(block).digest()
        sum(number * number % 7 for number in range(HASHES * 1000))
        for _spawn in range(SPAWNS):
            subprocess.run(["true"], check=True)


def pytest_configure() -> None:
    """Measure before the workers begin."""
    factor()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the factor also where pytest prints no header."""
    terminalreporter.write_line(f"machine factor {factor():g} ({VARIABLE})")


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        _work()
    else:
        print(f"{factor():g}")
