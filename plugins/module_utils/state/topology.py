# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the topology ConfigMap; ``manifests/config_maps.py`` renders it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..constants import (
    INTENT_ANNOTATION,
    TOPOLOGY_BOOTSTRAPPED,
    TOPOLOGY_CLUSTER,
    TOPOLOGY_EPOCH,
    TOPOLOGY_HANDOVER,
    TOPOLOGY_PRIMARY,
)
from ..errors import SpecError
from ..kube.manifest import Manifest
from ..spec import FIRST_EPOCH, Handover, Topology

__all__ = ["TOPOLOGY_KEYS", "parse_topology", "topology_of"]

TOPOLOGY_KEYS = frozenset({TOPOLOGY_BOOTSTRAPPED, TOPOLOGY_CLUSTER, TOPOLOGY_EPOCH, TOPOLOGY_HANDOVER, TOPOLOGY_PRIMARY})

_HANDOVER = re.compile(r"from=(\S+) to=(\S+) epoch=([1-9][0-9]{0,17})")


def parse_topology(live: Manifest | None) -> Topology | None:
    """The topology in a live ConfigMap; None without a ConfigMap, or if it names no primary."""
    data, metadata = (live or {}).get("data") or {}, (live or {}).get("metadata") or {}
    topology = topology_of(data, f"ConfigMap {metadata.get('name')}")
    if topology is None:
        return None
    # Without an epoch the pods have seen something else than what is rendered from it.
    acknowledged = (metadata.get("annotations") or {}).get(INTENT_ANNOTATION) == topology.digest and TOPOLOGY_EPOCH in data
    return replace(topology, version=metadata.get("resourceVersion"), acknowledged=acknowledged)


def topology_of(data: Mapping[str, str], source: str) -> Topology | None:
    """The topology in these keys and values, which ``source`` holds; None if they name no primary."""
    primary = data.get(TOPOLOGY_PRIMARY)
    if not primary:
        return None
    epoch = _epoch(source, data.get(TOPOLOGY_EPOCH))
    handover = _handover(source, data.get(TOPOLOGY_HANDOVER), primary, epoch)
    return Topology(primary, data.get(TOPOLOGY_BOOTSTRAPPED) or None, epoch, data.get(TOPOLOGY_CLUSTER) or None, handover)


def _epoch(source: str, text: str | None) -> int:
    if text is None:
        return FIRST_EPOCH
    if not text.isdecimal() or int(text) < FIRST_EPOCH:
        raise SpecError("name", f"{source}: {TOPOLOGY_EPOCH} is {text!r}, expected a number from {FIRST_EPOCH} on; restore it")
    return int(text)


def _handover(source: str, text: str | None, primary: str, epoch: int) -> Handover | None:
    """It must begin at the present primary and lead to another instance and to the next epoch."""
    if text is None:
        return None
    match = _HANDOVER.fullmatch(text)
    found = Handover(match[1], match[2], int(match[3])) if match else None
    if found is None or found != Handover(primary, found.target, epoch + 1) or found.target == primary:
        raise SpecError(
            "name",
            f"{source}: {TOPOLOGY_HANDOVER} is {text!r}, expected 'from={primary} to=ANOTHER_INSTANCE epoch={epoch + 1}'; "
            "restore it, or remove the key if the primary is writable",
        )
    return found
