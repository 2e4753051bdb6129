# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which replica becomes the primary. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SpecError, WaitFailed
from ..health.assess import assess
from ..health.observation import ClusterObservation, InstanceObservation
from ..mysql.version import ServerVersion
from ..names import ordinal_of

__all__ = ["Candidate", "check_flavour", "check_health", "choose_candidate"]

# The default of the option `max_lag`; the candidate is synchronised before anything is closed, whatever its lag is.
_MAX_LAG = 30.0


@dataclass(frozen=True)
class Candidate:
    """The instance that becomes the primary, and why it was chosen."""

    name: str
    reason: str


def check_flavour(observation: ClusterObservation) -> None:
    """Raise ``SpecError`` unless the cluster runs MySQL."""
    for each in observation.instances:
        if each.status is not None:
            version = ServerVersion.parse(each.status.version)
            if version.flavour != "mysql":
                raise SpecError("action", f"switchover needs MySQL, and {each.name} runs {version}. Nothing was changed")


def check_health(observation: ClusterObservation) -> None:
    """Raise ``WaitFailed`` unless the cluster is healthy."""
    assessment = assess(observation, _MAX_LAG)
    if not assessment.healthy:
        found = "; ".join(f"{each.instance or 'cluster'}: {each.message}" for each in assessment.troubles)
        raise WaitFailed(
            f"the cluster is {assessment.state}, and a switchover needs a healthy one: {found or 'see mysql_cluster_verify'}. "
            "Nothing was changed; mend that, or wait for it with mysql_cluster_verify"
        )


def choose_candidate(observation: ClusterObservation, instance: str | None) -> Candidate:
    """The given instance, or the replica with the least lag. All replicas of a healthy cluster are fit but for delayed ones."""
    replicas = {each.name: each for each in observation.replicas if each.name in observation.kubernetes.expected}
    if instance is not None:
        if instance not in replicas:
            known = ", ".join(replicas) or "none: a cluster of one instance has no candidate"
            raise SpecError("instance", f"{instance!r} is no replica of this cluster; its replicas are {known}")
        if _delay(replicas[instance]):
            raise SpecError("instance", f"{instance} replicates with a delay of {_delay(replicas[instance])} s; choose another")
        return Candidate(instance, f"{instance} was given")
    fit = sorted((each for each in replicas.values() if not _delay(each)), key=_rank)
    if not fit:
        raise SpecError("name", "the cluster has no replica that could become the primary; give it one: replicas: 2 or more")
    best = fit[0]
    others = ", ".join(each.name for each in fit[1:]) or "no other"
    return Candidate(best.name, f"{best.name} is healthy and {_lag(best):.1f} s behind; the other candidates: {others}")


def _delay(replica: InstanceObservation) -> int:
    return replica.channel.delay if replica.channel else 0


def _lag(replica: InstanceObservation) -> float:
    lag = replica.channel.lag if replica.channel else None
    return float("inf") if lag is None else lag


def _rank(replica: InstanceObservation) -> tuple[float, int]:
    return round(_lag(replica), 1), ordinal_of(replica.name)
