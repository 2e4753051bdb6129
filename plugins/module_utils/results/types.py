# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every key of every module's result."""

from __future__ import annotations

import typing as t

from ..health.assess import State
from ..health.findings import Severity
from ..mysql.status import ThreadState

__all__ = [
    "CanaryOutcome",
    "ChangeResult",
    "ChangesResult",
    "DeploymentResult",
    "DiffResult",
    "EndpointsResult",
    "FailedResult",
    "FindingResult",
    "HealthResult",
    "InstanceResult",
    "NamesResult",
    "RemovalResult",
    "RenderedResult",
    "Role",
    "StepResult",
    "SwitchoverResult",
    "TopologyResult",
    "VerificationResult",
]

Role = t.Literal["primary", "replica", "unknown"]


class EndpointsResult(t.TypedDict):
    """The pods to which each Service leads; None without the Service."""

    primary: list[str] | None
    read: list[str] | None


class InstanceResult(t.TypedDict):
    """One instance. None is an unknown value."""

    name: str
    role: Role
    reachable: bool
    ready: bool
    problem: str | None
    version: str | None
    server_id: int | None
    server_uuid: str | None
    read_only: bool | None
    super_read_only: bool | None
    gtid_executed: str | None
    source: str | None
    io_running: ThreadState | None
    sql_running: ThreadState | None
    lag_seconds: float | None
    replication_encrypted: bool | None
    volume_used_ratio: float | None
    node: str | None
    restarts: int | None


class FindingResult(t.TypedDict):
    """One finding; ``since`` is an RFC 3339 time."""

    code: str
    severity: Severity
    ignored: bool
    instance: str | None
    message: str
    since: str | None
    remedy: str


class HealthResult(t.TypedDict):
    """The result of ``mysql_cluster_info``."""

    state: State
    healthy: bool
    primary: str | None
    endpoints: EndpointsResult
    instances: list[InstanceResult]
    findings: list[FindingResult]
    summary: str
    table: list[str]


class CanaryOutcome(t.TypedDict):
    """The canary row: whether it was written, whether it arrived on every replica, and after how long on each."""

    attempted: bool
    arrived: bool
    reason: str | None
    delays_ms: dict[str, float | None]


class VerificationResult(HealthResult):
    """The result of ``mysql_cluster_verify``."""

    canary: CanaryOutcome | None


class ChangeResult(t.TypedDict):
    """One changed object, the paths of its fields that differ, and the instances that restart in consequence, in order."""

    action: str
    kind: str
    name: str
    fields: list[str]
    restarts: list[str]


class DiffResult(t.TypedDict):
    """One object in the output of ``--diff``."""

    before_header: str
    after_header: str
    before: str
    after: str


class ChangesResult(t.TypedDict):
    """The changes that were made, or would be in check mode."""

    changed: bool
    changes: list[ChangeResult]
    diff: list[DiffResult]


class FailedResult(ChangesResult, total=False):
    """A failure. The last three keys are those of a rollout that timed out; a caller can continue to wait with them."""

    timed_out: bool
    progress: dict[str, str]
    progress_measure: int


class NamesResult(t.TypedDict):
    """Everything that a later task may want to address, so that no playbook composes a name.

    Names that change with an object's content are in ``manifests`` only.
    """

    namespace: str
    stateful_set: str
    headless_service: str
    read_service: str
    primary_service: str
    read_host: str
    primary_host: str
    secret: str
    thresholds: str
    topology: str
    instances: list[str]


class TopologyResult(t.TypedDict):
    """The primary, since when the cluster has data, and the number of the primary's term."""

    primary: str
    bootstrapped: str | None
    epoch: int


class RemovalResult(ChangesResult):
    """``state: absent``."""

    names: NamesResult


class RenderedResult(t.TypedDict):
    """``state: rendered``."""

    changed: bool
    names: NamesResult
    manifests: list[dict[str, t.Any]]
    topology: TopologyResult


class DeploymentResult(RemovalResult):
    """``state: present``. ``warnings`` are printed by Ansible and not returned."""

    manifests: list[dict[str, t.Any]]
    topology: TopologyResult
    warnings: list[str]


class StepResult(t.TypedDict):
    """A step of an operation; ``seconds`` is None in check mode."""

    name: str
    description: str
    seconds: float | None


class SwitchoverResult(t.TypedDict):
    """``mysql_cluster_primary``. None is a value that is not known."""

    changed: bool
    primary: str
    previous_primary: str | None
    epoch: int
    choice: str
    steps: list[StepResult]
    pause_ms: float | None
    sessions_ended: int | None
    diff: list[DiffResult]
    warnings: list[str]
