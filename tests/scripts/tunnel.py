# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the acknowledgement of a fake pod by the module's own reader; run in the pods' network namespace."""

from __future__ import annotations

import dataclasses
import json
import socket
import sys

from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement_reader import (
    read_acknowledgement,
)
from waiting import scaled


class LoopbackTunnel:
    """Connects to a pod by its address: a fake pod's loopback address is its own."""

    def connect(self, pod: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((pod, port), timeout)


def main() -> None:
    found = read_acknowledgement(LoopbackTunnel(), sys.argv[1], scaled(5))
    print(json.dumps({"version": 1, **dataclasses.asdict(found)}))
