# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports of the pods, and the clients that may connect to each."""

from __future__ import annotations

import typing as t

from ..constants import DONOR_PORT, MYSQL_PORT
from ..kube.manifest import Manifest
from ..spec import ClusterSpec
from .common import manifest

__all__ = ["network_policy"]


def network_policy(spec: ClusterSpec) -> Manifest:
    """MySQL's port accepts every client; the port of clones accepts the cluster's own pods only."""
    names = spec.names
    ingress: list[dict[str, t.Any]] = [{"ports": [{"port": MYSQL_PORT, "protocol": "TCP"}]}]
    if spec.clone_method == "xtrabackup":
        siblings = {"podSelector": {"matchLabels": names.selector}}
        ingress.append({"from": [siblings], "ports": [{"port": DONOR_PORT, "protocol": "TCP"}]})
    body = {"spec": {"podSelector": {"matchLabels": names.selector}, "policyTypes": ["Ingress"], "ingress": ingress}}
    return manifest(names, "networking.k8s.io/v1", "NetworkPolicy", names.network_policy, body)
