# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program costs: seconds, memory, requests to the API server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from audit import Requests
from local import HOME

__all__ = ["ENVIRONMENT", "Cost", "Place", "run"]

ENVIRONMENT = {**os.environ, "K8S_AUTH_KUBECONFIG": str(HOME / "kubeconfig")}
# Starts a command and prints its peak in KiB. A process counts the memory of the one that started it, and this is a small one.
STARTER = """
import os, sys
output = os.open(sys.argv[1], os.O_WRONLY)
given = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
_pid, status, usage = os.wait4(os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=given), 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """Of one step: seconds, peak MiB of the largest process, requests to the API server."""

    seconds: float
    memory: float
    requests: int


@dataclass(frozen=True)
class Place:
    """Where a step works: a namespace, and a home of its own, so that clients begin without what they cached elsewhere."""

    namespace: str
    home: str


def run(place: Place, *commands: list[str], stdin: str = "") -> Cost:
    """What these commands cost, one after the other; the first one gets ``stdin``."""
    environment = {**ENVIRONMENT, "HOME": place.home, "TMPDIR": place.home}
    requests, begin, memory = Requests(), time.monotonic(), 0.0
    for command in commands:
        with tempfile.NamedTemporaryFile("r") as output:
            starter = [sys.executable, "-SE", "-c", STARTER, output.name, *command]
            done = subprocess.run(starter, input=stdin, env=environment, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                sys.exit(f"{' '.join(command)} failed:\n{output.read()}")
        memory, stdin = max(memory, int(done.stdout) / 1024), ""
    return Cost(time.monotonic() - begin, memory, requests.count())
