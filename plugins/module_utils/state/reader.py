# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads pods and the StatefulSet of a cluster as values."""

from __future__ import annotations

from collections.abc import Mapping

from ..kube.pod import PodView
from ..kube.port import ObjectStore
from ..kube.stateful_set import StatefulSetView
from ..names import Names

__all__ = ["read_pod", "read_pods", "read_stateful_set"]


def read_pods(store: ObjectStore, selector: Mapping[str, str]) -> dict[str, PodView]:
    """The pods with these labels, by name."""
    return {pod.name: pod for pod in map(PodView.parse, store.list("Pod", selector))}


def read_pod(store: ObjectStore, name: str) -> PodView | None:
    live = store.get("Pod", name)
    return None if live is None else PodView.parse(live)


def read_stateful_set(store: ObjectStore, names: Names) -> StatefulSetView | None:
    live = store.get("StatefulSet", names.stateful_set)
    return None if live is None else StatefulSetView.parse(live)
