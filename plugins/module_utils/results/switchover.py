# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of ``mysql_cluster_primary``."""

from __future__ import annotations

from ..constants import LABEL_POD_NAME
from ..names import Names
from ..operations.diff import Change, FieldChange
from ..operations.engine import Performed, PlannedStep
from ..operations.switchover import Switched, SwitchoverPlan
from ..spec import Topology
from .deployment import changes_result
from .types import StepResult, SwitchoverResult

__all__ = ["switchover_result"]


def switchover_result(names: Names, plan: SwitchoverPlan, done: Switched) -> SwitchoverResult:
    """Of a run, or in check mode of its plan: what is not known there is null."""
    planned = any(isinstance(each, PlannedStep) for each in done.steps)
    after = _planned(plan) if planned else done.topology
    return SwitchoverResult(
        changed=done.changed,
        primary=after.primary,
        previous_primary=plan.handover.source if plan.handover else None,
        epoch=after.epoch,
        choice=plan.choice,
        steps=[_step(each) for each in done.steps],
        pause_ms=None if done.pause is None else round(1000 * done.pause, 1),
        sessions_ended=None if planned else done.sessions,
        diff=changes_result(_changes(names, plan.topology, after))["diff"],
        warnings=list(done.warnings),
    )


def _planned(plan: SwitchoverPlan) -> Topology:
    handover = plan.handover
    return (
        Topology(handover.target, plan.topology.bootstrapped, handover.epoch, plan.topology.cluster)
        if handover
        else plan.topology
    )


def _step(step: Performed | PlannedStep) -> StepResult:
    seconds = round(step.seconds, 3) if isinstance(step, Performed) else None
    return StepResult(name=step.name, description=step.description, seconds=seconds)


def _changes(names: Names, before: Topology, after: Topology) -> list[Change]:
    old, new = before.intent, after.intent
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    fields = tuple(FieldChange(f"data.{key}", old.get(key), new.get(key)) for key in keys)
    changes = [Change("update", "ConfigMap", names.topology, fields)] if fields else []
    if before.primary != after.primary:
        selector = FieldChange(f"spec.selector[{LABEL_POD_NAME}]", before.primary, after.primary)
        changes.append(Change("update", "Service", names.primary_service, (selector,)))
    return changes
