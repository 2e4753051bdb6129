# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What surrounds the pods: their identity, their network, and how many of them may be evicted."""

from __future__ import annotations

import typing as t

from ..constants import DONOR_PORT, MYSQL_PORT
from ..kube.port import Manifest
from ..names import Names
from ..spec import ClusterSpec
from .common import manifest

__all__ = ["network_policy", "pod_disruption_budget", "service_account"]


def service_account(names: Names) -> Manifest:
    """An identity without a token: nothing in the pods talks to the API server."""
    body = {"automountServiceAccountToken": False}
    return manifest(names, "v1", "ServiceAccount", names.service_account, body)


def pod_disruption_budget(names: Names, kubernetes: tuple[int, int]) -> Manifest:
    """Node maintenance takes one instance at a time. ``kubernetes`` is the API server's version."""
    # policy/v1 came with 1.21, policy/v1beta1 went with 1.25.
    api_version = "policy/v1" if kubernetes >= (1, 21) else "policy/v1beta1"
    body = {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": names.selector}}}
    return manifest(names, api_version, "PodDisruptionBudget", names.pod_disruption_budget, body)


def network_policy(spec: ClusterSpec) -> Manifest:
    """MySQL's port is open to everybody who has an account; backups are for the cluster's own pods."""
    names = spec.names
    ingress: list[dict[str, t.Any]] = [{"ports": [{"port": MYSQL_PORT, "protocol": "TCP"}]}]
    if spec.clone_method == "xtrabackup":
        siblings = {"podSelector": {"matchLabels": names.selector}}
        ingress.append({"from": [siblings], "ports": [{"port": DONOR_PORT, "protocol": "TCP"}]})
    body = {"spec": {"podSelector": {"matchLabels": names.selector}, "policyTypes": ["Ingress"], "ingress": ingress}}
    return manifest(names, "networking.k8s.io/v1", "NetworkPolicy", names.network_policy, body)
