# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: absent`: delete the cluster's objects; its data stays unless ``delete_data`` is set."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..constants import LABEL_INSTANCE
from ..errors import SpecError
from ..kube.port import ObjectStore
from ..names import Names
from ..state.live_objects import KINDS, LiveObjects, is_ours, read_live_objects
from ..state.reader import read_pods
from ..wait import Clock
from .diff import Change, field_changes
from .engine import Step, run_steps, unchanged
from .outcome import Outcome

__all__ = ["plan_removal", "remove"]

_INTERVAL = 0.25


def plan_removal(store: ObjectStore, names: Names, *, delete_data: bool) -> tuple[Change, ...]:
    """The deletions, in order.

    Claims, the Secrets with the passwords of their accounts, and the topology that records that they hold data belong
    together: all of them stay, or all of them are deleted. Raises ``SpecError`` if claims are not proved to be the cluster's.
    """
    live = read_live_objects(store, names)
    owned = [key for key in live.owned() if delete_data or not _holds_data(key, names)]
    owned.sort(key=lambda key: (KINDS.index(key[0]), key[1]))
    changes = [
        Change("delete", kind, name, field_changes(live.objects[kind, name], None)) for kind, name in owned if kind != "Secret"
    ]
    changes += [Change("delete", kind, name) for kind, name in owned if kind == "Secret"]
    if delete_data:
        claims = _claims(store, names)
        if claims:
            _check_claims(store, live, names, claims)
        changes += [Change("delete", "PersistentVolumeClaim", claim) for claim in claims]
    return tuple(changes)


def _holds_data(key: tuple[str, str], names: Names) -> bool:
    kind, name = key
    return kind == "Secret" or (kind, name) == ("ConfigMap", names.topology)


def _check_claims(store: ObjectStore, live: LiveObjects, names: Names, claims: list[str]) -> None:
    """Claims are made by whoever owns the StatefulSet of the cluster's name; their labels prove nothing."""
    stateful_set = live.get("StatefulSet", names.stateful_set) or store.get("StatefulSet", names.stateful_set)
    topology = live.get("ConfigMap", names.topology)
    listed = ", ".join(claims)
    if stateful_set is not None and not is_ours(stateful_set):
        raise SpecError(
            "delete_data",
            f"the claims {listed} are those of StatefulSet {names.stateful_set}, which this collection did not create. Nothing "
            "was changed; if their data are worthless, remove the StatefulSet and the claims with what has created them",
        )
    if stateful_set is None and (topology is None or not is_ours(topology)):
        raise SpecError(
            "delete_data",
            f"nothing proves that the claims {listed} are this cluster's: it has neither a StatefulSet nor a topology. Nothing "
            f"was changed; if their data are worthless: kubectl -n {names.namespace} delete pvc {' '.join(claims)}",
        )


def _claims(store: ObjectStore, names: Names) -> list[str]:
    """Claims of the StatefulSet, also those which a smaller number of replicas left behind."""
    prefix = names.claim_prefix
    found = (claim["metadata"]["name"] for claim in store.list("PersistentVolumeClaim", {LABEL_INSTANCE: names.cluster}))
    return sorted(name for name in found if name.startswith(prefix) and name.removeprefix(prefix).isdigit())


@dataclass(frozen=True)
class _State:
    """The deletions that were made, and the pods and claims that were seen last; None before the first look."""

    made: tuple[Change, ...] = ()
    left: tuple[str, ...] | None = None


def remove(
    store: ObjectStore, names: Names, changes: tuple[Change, ...], *, wait: bool, timeout: float, clock: Clock
) -> Outcome:
    """Delete what was planned and, if ``wait``, return when pods and deleted claims are gone."""
    steps = [_deletion(store, change) for change in changes]
    if wait:
        steps.append(_leave(store, names, changes, timeout))
    run = run_steps(steps, _State(), clock=clock)
    return Outcome(run.state.made, run.error)


def _deletion(store: ObjectStore, change: Change) -> Step[_State]:
    """The API server's answer proves it: the object is gone, or will be when what it owns is."""

    def missing(state: _State) -> str | None:
        return None if change in state.made else f"delete {change.kind} {change.name}"

    def act(state: _State) -> _State:
        store.delete(change.kind, change.name)
        return replace(state, made=(*state.made, change))

    return Step(f"{change.kind} {change.name}", missing, act, look=unchanged, timeout=0)


def _leave(store: ObjectStore, names: Names, changes: tuple[Change, ...], timeout: float) -> Step[_State]:
    claims = any(change.kind == "PersistentVolumeClaim" for change in changes)

    def missing(state: _State) -> str | None:
        left = "the pods" if state.left is None else ", ".join(state.left)
        return f"{left} to be gone" if left else None

    def look(state: _State) -> _State:
        pods = tuple(sorted(read_pods(store, names.selector)))
        return replace(state, left=pods or (tuple(_claims(store, names)) if claims else ()))

    return Step("pods and claims", missing, act=unchanged, look=look, timeout=timeout, interval=_INTERVAL)
