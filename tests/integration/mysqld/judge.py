# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe and assess the real servers; only Kubernetes is a fake."""

from __future__ import annotations

from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import Assessment, assess
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import Finding
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from unit.fakes.kubernetes_objects import TARGET, deployed
from waiting import scaled

__all__ = ["finding", "found", "judge"]

MAX_LAG = scaled(30.0)


def judge(pool: SessionPool, max_lag: float = MAX_LAG, catch_up: float = scaled(1.0)) -> Assessment:
    return assess(observe(deployed(), pool, TARGET, catch_up=catch_up), max_lag)


def found(assessment: Assessment) -> set[tuple[Kind, str | None]]:
    return {(each.kind, each.instance) for each in assessment.findings}


def finding(assessment: Assessment, kind: Kind, instance: str | None) -> Finding:
    """The one finding of this kind there."""
    (one,) = [each for each in assessment.findings if each.kind is kind and each.instance == instance]
    return one
