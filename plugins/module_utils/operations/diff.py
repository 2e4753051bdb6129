# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live against planned, field by field. Values of Secrets are replaced by digests before they get here."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import ImmutableChange, SpecError
from ..kube.manifest import Manifest
from ..kube.quantity import parse_quantity

__all__ = ["Change", "FieldChange", "check_immutable", "field_changes", "redact"]

# Written by the server; never part of a desired state.
_SERVER_METADATA = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
# Fields that the API server refuses to change on a living StatefulSet, and the way to change them all the same.
_ORPHAN = (
    "delete the StatefulSet with 'kubectl delete statefulset {name} --cascade=orphan' (pods and claims stay) and run again"
)
_IMMUTABLE = ("selector", "serviceName", "podManagementPolicy")


class FieldChange(t.NamedTuple):
    """One field's value before and after; None where there is none."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """The change of one object. ``adopt``: it was foreign; a StatefulSet is created anew, with its pods.

    ``restarts``: the pods that are replaced in consequence, one after the other.
    """

    action: t.Literal["create", "update", "adopt", "delete", "none"]
    kind: str
    name: str
    fields: tuple[FieldChange, ...] = ()
    restarts: tuple[str, ...] = ()


def redact(manifest: Manifest, digest: t.Callable[[str], str]) -> Manifest:
    """A Secret with its values replaced by ``digest`` of them; any other object as it is."""
    if manifest.get("kind") != "Secret":
        return manifest
    data = {key: digest(value) for key, value in (manifest.get("data") or {}).items()}
    return {**manifest, "data": data}


def field_changes(before: Manifest | None, after: Manifest | None) -> tuple[FieldChange, ...]:
    """The fields in which two states of an object differ, sorted by path; status and server bookkeeping left out."""
    old, new = (dict(_leaves(_significant(state), "")) for state in (before or {}, after or {}))
    paths = sorted({*old, *new})
    return tuple(FieldChange(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path))


def _significant(manifest: Manifest) -> Manifest:
    kept = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "status", "metadata")}
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key not in _SERVER_METADATA}
    return {**kept, "metadata": metadata}


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Each scalar below ``value`` with its path; list items by their name where they have one, else by position."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            # Keys such as `primary.cnf` hold the character that separates path elements.
            step = f"[{key}]" if "." in str(key) or "/" in str(key) else f".{key}" if path else str(key)
            yield from _leaves(below, path + step)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            label = item.get("name", position) if isinstance(item, Mapping) else position
            # Two mounts of one volume share a name; the mount path distinguishes them.
            if isinstance(item, Mapping) and "mountPath" in item:
                label = item["mountPath"]
            yield from _leaves(item, f"{path}[{label}]")
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def check_immutable(live: Manifest | None, desired: Manifest) -> None:
    """Raise for a change to a living StatefulSet that the server would refuse. The message contains the way out."""
    if live is None:
        return
    name = desired["metadata"]["name"]
    way_out = _ORPHAN.format(name=name)
    for field in _IMMUTABLE:
        found, wanted = live["spec"].get(field), desired["spec"].get(field)
        if found != wanted:
            raise ImmutableChange(
                f"StatefulSet {name}: spec.{field} is {found!r} and would become {wanted!r}, which Kubernetes does not change "
                f"on a living StatefulSet; {way_out}"
            )
    _check_claim(name, live["spec"], desired["spec"], way_out)


def _check_claim(name: str, live: Manifest, desired: Manifest, way_out: str) -> None:
    wanted = desired["volumeClaimTemplates"][0]
    found = next(
        (claim for claim in live.get("volumeClaimTemplates", []) if claim["metadata"]["name"] == wanted["metadata"]["name"]),
        None,
    )
    if found is None:
        raise ImmutableChange(f"StatefulSet {name}: has no volume claim called {wanted['metadata']['name']!r}; {way_out}")
    old, new = (claim["spec"]["resources"]["requests"]["storage"] for claim in (found, wanted))
    old_size, new_size = parse_quantity("live storage size", old), parse_quantity("storage_size", new)
    if new_size < old_size:
        raise SpecError(
            "storage_size", f"{new} is less than the {old} that the claims have; volumes cannot shrink. Set it to {old} or more"
        )
    if new_size > old_size:
        raise ImmutableChange(
            f"storage_size: {new} is more than the {old} of the claim template, which Kubernetes does not change on a living "
            f"StatefulSet. Grow the claims (kubectl edit pvc), then {way_out}"
        )
    old_class, new_class = found["spec"].get("storageClassName"), wanted["spec"].get("storageClassName")
    if new_class is not None and old_class != new_class:
        raise ImmutableChange(f"storage_class: the claims have {old_class!r}, and the option is {new_class!r}; {way_out}")
