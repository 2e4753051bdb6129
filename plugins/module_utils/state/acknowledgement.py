# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acknowledgement of a pod: the intent it has seen, the role it is in, and why it is not ready.

``pod_scripts/lib-acknowledge.sh`` writes the document. Its content comes from a pod: it is data, checked here field by field,
and nothing else of it is used.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..constants import CONTAINER_CLONE, CONTAINER_PROVISION, CONTAINER_REPLICATION
from ..kube.pod import PodView

__all__ = [
    "ROLES",
    "AckReader",
    "Acknowledgement",
    "Role",
    "acknowledges",
    "parse_acknowledgement",
]

Role = t.Literal["primary", "replica"]
# The containers that answer.
_CONTAINERS = (CONTAINER_PROVISION, CONTAINER_CLONE, CONTAINER_REPLICATION)
# Asks a pod. Raises ``Unreachable`` if there is no acknowledgement.
AckReader = t.Callable[[str], "Acknowledgement"]
ROLES: tuple[Role, ...] = ("primary", "replica")

_VERSION = 1


@dataclass(frozen=True)
class Acknowledgement:
    """``intent`` holds the topology's keys and values as the pod has read them. ``role`` is None while it is in none.

    ``reason`` is why the pod is not ready, or not in its role yet. ``received_mib`` of about ``total_mib`` have arrived in the
    clone that is under way. ``at`` is the pod's time, in seconds since 1970. ``data``: the pod's claim holds a complete data
    directory, and ``data_epoch`` is the newest epoch in it, None if that was not read yet.
    """

    at: int
    intent: Mapping[str, str] = field(default_factory=dict)
    role: Role | None = None
    ready: bool = False
    reason: str | None = None
    received_mib: int | None = None
    total_mib: int | None = None
    data: bool = False
    data_epoch: int | None = None

    def has_seen(self, intent: Mapping[str, str]) -> bool:
        """Whether the pod has read these keys with these values."""
        return intent.items() <= self.intent.items()


def acknowledges(pod: PodView) -> bool:
    """Whether a container runs that answers: other programs' pods have none."""
    return any(map(pod.runs, _CONTAINERS))


def parse_acknowledgement(document: bytes | str) -> Acknowledgement:
    """Raise ``ValueError`` unless the document has the known version and each field its type."""
    try:
        found = json.loads(document)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise ValueError(f"it is no document of version {_VERSION}")
    intent, role, at, ready = (found.get(key) for key in ("intent", "role", "at", "ready"))
    if not isinstance(intent, dict) or not all(isinstance(value, str) for value in intent.values()):
        raise ValueError("its intent is no dict of strings")
    if role not in (None, *ROLES):
        raise ValueError("its role is not one of primary, replica and null")
    data, reason = found.get("data"), found.get("reason")
    if not _is_number(at) or not isinstance(ready, bool) or not isinstance(data, bool):
        raise ValueError("its time is no number, or its readiness or its data neither true nor false")
    received, total, epoch = (found.get(key) for key in ("received_mib", "total_mib", "data_epoch"))
    if not isinstance(reason, (str, type(None))) or not all(
        each is None or _is_number(each) for each in (received, total, epoch)
    ):
        raise ValueError("its reason is no text, or its progress or its epoch no number")
    return Acknowledgement(at, intent, role, ready, reason, received, total, data, epoch)


def _is_number(value: object) -> t.TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
