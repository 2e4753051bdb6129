# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ownership of fields. Server-side apply removes only those fields that its own manager applied.

So a part of an object is changed by applying all that was applied before together with it. And where foreign objects are taken
over, all fields are noted as applied by us first, as client-go's csaupgrade does it for kubectl:
https://kubernetes.io/docs/reference/using-api/server-side-apply/#migration-between-client-side-and-server-side-apply
"""

from __future__ import annotations

import json
import typing as t

from ..constants import FIELD_MANAGER
from .manifest import Manifest

__all__ = ["applied_part", "merged", "ownership_patch", "replacement"]

# Fields that a server gives to a Service once and wants to see again in whatever replaces it.
_ALLOCATED = ("clusterIP", "clusterIPs")


def ownership_patch(live: Manifest) -> list[Manifest]:
    """A JSON patch that makes us the owner of all fields of ``live`` but the status. It fails if ``live`` has changed."""
    metadata = live["metadata"]
    entries: list[Manifest] = metadata.get("managedFields") or []
    kept = [entry for entry in entries if _is_status(entry)]
    taken = [entry for entry in entries if not _is_status(entry)]
    fields: Manifest = {}
    for entry in taken:
        fields = _union(fields, entry["fieldsV1"])
    ours = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": live["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return [
        {"op": "add", "path": "/metadata/managedFields", "value": [ours, *kept]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]


def _is_status(entry: Manifest) -> bool:
    # Kubernetes before 1.22 does not mark the entries of a subresource.
    return "subresource" in entry or "f:status" in entry.get("fieldsV1", {})


def _union(left: Manifest, right: Manifest) -> Manifest:
    """The set of fields that is in either; FieldsV1 writes a set as nested objects."""
    both = left.keys() & right.keys()
    return {**left, **right, **{key: _union(left[key], right[key]) for key in both}}


def replacement(live: Manifest, manifest: Manifest) -> Manifest:
    """``manifest`` as it can be put in the place of ``live``."""
    body = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}
    allocated: dict[str, t.Any] = {key: live["spec"][key] for key in _ALLOCATED if key in live.get("spec", {})}
    if manifest["kind"] == "Service":
        body["spec"] = {**allocated, **manifest["spec"]}
    return body


def applied_part(live: Manifest) -> Manifest:
    """The fields of ``live`` that this collection has applied, and what identifies the object."""
    entries = live["metadata"].get("managedFields") or []
    ours = [each["fieldsV1"] for each in entries if each["manager"] == FIELD_MANAGER and each["operation"] == "Apply"]
    part: Manifest = {}
    for fields in ours:
        part = merged(part, _select(live, fields))
    identity = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
    whole: Manifest = merged(part, {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": identity})
    return whole


def _select(value: t.Any, fields: Manifest) -> t.Any:
    """The part of ``value`` that a set of fields names: https://kubernetes.io/docs/reference/using-api/server-side-apply/

    ``f:`` names a key, ``k:`` the item of a list by its keys, ``v:`` the item by its value; ``.`` is the value itself.
    """
    if isinstance(value, list):
        return [_item(value, key, below) for key, below in fields.items() if key != "."]
    keys = [key for key in fields if key.startswith("f:")]
    if not keys:
        return value
    return {key[2:]: _select(value[key[2:]], fields[key]) for key in keys if key[2:] in value}


def _item(items: list[t.Any], key: str, below: Manifest) -> t.Any:
    wanted = json.loads(key[2:])
    if key.startswith("v:"):
        return wanted
    (found,) = [each for each in items if wanted.items() <= each.items()]
    return _select(found, below)


def merged(base: t.Any, patch: t.Any) -> t.Any:
    """``base`` with the values of ``patch``; objects are merged key by key."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in patch.items()}}
    return patch
