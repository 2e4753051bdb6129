# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of ``mysql_cluster``. No value of a Secret gets here."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ..kube.port import Manifest
from ..manifests.bundle import Bundle
from ..names import Names
from ..operations.deploy import Deployed
from ..operations.diff import Change, FieldChange
from ..operations.outcome import Outcome
from ..spec import ClusterSpec, Topology

__all__ = [
    "ChangesResult",
    "DeploymentResult",
    "RemovalResult",
    "StalledResult",
    "changes_result",
    "deployment_result",
    "failed_result",
    "removal_result",
    "rendered_result",
]


class ChangeResult(t.TypedDict):
    """One changed object, and the paths of its fields that differ."""

    action: str
    kind: str
    name: str
    fields: list[str]


class DiffResult(t.TypedDict):
    """What ``--diff`` prints of one object."""

    before_header: str
    after_header: str
    before: str
    after: str


class ChangesResult(t.TypedDict):
    """What was changed, or would be in check mode."""

    changed: bool
    changes: list[ChangeResult]
    diff: list[DiffResult]


class StalledResult(ChangesResult, total=False):
    """A failure. The last three keys are those of a rollout that timed out; a caller can continue to wait with them."""

    timed_out: bool
    progress: dict[str, str]
    progress_measure: int


class NamesResult(t.TypedDict):
    """Everything that a later task may want to address, so that no playbook composes a name."""

    namespace: str
    stateful_set: str
    headless_service: str
    read_service: str
    primary_service: str
    read_host: str
    primary_host: str
    secret: str
    config: str
    topology: str
    instances: list[str]


class TopologyResult(t.TypedDict):
    """The primary, and since when the cluster has data."""

    primary: str
    bootstrapped: str | None


class RemovalResult(ChangesResult):
    """``state: absent``."""

    names: NamesResult


class RenderedResult(t.TypedDict):
    """``state: rendered``."""

    changed: bool
    names: NamesResult
    manifests: list[Manifest]
    topology: TopologyResult


class DeploymentResult(RemovalResult):
    """``state: present``. ``warnings`` are printed by Ansible and not returned."""

    manifests: list[Manifest]
    topology: TopologyResult
    warnings: list[str]


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


def failed_result(outcome: Outcome) -> StalledResult:
    """An operation that ended early: the changes that were made, and the progress of a rollout that timed out."""
    changes = changes_result(outcome.changes)
    result = StalledResult(changed=outcome.changed, changes=changes["changes"], diff=changes["diff"])
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
    return ChangeResult(action=change.action, kind=change.kind, name=change.name, fields=fields)


def _diff(change: Change) -> DiffResult:
    header = f"{change.kind}/{change.name}"
    before, after = _lines(change.fields, "before"), _lines(change.fields, "after")
    if change.action == "delete" and not before:
        before = "exists\n"
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
        config=names.config,
        topology=names.topology,
        instances=list(names.instances(replicas)) if replicas is not None else [],
    )


def _topology(topology: Topology) -> TopologyResult:
    return TopologyResult(primary=topology.primary, bootstrapped=topology.bootstrapped)
