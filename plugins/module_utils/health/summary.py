# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An assessment as one paragraph of text."""

from __future__ import annotations

from ..times import format_time
from .assess import Assessment
from .findings import Finding
from .observation import ClusterObservation

__all__ = ["summary"]


def summary(observation: ClusterObservation, assessment: Assessment, ending: str = "", proof: str = "") -> str:
    """One paragraph for a person: all is well, or what is wrong where, worst first.

    ``ending`` is added to the state of an unhealthy cluster, ``proof`` to that of a healthy one.
    """
    replicas = len(observation.replicas)
    if assessment.healthy:
        what = f"{replicas} replica{'' if replicas == 1 else 's'} follow{'s' if replicas == 1 else ''} it"
        return f"The cluster is healthy: {assessment.primary} is the primary and {what}{proof}."
    begin = f"The cluster is {assessment.state}{ending}."
    troubles = sorted(assessment.troubles, key=lambda finding: finding.kind.severity != "critical")
    if not troubles:
        return begin
    clauses = "; ".join(map(_clause, troubles))
    return f"{begin} {clauses}. What to do first: {troubles[0].kind.value.remedy}"


def _clause(finding: Finding) -> str:
    since = f", since {format_time(finding.since)}" if finding.since is not None else ""
    return f"{finding.instance or 'cluster'}: {finding.message}{since} [{finding.kind.code}]"
