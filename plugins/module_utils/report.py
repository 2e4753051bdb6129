# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values to result dictionaries: the only place that spells the keys of a module's result."""

from __future__ import annotations

import typing as t

from .errors import CollectionError, NotHealthy, WaitFailed, WaitTimeout
from .mysql.status import History, InstanceStatus
from .replication.assess import Assessment
from .replication.canary import CanaryResult
from .replication.findings import Finding
from .replication.observation import ClusterObservation, InstanceObservation, Routes
from .replication.verify import Verdict
from .times import written_time

__all__ = ["Result", "facts", "require_accepted", "verification"]

Result = dict[str, t.Any]


def facts(observation: ClusterObservation, assessment: Assessment) -> Result:
    """What ``mysql_cluster_info`` returns. Holds no secret: nothing that was observed does."""
    instances = [_instance(observation, each) for each in observation.instances]
    return {
        "state": assessment.state,
        "healthy": assessment.healthy,
        "primary": assessment.primary,
        "routes": _routes(observation.layout.routes),
        "instances": instances,
        "findings": [_finding(each, assessment) for each in assessment.findings],
        "summary": summary(observation, assessment),
        "table": table(instances, assessment),
    }


def _routes(routes: Routes) -> Result:
    found = {"primary": routes.primary, "read": routes.read}
    # mysql-2 before mysql-10.
    return {service: None if pods is None else sorted(pods, key=lambda pod: (len(pod), pod)) for service, pods in found.items()}


def verification(verdict: Verdict) -> Result:
    """What ``mysql_cluster_verify`` returns: the facts, and how they were come by."""
    return {
        **facts(verdict.observation, verdict.assessment),
        "canary": _canary(verdict.canary),
        "summary": _verdict_summary(verdict),
        "duration": round(verdict.seconds, 3),
    }


def require_accepted(verdict: Verdict) -> None:
    """Raise what says why the cluster is not good enough, with the whole result as details; nothing if it is."""
    kinds: dict[str, type[CollectionError]] = {"timeout": WaitTimeout, "hopeless": WaitFailed, "refused": NotHealthy}
    if not verdict.accepted:
        raise kinds[verdict.outcome](_verdict_summary(verdict), **verification(verdict))


def _instance(observation: ClusterObservation, instance: InstanceObservation) -> Result:
    status, channel = instance.status, instance.channel
    return {
        "name": instance.name,
        "role": _role(observation, instance),
        "reachable": status is not None or (instance.problem is not None and instance.problem.kind != "unreachable"),
        "ready": instance.pod is not None and instance.pod.ready,
        "problem": instance.problem.message if instance.problem else None,
        **_variables(status),
        "source": f"{channel.source_host}:{channel.source_port}" if channel else None,
        "io_running": channel.io if channel else None,
        "sql_running": channel.sql if channel else None,
        "lag_seconds": round(channel.lag, 3) if channel and channel.lag is not None else None,
        "replication_encrypted": channel.encrypted if channel else None,
        "volume_used": _ratio(status),
        "node": instance.pod.node if instance.pod else None,
        "restarts": instance.pod.restarts if instance.pod else None,
    }


def _ratio(status: InstanceStatus | None) -> float | None:
    used = status.surroundings.volume_used if status else None
    return None if used is None else round(used, 3)


def _variables(status: InstanceStatus | None) -> Result:
    """An instance that did not answer has all the keys too: None is 'unknown' in every one of them."""
    names = ("version", "server_id", "server_uuid", "read_only", "super_read_only")
    found: Result = {name: getattr(status, name) if status else None for name in names}
    history = status.history if status else History()
    written = history.state if history.executed is None else history.executed
    return {**found, "gtid_executed": written.replace("\n", "") if written else written}


def _role(observation: ClusterObservation, instance: InstanceObservation) -> str:
    if observation.primary_name is None:
        return "unknown"
    return "primary" if instance.name == observation.primary_name else "replica"


def _finding(finding: Finding, assessment: Assessment) -> Result:
    return {
        "code": finding.kind.code,
        "severity": finding.kind.severity,
        "ignored": finding.kind in assessment.ignored,
        "instance": finding.instance,
        "message": finding.message,
        "since": None if finding.since is None else written_time(finding.since),
        "remedy": finding.kind.value.remedy,
    }


def _canary(canary: CanaryResult | None) -> Result | None:
    if canary is None:
        return None
    return {
        "attempted": canary.attempted,
        "arrived": canary.arrived,
        "reason": canary.reason,
        "delays_ms": {arrival.instance: arrival.milliseconds for arrival in canary.arrivals},
    }


def summary(observation: ClusterObservation, assessment: Assessment, ending: str = "", proof: str = "") -> str:
    """One paragraph for a person: all is well, or what is wrong where, worst first.

    ``ending`` says how the look at a sick cluster came to an end, ``proof`` what speaks for a healthy one.
    """
    replicas = len(observation.replicas)
    if assessment.healthy:
        what = f"{replicas} replica{'' if replicas == 1 else 's'} follow{'s' if replicas == 1 else ''} it"
        return f"The cluster is healthy: {assessment.primary} is the primary and {what}{proof}."
    begin = f"The cluster is {assessment.state}{ending}."
    troubles = sorted(assessment.troubles, key=lambda finding: finding.kind.severity != "critical")
    if not troubles:
        return begin
    words = "; ".join(map(_clause, troubles))
    return f"{begin} {words}. What to do first: {troubles[0].kind.value.remedy}"


def _clause(finding: Finding) -> str:
    since = f", since {written_time(finding.since)}" if finding.since is not None else ""
    return f"{finding.instance or 'cluster'}: {finding.message}{since} [{finding.kind.code}]"


def _verdict_summary(verdict: Verdict) -> str:
    endings = {"timeout": f" after {verdict.seconds:.0f} s of waiting", "hopeless": ", and waiting does not mend it"}
    proof = "; the canary row arrived on each" if verdict.canary and verdict.observation.replicas else ""
    return summary(verdict.observation, verdict.assessment, endings.get(verdict.outcome, ""), proof)


def table(instances: list[Result], assessment: Assessment) -> list[str]:
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
