# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The frame that every object shares."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ..kube.manifest import Manifest
from ..names import Names

__all__ = ["manifest"]


def manifest(
    names: Names,
    api_version: str,
    kind: str,
    name: str,
    body: Mapping[str, t.Any],
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """An object of the cluster: its own labels always win over ``labels``."""
    metadata: dict[str, t.Any] = {"name": name, "namespace": names.namespace, "labels": {**(labels or {}), **names.labels}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}
