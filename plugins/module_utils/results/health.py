# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of ``mysql_cluster_info`` and ``mysql_cluster_verify``."""

from __future__ import annotations

from ..health.assess import Assessment
from ..health.canary import CanaryResult
from ..health.findings import Finding
from ..health.observation import ClusterObservation, Endpoints, InstanceObservation
from ..health.summary import summary
from ..health.verify import Verdict
from ..mysql.status import History, InstanceStatus
from ..times import format_time
from .types import CanaryOutcome, EndpointsResult, FindingResult, HealthResult, InstanceResult, Role, VerificationResult

__all__ = ["health_result", "verification_result"]


def health_result(observation: ClusterObservation, assessment: Assessment) -> HealthResult:
    """An observation and its assessment. Observations hold no secret."""
    instances = [_instance(observation, each) for each in observation.instances]
    return HealthResult(
        state=assessment.state,
        healthy=assessment.healthy,
        primary=assessment.primary,
        endpoints=_endpoints(observation.kubernetes.endpoints),
        instances=instances,
        findings=[_finding(each, assessment) for each in assessment.findings],
        summary=summary(observation, assessment),
        table=_table(instances, assessment),
    )


def verification_result(verdict: Verdict) -> VerificationResult:
    facts = health_result(verdict.observation, verdict.assessment)
    facts["summary"] = _verdict_summary(verdict)
    return VerificationResult(**facts, canary=_canary(verdict.canary))


def _endpoints(endpoints: Endpoints) -> EndpointsResult:
    return EndpointsResult(primary=_pods(endpoints.primary), read=_pods(endpoints.read))


def _pods(names: frozenset[str] | None) -> list[str] | None:
    # mysql-2 before mysql-10.
    return None if names is None else sorted(names, key=lambda name: (len(name), name))


def _instance(observation: ClusterObservation, instance: InstanceObservation) -> InstanceResult:
    status, channel, pod = instance.status, instance.channel, instance.pod
    return InstanceResult(
        name=instance.name,
        role=_role(observation, instance),
        reachable=status is not None or (instance.problem is not None and instance.problem.kind != "unreachable"),
        ready=pod is not None and pod.ready,
        problem=instance.problem.message if instance.problem else None,
        version=status.version if status else None,
        server_id=status.server_id if status else None,
        server_uuid=status.server_uuid if status else None,
        read_only=status.read_only if status else None,
        super_read_only=status.super_read_only if status else None,
        gtid_executed=_executed(status.history) if status else None,
        source=f"{channel.source_host}:{channel.source_port}" if channel else None,
        io_running=channel.io if channel else None,
        sql_running=channel.sql if channel else None,
        lag_seconds=round(channel.lag, 3) if channel and channel.lag is not None else None,
        replication_encrypted=channel.encrypted if channel else None,
        volume_used_ratio=_volume_used(status),
        node=pod.node if pod else None,
        restarts=pod.restarts if pod else None,
    )


def _executed(history: History) -> str | None:
    executed = history.state if history.executed is None else history.executed
    return executed.replace("\n", "") if executed else executed


def _volume_used(status: InstanceStatus | None) -> float | None:
    used = status.conditions.volume_used if status else None
    return None if used is None else round(used, 3)


def _role(observation: ClusterObservation, instance: InstanceObservation) -> Role:
    if observation.primary_name is None:
        return "unknown"
    return "primary" if instance.name == observation.primary_name else "replica"


def _finding(finding: Finding, assessment: Assessment) -> FindingResult:
    return FindingResult(
        code=finding.kind.code,
        severity=finding.kind.severity,
        ignored=finding.kind in assessment.ignored,
        instance=finding.instance,
        message=finding.message,
        since=None if finding.since is None else format_time(finding.since),
        remedy=finding.kind.value.remedy,
    )


def _canary(canary: CanaryResult | None) -> CanaryOutcome | None:
    if canary is None:
        return None
    return CanaryOutcome(
        attempted=canary.attempted,
        arrived=canary.arrived,
        reason=canary.reason,
        delays_ms={arrival.instance: arrival.milliseconds for arrival in canary.arrivals},
    )


def _verdict_summary(verdict: Verdict) -> str:
    endings = {"timeout": f" after {verdict.seconds:.0f} s of waiting", "hopeless": ", and waiting does not mend it"}
    proof = "; the canary row arrived on each" if verdict.canary and verdict.observation.replicas else ""
    return summary(verdict.observation, verdict.assessment, endings.get(verdict.outcome, ""), proof)


def _table(instances: list[InstanceResult], assessment: Assessment) -> list[str]:
    """Lines of fixed-width columns for the end of a playbook."""
    rows = [("INSTANCE", "ROLE", "STATE", "SOURCE", "LAG")]
    troubles = {each.instance for each in assessment.troubles}
    for each in instances:
        known = f"{each['lag_seconds']:.3f} s" if each["lag_seconds"] is not None else "unknown"
        lag = known if each["source"] else "-"
        state = "unreachable" if not each["reachable"] else "trouble" if each["name"] in troubles else "ok"
        rows.append((each["name"], each["role"], state, each["source"] or "-", lag))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
