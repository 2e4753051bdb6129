# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks. Each is a pure function from an observation to findings."""

from __future__ import annotations

from ..findings import Finding
from ..observation import ClusterObservation
from . import cluster, pod, primary, replica, server

__all__ = ["run_checks"]


def run_checks(observation: ClusterObservation, max_lag: float) -> tuple[Finding, ...]:
    """Everything that deviates, the cluster's findings first, then instance by instance. ``max_lag`` is in seconds."""
    findings = list(cluster.check(observation))
    for instance in observation.instances:
        findings += pod.check(observation, instance)
        if instance.status is not None:
            findings += server.check(instance.name, instance.status)
    if observation.primary is not None and observation.primary.status is not None:
        findings += primary.check(observation, observation.primary.name, observation.primary.status)
    for each in observation.replicas:
        if each.status is not None:
            findings += replica.check(observation, each, each.status, max_lag)
    order = {name: position for position, name in enumerate(observation.kubernetes.instances)}
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: order.get(finding.instance or "", -1)))
