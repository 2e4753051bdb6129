# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a cluster, read once per run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..constants import FIELD_MANAGER, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGED_BY
from ..kube.manifest import Manifest
from ..kube.port import ObjectStore
from ..names import Names

__all__ = ["KINDS", "LiveObjects", "is_ours", "read_live_objects"]

# Every kind that the collection creates itself, in the order in which they are removed.
KINDS = (
    "StatefulSet",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "Service",
    "ConfigMap",
    "ServiceAccount",
    "Secret",
)


@dataclass(frozen=True)
class LiveObjects:
    """The labelled objects of a cluster by (kind, name)."""

    objects: Mapping[tuple[str, str], Manifest]

    def get(self, kind: str, name: str) -> Manifest | None:
        return self.objects.get((kind, name))

    def owned(self) -> list[tuple[str, str]]:
        """The objects that the collection applied."""
        return [key for key, manifest in self.objects.items() if is_ours(manifest)]


def is_ours(manifest: Manifest) -> bool:
    """True if this collection has applied the object; the API server notes who did, and a label can be copied by anybody."""
    managers = manifest["metadata"].get("managedFields") or []
    return any(each.get("manager") == FIELD_MANAGER and each.get("operation") == "Apply" for each in managers)


def read_live_objects(store: ObjectStore, names: Names) -> LiveObjects:
    """One request per kind, however many instances there are."""
    selector = {LABEL_INSTANCE: names.cluster, LABEL_MANAGED_BY: MANAGED_BY}
    found = (manifest for kind in KINDS for manifest in store.list(kind, selector))
    return LiveObjects({(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in found})
