# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real module in a process of its own, which SIGKILL ends after a number of its writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import typing as t

from integration.api.module import run_module

__all__ = ["killed_after"]


def killed_after(writes: int, **options: t.Any) -> bool:
    """Run ``mysql_cluster``; whether it was killed, or ended before it had written so often."""
    code = "from integration.api.killed import main; main()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = json.dumps({"writes": writes, "options": options})
    done = subprocess.run([sys.executable, "-c", code, arguments], check=False, env=environment, capture_output=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


def main() -> None:
    given = json.loads(sys.argv[1])
    left = given["writes"]

    def after_write() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    result = run_module(after_write=after_write, **given["options"])
    sys.exit(result["msg"] if result.get("failed") else 0)
