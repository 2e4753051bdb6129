# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The number of pods that may be evicted at a time."""

from __future__ import annotations

from ..kube.manifest import Manifest
from ..names import Names
from .common import manifest

__all__ = ["pod_disruption_budget"]


def pod_disruption_budget(names: Names, kubernetes: tuple[int, int]) -> Manifest:
    """Node maintenance evicts one instance at a time. ``kubernetes`` is the API server's version."""
    # policy/v1 came with 1.21, policy/v1beta1 went with 1.25.
    api_version = "policy/v1" if kubernetes >= (1, 21) else "policy/v1beta1"
    body = {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": names.selector}}}
    return manifest(names, api_version, "PodDisruptionBudget", names.pod_disruption_budget, body)
