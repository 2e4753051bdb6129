# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired against live: what would change, as the server itself answers, and carrying it out."""

from __future__ import annotations

import typing as t

from ..diff import Change, FieldChange, check_immutable, field_changes, redact
from ..errors import CollectionError
from ..kube.port import Manifest, ObjectStore
from ..manifests.bundle import Bundle
from .live import LiveCluster

__all__ = ["apply_changes", "plan_changes"]

Digest = t.Callable[[str], str]


def plan_changes(
    store: ObjectStore, live: LiveCluster, bundle: Bundle, digest: Digest, *, adopt: bool = False
) -> tuple[Change, ...]:
    """What applying ``bundle`` would do, in apply order, prunes last. ``store`` must be one that only plans.

    The server's dry run decides: it alone knows its defaults, its admission rules, and who owns which field. With ``adopt``
    objects that others made are taken over.
    """
    for manifest in bundle:
        if manifest["kind"] == "StatefulSet":
            check_immutable(live.get("StatefulSet", manifest["metadata"]["name"]), manifest)
    plan = _plan_adopted if adopt else _plan_one
    planned = [plan(store, live, manifest, digest) for manifest in bundle]
    return (*planned, *_plan_prunes(live, bundle))


def _plan_one(store: ObjectStore, live: LiveCluster, manifest: Manifest, digest: Digest) -> Change:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    applied = store.apply(manifest)
    if applied.created:
        return Change("create", kind, name, field_changes(None, redact(manifest, digest)))
    # An object of this name without our labels is not in the list.
    before = live.get(kind, name) or store.get(kind, name) or {}
    fields = _differences(before, applied.manifest, digest)
    return Change("update" if fields else "none", kind, name, fields)


def _plan_adopted(store: ObjectStore, live: LiveCluster, manifest: Manifest, digest: Digest) -> Change:
    """An object that is not ours becomes it. A Secret of others keeps what else is in it."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    before = None if live.get(kind, name) or kind == "Secret" else store.get(kind, name)
    if before is None:
        return _plan_one(store, live, manifest, digest)
    after = _made_anew(store, manifest) if kind == "StatefulSet" else store.take_over(manifest).manifest
    return Change("adopt", kind, name, _differences(before, after, digest))


def _made_anew(store: ObjectStore, manifest: Manifest) -> Manifest:
    """What comes of a manifest once the object of its name is gone: the server is asked about another name."""
    metadata = manifest["metadata"]
    foretold = store.apply({**manifest, "metadata": {**metadata, "name": f"{metadata['name']}-anew"}}).manifest
    return {**foretold, "metadata": {**foretold["metadata"], "name": metadata["name"]}}


def _differences(before: Manifest, after: Manifest, digest: Digest) -> tuple[FieldChange, ...]:
    return field_changes(redact({"kind": after["kind"], **before}, digest), redact(after, digest))


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
            action = actions[manifest["kind"], manifest["metadata"]["name"]]
            # A StatefulSet that is adopted is gone by now.
            if action == "adopt" and manifest["kind"] != "StatefulSet":
                store.take_over(manifest)
            elif action != "none":
                store.apply(manifest)
            changed = changed or action != "none"
        for change in changes:
            if change.action == "delete":
                store.delete(change.kind, change.name)
                changed = True
    except CollectionError as error:
        error.details["changed"] = changed
        raise
