# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a deployment, and the state that they decide by.

A change of an object is missing until the API server has answered to it: the plan has compared it with the live object
already. Pods and acknowledgements are looked at again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..constants import TOPOLOGY_BOOTSTRAPPED
from ..kube.manifest import Manifest
from ..kube.pod import PodView
from ..kube.port import ObjectStore
from ..kube.stateful_set import StatefulSetView, completion_pending
from ..manifests.bundle import Bundle
from ..names import Names
from ..spec import Topology
from ..state.acknowledgement import AckReader
from ..state.reader import read_pods, read_stateful_set
from .diff import Change, FieldChange
from .engine import Step, unchanged
from .intent import NOT_ASKED, Answer, acknowledgement_missing, ask_missing, deliver_intent, write_intent
from .rollout import Rollout, RolloutWatch
from .superseded import is_superseded

__all__ = ["ROLLOUT", "DeploymentState", "apply_steps", "prune_steps", "wait_steps"]

# Names of the steps that wait for pods.
ROLLOUT = ("primary", "pods")
_TOPOLOGY, _RECORD = "topology", "record of data"
_ROLLOUT_INTERVAL, _INTERVAL = 0.5, 0.1

_Key = tuple[str, str]


@dataclass(frozen=True)
class DeploymentState:
    """``changes`` are all that are planned, ``done`` the keys of those that were made.

    ``undelivered`` is the step that wrote the topology, until the pods are refreshed; ``refusal`` is why they may not be.
    ``rollout`` and ``answers`` are what was seen last of pods and their acknowledgements; None was not asked for yet.
    ``completed`` is the StatefulSet that was seen after the rollout.
    """

    topology: Topology
    changes: tuple[Change, ...]
    done: frozenset[_Key] = frozenset()
    undelivered: str | None = None
    refusal: str | None = None
    rollout: Rollout = field(default_factory=lambda: Rollout(None, ()))
    answers: Mapping[str, Answer] | None = None
    completed: StatefulSetView | None = None

    @property
    def made(self) -> tuple[Change, ...]:
        """The changes less those that were not made. Objects that stay as they are count as made."""
        return tuple(change for change in self.changes if change.action == "none" or _key(change) in self.done)

    def after(self, change: Change) -> DeploymentState:
        return replace(self, done=self.done | {_key(change)})


def _key(change: Change) -> _Key:
    return change.kind, change.name


# --- apply --------------------------------------------------------------------------------------------------------------


def apply_steps(
    store: ObjectStore, names: Names, bundle: Bundle, changes: tuple[Change, ...]
) -> Iterator[Step[DeploymentState]]:
    """One step for each object that changes, in apply order; then the deletions of what is not wanted any more.

    The topology comes first: if another run has changed it meanwhile, nothing else is changed.
    """
    planned = {_key(change): change for change in changes if change.action != "none"}
    topology = planned.pop(("ConfigMap", names.topology), None)
    if topology is not None:
        yield _change(topology, partial(_write_topology, store, names, topology))
        yield _delivery(store, _TOPOLOGY, lambda _state: read_pods(store, names.selector).values())
    for manifest in bundle:
        change = planned.get((manifest["kind"], manifest["metadata"]["name"]))
        if change is not None:
            yield _change(change, partial(_apply, store, manifest, change))
    for change in planned.values():
        if change.action == "delete" and not is_superseded(change):
            yield _change(change, partial(_delete, store, change))


def _change(change: Change, act: Callable[[DeploymentState], DeploymentState]) -> Step[DeploymentState]:
    def missing(state: DeploymentState) -> str | None:
        return None if _key(change) in state.done else f"{change.action} {change.kind} {change.name}"

    return Step(f"{change.kind} {change.name}", missing, act, unchanged, timeout=0)


def _apply(store: ObjectStore, manifest: Manifest, change: Change, state: DeploymentState) -> DeploymentState:
    store.apply(manifest)
    return state.after(change)


def _delete(store: ObjectStore, change: Change, state: DeploymentState) -> DeploymentState:
    store.delete(change.kind, change.name)
    return state.after(change)


def _write_topology(store: ObjectStore, names: Names, change: Change, state: DeploymentState) -> DeploymentState:
    written = replace(state, topology=write_intent(store, names, state.topology)).after(change)
    # A new cluster has no pod that could be refreshed.
    return written if change.action == "create" else replace(written, undelivered=_TOPOLOGY)


def _delivery(
    store: ObjectStore, written_by: str, pods: Callable[[DeploymentState], Iterable[PodView]]
) -> Step[DeploymentState]:
    """Refresh the pods after the step ``written_by``."""

    def missing(state: DeploymentState) -> str | None:
        return f"deliver the {written_by} to the pods" if state.undelivered == written_by else None

    def act(state: DeploymentState) -> DeploymentState:
        refusal = deliver_intent(store, pods(state), state.topology)
        return replace(state, undelivered=None, refusal=refusal or state.refusal)

    return Step(f"delivery of the {written_by}", missing, act, unchanged, timeout=0)


# --- wait ---------------------------------------------------------------------------------------------------------------


def wait_steps(
    store: ObjectStore, names: Names, watch: RolloutWatch, read: AckReader, timestamp: Callable[[], str], *, timeout: float
) -> tuple[Step[DeploymentState], ...]:
    """Wait for all pods, and record as soon as the primary is ready that the cluster has data. Then every pod has to
    acknowledge the topology, unless that is recorded already.
    """
    primary, pods = ROLLOUT
    return (
        _pods_step(primary, _primary_missing, watch, timeout),
        _record_step(store, names, timestamp),
        _delivery(store, _RECORD, lambda state: state.rollout.pods),
        _pods_step(pods, lambda state: state.rollout.missing, watch, timeout),
        _acknowledgements_step(store, names, read, timeout),
        _acknowledged_step(store, names),
    )


def _primary_missing(state: DeploymentState) -> str | None:
    ready = state.topology.bootstrapped is not None or state.rollout.ready(state.topology.primary)
    return None if ready else state.rollout.missing


def _pods_step(
    name: str, missing: Callable[[DeploymentState], str | None], watch: RolloutWatch, timeout: float
) -> Step[DeploymentState]:
    def look(state: DeploymentState) -> DeploymentState:
        return replace(state, rollout=watch.look(state.rollout))

    def meanwhile(state: DeploymentState) -> DeploymentState:
        watch.intervene(state.rollout)
        return state

    def progress(state: DeploymentState) -> int:
        return watch.progress(state.rollout)

    return Step(name, missing, unchanged, look, timeout, progress, interval=_ROLLOUT_INTERVAL, meanwhile=meanwhile)


def _record_step(store: ObjectStore, names: Names, timestamp: Callable[[], str]) -> Step[DeploymentState]:
    key = ("ConfigMap", names.topology)

    def missing(state: DeploymentState) -> str | None:
        known = state.topology.bootstrapped is not None or not state.rollout.ready(state.topology.primary)
        return None if known else "record that the cluster has data"

    def act(state: DeploymentState) -> DeploymentState:
        now = timestamp()
        topology = write_intent(store, names, replace(state.topology, bootstrapped=now, acknowledged=False))
        noted = Change("update", *key, (FieldChange(f"data.{TOPOLOGY_BOOTSTRAPPED}", None, now),))
        changes = tuple(noted if _key(each) == key and each.action == "none" else each for each in state.changes)
        return replace(state, topology=topology, changes=changes, done=state.done | {key}, undelivered=_RECORD)

    return Step(_RECORD, missing, act, unchanged, timeout=0)


def _acknowledgements_step(store: ObjectStore, names: Names, read: AckReader, timeout: float) -> Step[DeploymentState]:
    def missing(state: DeploymentState) -> str | None:
        if state.topology.acknowledged:
            return None
        return (
            acknowledgement_missing(state.topology, state.answers) if state.answers else "the pods to acknowledge the topology"
        )

    def act(state: DeploymentState) -> DeploymentState:
        pods = read_pods(store, names.selector)
        refusal = deliver_intent(store, pods.values(), state.topology)
        answers = dict.fromkeys(sorted(filter(names.is_instance, pods)), NOT_ASKED)
        return replace(state, answers=answers, refusal=refusal or state.refusal)

    def look(state: DeploymentState) -> DeploymentState:
        return replace(state, answers=ask_missing(read, state.topology, state.answers or {}))

    return Step("acknowledgements", missing, act, look, timeout)


def _acknowledged_step(store: ObjectStore, names: Names) -> Step[DeploymentState]:
    def missing(state: DeploymentState) -> str | None:
        return None if state.topology.acknowledged else "record that every pod has acknowledged the topology"

    def act(state: DeploymentState) -> DeploymentState:
        return replace(state, topology=write_intent(store, names, replace(state.topology, acknowledged=True)))

    return Step("record of acknowledgements", missing, act, unchanged, timeout=0)


# --- prune --------------------------------------------------------------------------------------------------------------


def prune_steps(
    store: ObjectStore, names: Names, changes: tuple[Change, ...], timeout: float
) -> Iterator[Step[DeploymentState]]:
    """Delete the ConfigMaps that are superseded, once the controller has completed the rollout whose pods are ready.

    A ConfigMap that the StatefulSet names by now, since somebody has deployed an older state meanwhile, is kept.
    """
    superseded = tuple(filter(is_superseded, changes))
    if not superseded:
        return

    def look(state: DeploymentState) -> DeploymentState:
        return replace(state, completed=read_stateful_set(store, names))

    def incomplete(state: DeploymentState) -> str | None:
        return completion_pending(state.completed)

    yield Step("completed rollout", incomplete, unchanged, look, timeout, interval=_INTERVAL)
    for change in superseded:
        yield _prune_step(store, change)


def _prune_step(store: ObjectStore, change: Change) -> Step[DeploymentState]:
    def missing(state: DeploymentState) -> str | None:
        kept = state.completed is not None and change.name in state.completed.config_maps
        return None if kept or _key(change) in state.done else f"delete {change.kind} {change.name}"

    return Step(f"{change.kind} {change.name}", missing, partial(_delete, store, change), unchanged, timeout=0)
