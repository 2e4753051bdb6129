# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: absent`: take the cluster down; its data stays unless its deletion was asked for by name."""

from __future__ import annotations

from ..constants import LABEL_INSTANCE
from ..diff import Change, field_changes
from ..errors import CollectionError, WaitTimeout
from ..kube.port import ObjectStore
from ..names import Names
from ..wait import Clock, poll
from .live import KINDS, read_live

__all__ = ["plan_removal", "remove"]

_INTERVAL = 0.25


def plan_removal(store: ObjectStore, names: Names, *, delete_data: bool) -> tuple[Change, ...]:
    """What would be deleted, in order.

    Claims, the Secret with the passwords of their accounts, and the topology that says that they hold data belong
    together: all of them stay, or all of them go.
    """
    live = read_live(store, names)
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


def remove(store: ObjectStore, names: Names, changes: tuple[Change, ...], *, wait: bool, timeout: float, clock: Clock) -> None:
    """Delete what was planned and, if ``wait``, return when pods and deleted claims are gone.

    An error on the way says whether something was ``changed`` before.
    """
    changed = False
    try:
        for change in changes:
            store.delete(change.kind, change.name)
            changed = True
    except CollectionError as error:
        error.details["changed"] = changed
        raise
    if not wait:
        return
    leaving = any(change.kind == "PersistentVolumeClaim" for change in changes)

    def look() -> list[str]:
        pods = sorted(pod["metadata"]["name"] for pod in store.list("Pod", names.selector))
        return pods or (_claims(store, names) if leaving else [])

    def pending(left: list[str]) -> str | None:
        return f"{', '.join(left)} to be gone" if left else None

    try:
        poll(look, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)
    except WaitTimeout as error:
        raise WaitTimeout(error.message, changed=changed) from error
