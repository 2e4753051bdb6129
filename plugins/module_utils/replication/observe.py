# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All reads: once the objects in Kubernetes, then every instance at the same time.

The number of API requests does not grow with the number of instances. On the instances the order matters: replicas are
read before the primary's executed set is read again, so a transaction can only be found missing there if it was never
there. https://github.com/cybozu-go/moco/pull/491 tells what happens otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from ..constants import CONTAINER_MYSQL, TOPOLOGY_BOOTSTRAPPED, TOPOLOGY_PRIMARY
from ..errors import AccessDenied, SqlError, Unreachable
from ..kube.port import Manifest, ObjectStore
from ..kube.readiness import obstacle_of, pod_ready
from ..mysql.gtid import GtidSet
from ..mysql.instance import Fleet
from ..names import Names
from .observation import ClusterObservation, InstanceObservation, Layout, PodFacts, Problem, writable_instance
from .parallel import at_once

__all__ = ["observe", "read_layout"]

# How long a replica that reports no lag may take to get what the primary had committed when both were asked. A healthy
# one under full load needs some milliseconds; nothing is waited for where nothing is missing.
CATCH_UP_SECONDS = 1.0


def observe(store: ObjectStore, fleet: Fleet, names: Names, *, catch_up: float = CATCH_UP_SECONDS) -> ClusterObservation:
    """Look at the cluster once. What cannot be read is part of the observation; only the API server's errors raise."""
    layout = read_layout(store, names)
    seen = at_once(lambda name: _look(fleet, name, layout.pods.get(name)), layout.instances)
    primary = layout.topology_primary or writable_instance(tuple(seen.values()))
    status = seen[primary].status if primary in seen else None
    if primary is None or status is None:
        return ClusterObservation(layout, tuple(seen.values()))
    if status.gtid_executed is not None:
        goal = status.gtid_executed
        replicas = {name: each for name, each in seen.items() if name != primary}
        seen |= at_once(lambda name: _catch_up(fleet, replicas[name], goal, catch_up), replicas)
    executed = None
    try:
        executed = fleet.ask(primary, lambda instance: instance.gtid_executed())
    except SqlError as error:
        seen[primary] = replace(seen[primary], status=None, problem=_problem(error))
    return ClusterObservation(layout, tuple(seen.values()), executed)


def read_layout(store: ObjectStore, names: Names) -> Layout:
    """What Kubernetes knows, in three requests however many instances there are."""
    stateful_set = store.get("StatefulSet", names.stateful_set)
    topology = store.get("ConfigMap", names.topology)
    pods = store.list("Pod", names.selector)
    wanted = None if stateful_set is None else int(stateful_set["spec"].get("replicas", 1))
    data = (topology or {}).get("data") or {}
    return Layout(
        expected=names.instances(wanted or 0),
        wanted=wanted,
        topology=topology is not None,
        topology_primary=data.get(TOPOLOGY_PRIMARY) or None,
        bootstrapped=bool(data.get(TOPOLOGY_BOOTSTRAPPED)),
        pods={pod["metadata"]["name"]: _pod_facts(pod) for pod in pods},
    )


def _pod_facts(pod: Manifest) -> PodFacts:
    status = pod.get("status") or {}
    obstacle = obstacle_of(pod)
    if "deletionTimestamp" in pod["metadata"]:
        words = "it is being deleted"
    elif obstacle is not None:
        words = ": ".join(filter(None, (obstacle.container, obstacle.reason, obstacle.message)))
    else:
        words = _why_not_ready(status) if _started(status) else str(status.get("phase") or "")
    return PodFacts(ready=pod_ready(pod), started=_started(status), obstacle=words, address=status.get("podIP"))


def _why_not_ready(status: Manifest) -> str:
    """The kubelet's own words, such as which containers are not ready; empty once the pod is."""
    conditions = status.get("conditions") or []
    return next((str(each.get("message") or "") for each in conditions if each["type"] == "Ready"), "")


def _started(status: Manifest) -> bool:
    """Whether the server's container runs; other people's pods may call it something else than ours."""
    containers = status.get("containerStatuses") or []
    ours = [each for each in containers if each["name"] == CONTAINER_MYSQL] or containers
    return any("running" in (each.get("state") or {}) for each in ours)


def _problem(error: SqlError) -> Problem:
    if isinstance(error, AccessDenied):
        return Problem("access_denied", error.message)
    return Problem("unreachable" if isinstance(error, Unreachable) else "unreadable", error.message)


def _look(fleet: Fleet, name: str, pod: PodFacts | None) -> InstanceObservation:
    if pod is None or not pod.started:
        fleet.forget(name)
        missing = "there is no pod" if pod is None else "the pod's server has not started"
        return InstanceObservation(name, pod, problem=Problem("unreachable", missing))
    try:
        return InstanceObservation(name, pod, fleet.ask(name, lambda instance: instance.status()))
    except SqlError as error:
        return InstanceObservation(name, pod, problem=_problem(error))


def _catch_up(fleet: Fleet, replica: InstanceObservation, goal: str, timeout: float) -> InstanceObservation:
    """Say whether the replica has ``goal``, giving it a moment for what is on its way.

    What it says after it failed in that moment is what counts: a lag seen meanwhile explains it.
    """
    name, status, channel = replica.name, replica.status, replica.channel
    if status is None or status.gtid_executed is None or channel is None or channel.lag is None:
        return replica
    try:
        missing = GtidSet.parse(goal) - GtidSet.parse(status.gtid_executed)
    except ValueError:
        return replica
    if not missing:
        return replace(replica, caught_up=True)
    try:
        if fleet.ask(name, lambda instance: instance.wait_for_executed(str(missing), timeout)):
            return replace(replica, caught_up=True)
        return replace(replica, caught_up=False, status=fleet.ask(name, lambda instance: instance.status()))
    except SqlError as error:
        return replace(replica, status=None, problem=_problem(error))
