# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes of the container ``mysql``. The scripts give the reason of a failure."""

from __future__ import annotations

import typing as t

from ..constants import READY_PORT, SCRIPTS_DIR

__all__ = ["LIVENESS", "READINESS", "STARTUP"]


def _probe(script: str, *arguments: str, period: int, timeout: int, failures: int) -> dict[str, t.Any]:
    return {
        "exec": {"command": ["bash", f"{SCRIPTS_DIR}/{script}", *arguments]},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


# A crash recovery of a large data directory takes long; killing it starts it again from the beginning.
STARTUP = _probe("run-liveness.sh", "wait", period=1, timeout=5, failures=720)
# mysqld alone: a restart does not mend replication, and destroys the evidence.
LIVENESS = _probe("run-liveness.sh", period=20, timeout=10, failures=3)
# A port that lib-readiness.sh keeps open while the instance is ready: a connection each second costs next to nothing. All
# containers of a pod share its address. The probe belongs to the container with the startup probe: before 1.22 a kubelet
# reports the start of a container without a readiness probe only when it syncs the pod, up to 90 s later.
READINESS = {"tcpSocket": {"port": READY_PORT}, "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 2}
