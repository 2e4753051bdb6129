# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired against live: what would change, as the server itself answers, and carrying it out."""

from __future__ import annotations

import typing as t

from ..diff import Change, check_immutable, field_changes, redact
from ..errors import CollectionError
from ..kube.port import Manifest, ObjectStore
from ..manifests.bundle import Bundle
from .live import LiveCluster

__all__ = ["apply_changes", "plan_changes"]

Digest = t.Callable[[str], str]


def plan_changes(store: ObjectStore, live: LiveCluster, bundle: Bundle, digest: Digest) -> tuple[Change, ...]:
    """What applying ``bundle`` would do, in apply order, prunes last. ``store`` must be one that only plans.

    The server's dry run decides: it alone knows its defaults, its admission rules, and who owns which field.
    """
    for manifest in bundle:
        if manifest["kind"] == "StatefulSet":
            name = manifest["metadata"]["name"]
            # One without our labels, such as the tutorial's, is not in the list.
            check_immutable(live.get("StatefulSet", name) or store.get("StatefulSet", name), manifest)
    planned = [_plan_one(store, live, manifest, digest) for manifest in bundle]
    return (*planned, *_plan_prunes(live, bundle))


def _plan_one(store: ObjectStore, live: LiveCluster, manifest: Manifest, digest: Digest) -> Change:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    applied = store.apply(manifest)
    if applied.created:
        return Change("create", kind, name, field_changes(None, redact(manifest, digest)))
    # An object of this name without our labels is not in the list.
    before = live.get(kind, name) or store.get(kind, name) or {}
    fields = field_changes(redact({"kind": kind, **before}, digest), redact(applied.manifest, digest))
    return Change("update" if fields else "none", kind, name, fields)


def _plan_prunes(live: LiveCluster, bundle: Bundle) -> list[Change]:
    """Objects of ours that are not wanted any more. A Secret is data: only ``delete_data`` removes it."""
    wanted = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in bundle}
    surplus = [key for key in live.owned() if key not in wanted and key[0] != "Secret"]
    return [Change("delete", kind, name, field_changes(live.objects[kind, name], None)) for kind, name in surplus]


def apply_changes(store: ObjectStore, bundle: Bundle, changes: tuple[Change, ...]) -> None:
    """Carry out what ``plan_changes`` found. An object that would not change is not sent again.

    An error on the way says whether something was ``changed`` before.
    """
    actions = {(change.kind, change.name): change.action for change in changes}
    changed = False
    try:
        for manifest in bundle:
            if actions[manifest["kind"], manifest["metadata"]["name"]] != "none":
                store.apply(manifest)
                changed = True
        for change in changes:
            if change.action == "delete":
                store.delete(change.kind, change.name)
                changed = True
    except CollectionError as error:
        error.details["changed"] = changed
        raise
