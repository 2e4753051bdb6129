# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: absent`: delete the cluster's objects; its data stays unless ``delete_data`` is set."""

from __future__ import annotations

from ..constants import LABEL_INSTANCE
from ..errors import CollectionError
from ..kube.port import ObjectStore
from ..names import Names
from ..state.live_objects import KINDS, read_live_objects
from ..state.reader import read_pods
from ..wait import Clock, wait_until
from .diff import Change, field_changes
from .outcome import Outcome

__all__ = ["plan_removal", "remove"]

_INTERVAL = 0.25


def plan_removal(store: ObjectStore, names: Names, *, delete_data: bool) -> tuple[Change, ...]:
    """The deletions, in order.

    Claims, the Secret with the passwords of their accounts, and the topology that records that they hold data belong
    together: all of them stay, or all of them are deleted.
    """
    live = read_live_objects(store, names)
    data = {("Secret", names.secret), ("ConfigMap", names.topology)}
    owned = [key for key in live.owned() if delete_data or key not in data]
    owned.sort(key=lambda key: (KINDS.index(key[0]), key[1]))
    changes = [
        Change("delete", kind, name, field_changes(live.objects[kind, name], None)) for kind, name in owned if kind != "Secret"
    ]
    changes += [Change("delete", kind, name) for kind, name in owned if kind == "Secret"]
    if delete_data:
        changes += [Change("delete", "PersistentVolumeClaim", claim) for claim in _claims(store, names)]
    return tuple(changes)


def _claims(store: ObjectStore, names: Names) -> list[str]:
    """Claims of the StatefulSet, also those which a smaller number of replicas left behind."""
    prefix = names.claim_prefix
    found = (claim["metadata"]["name"] for claim in store.list("PersistentVolumeClaim", {LABEL_INSTANCE: names.cluster}))
    return sorted(name for name in found if name.startswith(prefix) and name.removeprefix(prefix).isdigit())


def remove(
    store: ObjectStore, names: Names, changes: tuple[Change, ...], *, wait: bool, timeout: float, clock: Clock
) -> Outcome:
    """Delete what was planned and, if ``wait``, return when pods and deleted claims are gone."""
    made: list[Change] = []
    try:
        for change in changes:
            store.delete(change.kind, change.name)
            made.append(change)
        if wait:
            _wait_until_gone(store, names, changes, timeout, clock)
    except CollectionError as error:
        return Outcome(tuple(made), error)
    return Outcome(changes)


def _wait_until_gone(store: ObjectStore, names: Names, changes: tuple[Change, ...], timeout: float, clock: Clock) -> None:
    leaving = any(change.kind == "PersistentVolumeClaim" for change in changes)

    def look() -> list[str]:
        pods = sorted(read_pods(store, names.selector))
        return pods or (_claims(store, names) if leaving else [])

    def pending(left: list[str]) -> str | None:
        return f"{', '.join(left)} to be gone" if left else None

    wait_until(look, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)
