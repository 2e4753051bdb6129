# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of ``mysql_cluster``. No value of a Secret gets here."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ..manifests.bundle import Bundle
from ..names import Names
from ..operations.deploy import Deployed
from ..operations.diff import Change, FieldChange
from ..operations.outcome import Outcome
from ..spec import ClusterSpec, Topology
from .types import (
    ChangeResult,
    ChangesResult,
    DeploymentResult,
    DiffResult,
    FailedResult,
    NamesResult,
    RemovalResult,
    RenderedResult,
    TopologyResult,
)

__all__ = ["changes_result", "deployment_result", "failed_result", "removal_result", "rendered_result"]


def deployment_result(spec: ClusterSpec, bundle: Bundle, deployed: Deployed, warnings: list[str]) -> DeploymentResult:
    return DeploymentResult(
        **changes_result(deployed.outcome.changes),
        names=_names(spec.names, spec.replicas),
        # Without the Secret, in apply order.
        manifests=[manifest for manifest in bundle if manifest["kind"] != "Secret"],
        topology=_topology(deployed.topology),
        warnings=warnings,
    )


def rendered_result(names: Names, replicas: int, bundle: Bundle, topology: Topology) -> RenderedResult:
    return RenderedResult(changed=False, names=_names(names, replicas), manifests=list(bundle), topology=_topology(topology))


def removal_result(changes: Iterable[Change], names: Names) -> RemovalResult:
    return RemovalResult(**changes_result(changes), names=_names(names, None))


def failed_result(outcome: Outcome) -> FailedResult:
    """An operation that ended early: the changes that were made, and the progress of a rollout that timed out."""
    changes = changes_result(outcome.changes)
    result = FailedResult(changed=outcome.changed, changes=changes["changes"], diff=changes["diff"])
    if outcome.stalled is not None:
        result["timed_out"] = True
        result["progress"] = dict(outcome.stalled.pods)
        result["progress_measure"] = outcome.stalled.reached
    return result


def changes_result(changes: Iterable[Change]) -> ChangesResult:
    real = [change for change in changes if change.action != "none"]
    return ChangesResult(changed=bool(real), changes=[_change(each) for each in real], diff=[_diff(each) for each in real])


def _change(change: Change) -> ChangeResult:
    fields = [field.path for field in change.fields]
    return ChangeResult(action=change.action, kind=change.kind, name=change.name, fields=fields, restarts=list(change.restarts))


def _diff(change: Change) -> DiffResult:
    header = f"{change.kind}/{change.name}"
    before, after = _lines(change.fields, "before"), _lines(change.fields, "after")
    if change.action == "delete" and not before:
        before = "exists\n"
    if change.restarts:
        after += f"restarts: {', '.join(change.restarts)}\n"
    return DiffResult(before_header=header, after_header=f"{header} ({change.action})", before=before, after=after)


def _lines(fields: Iterable[FieldChange], side: t.Literal["before", "after"]) -> str:
    """One line per field; the lines of a text, such as a my.cnf file, one by one."""
    texts = [(field.path, getattr(field, side)) for field in fields]
    return "".join(f"{path}: {line}\n" for path, text in texts if text is not None for line in text.splitlines() or [""])


def _names(names: Names, replicas: int | None) -> NamesResult:
    return NamesResult(
        namespace=names.namespace,
        stateful_set=names.stateful_set,
        headless_service=names.headless_service,
        read_service=names.read_service,
        primary_service=names.primary_service,
        read_host=names.service_host(names.read_service),
        primary_host=names.service_host(names.primary_service),
        secret=names.secret,
        thresholds=names.thresholds,
        topology=names.topology,
        instances=list(names.instances(replicas)) if replicas is not None else [],
    )


def _topology(topology: Topology) -> TopologyResult:
    return TopologyResult(primary=topology.primary, bootstrapped=topology.bootstrapped, epoch=topology.epoch)
