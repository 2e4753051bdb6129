# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the topology ConfigMap; ``manifests/config_maps.py`` renders it."""

from __future__ import annotations

from ..constants import TOPOLOGY_BOOTSTRAPPED, TOPOLOGY_PRIMARY
from ..kube.manifest import Manifest
from ..spec import Topology

__all__ = ["parse_topology"]


def parse_topology(live: Manifest | None) -> Topology | None:
    """The topology in a live ConfigMap; None without a ConfigMap, or if it names no primary."""
    data = (live or {}).get("data") or {}
    primary = data.get(TOPOLOGY_PRIMARY)
    return Topology(primary, data.get(TOPOLOGY_BOOTSTRAPPED) or None) if primary else None
