# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests reach the API server, by its own audit log."""

from __future__ import annotations

import json
import sys
import time
import typing as t
import uuid
from pathlib import Path

from local import kubectl

__all__ = ["Requests"]

AUDIT_LOG = Path("/var/lib/kubemysql/log/audit.log")
# The parts of Kubernetes have accounts of their own, and so do the pods, which ask nothing.
CALLER = "kubemysql:admin"


class Requests:
    """Counts from now on, whoever the client is, while nobody else works with the cluster."""

    def __init__(self) -> None:
        self._offset = AUDIT_LOG.stat().st_size

    def count(self) -> int:
        """So many since."""
        mark = uuid.uuid4().hex
        return sum(
            event["stage"] == "ResponseComplete" and event["user"]["username"] == CALLER and mark not in event["requestURI"]
            for event in self._events(mark)
        )

    def _events(self, mark: str) -> list[dict[str, t.Any]]:
        """What was logged since. The server writes late, so a request of our own marks the end."""
        kubectl("get", "--raw", f"/api?mark={mark}")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with AUDIT_LOG.open() as log:
                log.seek(self._offset)
                text = log.read()
            if mark in text:
                return [json.loads(line) for line in text.split("\n") if line.endswith("}")]
            time.sleep(0.1)
        sys.exit(f"the request marked {mark} is not in {AUDIT_LOG}")
