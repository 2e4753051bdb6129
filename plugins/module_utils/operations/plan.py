# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans changes by the API server's dry run."""

from __future__ import annotations

import typing as t

from ..constants import FIELD_MANAGER, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGED_BY, TOPOLOGY_PRIMARY
from ..errors import ApiError, SpecError
from ..kube.manifest import Manifest
from ..kube.port import ObjectStore
from ..manifests.bundle import Bundle
from ..state.live_objects import LiveObjects, is_ours
from ..state.topology import TOPOLOGY_KEYS
from .diff import Change, FieldChange, check_immutable, field_changes, redact

__all__ = ["Digest", "check_owner", "check_stateful_set", "differences", "plan_changes", "plan_object", "plan_prunes"]

Digest = t.Callable[[str], str]

# HTTP statuses of changes to an existing object: a conflict of owners, and a field that cannot be changed.
_REFUSED_CHANGES = (409, 422)


def plan_changes(store: ObjectStore, live: LiveObjects, bundle: Bundle, digest: Digest) -> tuple[Change, ...]:
    """The changes that applying ``bundle`` would make, in apply order, prunes last. ``store`` must be one that only plans.

    The server's dry run decides: only the server knows its defaults, its admission rules, and the owner of each field.
    """
    check_stateful_set(live, bundle)
    planned = [plan_object(store, live, manifest, digest) for manifest in bundle]
    return (*planned, *plan_prunes(live, bundle))


def check_stateful_set(live: LiveObjects, bundle: Bundle) -> None:
    """Raise for a change to the StatefulSet that the API server would refuse."""
    for manifest in bundle:
        if manifest["kind"] == "StatefulSet":
            check_immutable(live.get("StatefulSet", manifest["metadata"]["name"]), manifest)


def plan_object(store: ObjectStore, live: LiveObjects, manifest: Manifest, digest: Digest, *, adopting: bool = False) -> Change:
    """Raises ``SpecError`` for an object that the collection did not create, unless ``adopting``."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    known = live.get(kind, name)
    if known is not None:
        check_owner(known, manifest, adopting=adopting)
        if is_ours(known) and _is_same_immutable(known, manifest):
            return Change("none", kind, name)
    try:
        applied = store.apply(manifest)
    except ApiError as error:
        if error.status in _REFUSED_CHANGES:
            check_owner(known or store.get(kind, name), manifest, adopting=adopting)
        raise
    if applied.created:
        return Change("create", kind, name, field_changes(None, redact(manifest, digest)))
    # An object of this name without our labels is not in the list.
    before = known or store.get(kind, name) or {}
    check_owner(before, manifest, adopting=adopting)
    fields = differences(before, applied.manifest, digest)
    if not is_ours(before):
        # Applying it makes it ours, whatever else it changes.
        fields = (*fields, FieldChange("metadata.managedFields", None, FIELD_MANAGER))
    return Change("update" if fields else "none", kind, name, fields, _restarts(before, applied.manifest, fields))


def check_owner(live: Manifest | None, manifest: Manifest, *, adopting: bool) -> None:
    """Raise ``SpecError`` if the object is another cluster's, or if the collection did not create it and nobody adopts it."""
    if not live:
        return
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    cluster = manifest["metadata"]["labels"][LABEL_INSTANCE]
    labels = live["metadata"].get("labels") or {}
    owner = labels.get(LABEL_INSTANCE)
    if is_ours(live) and labels.get(LABEL_MANAGED_BY) == MANAGED_BY and owner not in (None, cluster):
        raise SpecError(
            "name",
            f"{cluster!r} needs the {kind} {name}, and that belongs to the cluster {owner!r} of this collection. Nothing was "
            "changed; choose another name, or another namespace",
        )
    if not is_ours(live) and not adopting and not _is_restored_topology(live, manifest):
        use = f", use its passwords with secret_name: {name}" if kind == "Secret" else ""
        raise SpecError(
            "name",
            f"{cluster!r} needs the {kind} {name}, and there is one that this collection did not create. Nothing was changed; "
            f"choose another name, or remove it{use}. If it is part of a cluster that is to be taken over: adopt: true",
        )


def _is_restored_topology(live: Manifest, manifest: Manifest) -> bool:
    """A lost topology is restored by hand, as the error about it shows."""
    held = set(live.get("data") or {})
    return TOPOLOGY_PRIMARY in manifest.get("data", {}) and TOPOLOGY_PRIMARY in held and held <= TOPOLOGY_KEYS


def _restarts(before: Manifest, after: Manifest, fields: tuple[FieldChange, ...]) -> tuple[str, ...]:
    """The pods that stay and get another template, in the order of a rolling update."""
    if after["kind"] != "StatefulSet" or not any(field.path.startswith("spec.template.") for field in fields):
        return ()
    stay = min(manifest["spec"]["replicas"] for manifest in (before, after))
    return tuple(f"{after['metadata']['name']}-{ordinal}" for ordinal in reversed(range(stay)))


def _is_same_immutable(live: Manifest, manifest: Manifest) -> bool:
    """True if the live object equals ``manifest`` and is immutable, so a dry run would find no difference."""
    held = live["metadata"]["labels"]
    same_labels = manifest["metadata"]["labels"].items() <= held.items()
    return bool(manifest.get("immutable") and live.get("immutable")) and live["data"] == manifest["data"] and same_labels


def differences(before: Manifest, after: Manifest, digest: Digest) -> tuple[FieldChange, ...]:
    """The fields that differ, with digests in place of a Secret's values."""
    return field_changes(redact({"kind": after["kind"], **before}, digest), redact(after, digest))


def plan_prunes(live: LiveObjects, bundle: Bundle) -> list[Change]:
    """Deletions of owned objects that are not in ``bundle``. A Secret is data: only ``delete_data`` removes it."""
    wanted = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in bundle}
    surplus = [key for key in live.owned() if key not in wanted and key[0] != "Secret"]
    return [Change("delete", kind, name, field_changes(live.objects[kind, name], None)) for kind, name in surplus]
