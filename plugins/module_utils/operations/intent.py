# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the intent, delivers it to the pods, and waits until each of them has acknowledged it.

- A write carries the resourceVersion that was read, so of two runs that have read the same one only one goes on.
- A change of a pod's own annotations makes the kubelet refresh the pod's ConfigMaps at once. Without the right to patch pods
  the kubelet refreshes them in its own period, and the wait takes longer.
- Acknowledgements alone end the wait. That all pods have acknowledged is recorded on the topology, so a run that was cut off
  is continued by the next, and a run that changes nothing asks no pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from ..constants import INTENT_ANNOTATION
from ..errors import ApiForbidden, StaleVersion, Unreachable
from ..kube.pod import PodView
from ..kube.port import ObjectStore
from ..manifests import config_maps
from ..names import Names
from ..parallel import map_parallel
from ..spec import Topology
from ..state.acknowledgement import Acknowledgement, AckReader
from ..wait import Clock, Polled, poll

__all__ = [
    "NOT_ASKED",
    "Answer",
    "acknowledgement_missing",
    "ask_missing",
    "deliver_intent",
    "wait_for_acknowledgements",
    "write_intent",
]

_INTERVAL = 0.1
# An instance's acknowledgement, or the reason why there is none.
Answer = Acknowledgement | Unreachable
NOT_ASKED = Unreachable("it was not asked yet")


def write_intent(store: ObjectStore, names: Names, topology: Topology) -> Topology:
    """Write the topology; returns it with its new version. Raises ``StaleVersion`` if another run has written it meanwhile."""
    applied = store.apply(config_maps.topology(names, topology))
    if topology.version is None and not applied.created:
        raise StaleVersion(f"ConfigMap {names.topology}: another run has created it since this one has looked. Run again", 409)
    return replace(topology, version=applied.manifest["metadata"]["resourceVersion"])


def deliver_intent(store: ObjectStore, pods: Iterable[PodView], topology: Topology) -> str | None:
    """Make the kubelet refresh the intent in these pods at once. Returns the refusal if pods may not be patched."""
    stale = [pod.name for pod in pods if pod.annotations.get(INTENT_ANNOTATION) != topology.digest and not pod.terminating]
    try:
        map_parallel(lambda name: store.annotate("Pod", name, {INTENT_ANNOTATION: topology.digest}), stale)
    except ApiForbidden as error:
        return f"{error.message}. So a changed topology reaches the pods with the kubelet's next refresh, after a minute or two"
    return None


def wait_for_acknowledgements(
    read: AckReader, topology: Topology, instances: Iterable[str], *, timeout: float, clock: Clock
) -> Polled[Mapping[str, Answer]]:
    """Wait until every instance has acknowledged the intent, and is in the role that it names."""
    answers: Mapping[str, Answer] = dict.fromkeys(instances, NOT_ASKED)

    def look() -> Mapping[str, Answer]:
        nonlocal answers
        answers = ask_missing(read, topology, answers)
        return answers

    pending = partial(acknowledgement_missing, topology)
    return poll(look, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)


def ask_missing(read: AckReader, topology: Topology, answers: Mapping[str, Answer]) -> Mapping[str, Answer]:
    """``answers`` with new ones of those instances which have not acknowledged the intent yet."""

    def ask(instance: str) -> Answer:
        try:
            return read(instance)
        except Unreachable as error:
            return error

    return {**answers, **map_parallel(ask, [name for name, last in answers.items() if _missing(name, last, topology)])}


def acknowledgement_missing(topology: Topology, answers: Mapping[str, Answer]) -> str | None:
    """The first condition that an instance's answer does not meet yet; None if all have acknowledged the intent."""
    return next(filter(None, (_missing(name, last, topology) for name, last in answers.items())), None)


def _missing(name: str, last: Answer, topology: Topology) -> str | None:
    role = "primary" if name == topology.primary else "replica"
    if isinstance(last, Unreachable):
        return f"{name} to acknowledge the topology: {last.message}"
    if not last.has_seen(topology.intent):
        return f"{name} to see the topology of epoch {topology.epoch}; it has seen {dict(last.intent)}"
    if last.role != role:
        return f"{name} to be the {role}: {last.reason or 'it is in no role yet'}"
    return None
