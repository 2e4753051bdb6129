# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes over the ownership of foreign objects. Server-side apply removes only those fields that its own manager applied.

So all fields are noted as applied by us first, as client-go's csaupgrade does it for kubectl:
https://kubernetes.io/docs/reference/using-api/server-side-apply/#migration-between-client-side-and-server-side-apply
"""

from __future__ import annotations

import typing as t

from ..constants import FIELD_MANAGER
from .manifest import Manifest

__all__ = ["ownership_patch", "replacement"]

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
