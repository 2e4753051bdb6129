# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the objects in Kubernetes once, then every instance in parallel.

The number of API requests does not grow with the number of instances. On the instances the order matters: replicas are
read before the primary's executed set is read again, so a transaction can only be found missing there if it was never
there. https://github.com/cybozu-go/moco/pull/491 describes the opposite order.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import replace

from ..errors import AccessDenied, SqlError, Unreachable
from ..kube.pod import PodView
from ..kube.port import ObjectStore
from ..mysql.gtid import GtidSet
from ..mysql.instance import SessionPool
from ..mysql.port import Instance
from ..mysql.status import History, InstanceStatus
from ..parallel import map_parallel
from ..state.acknowledgement import Acknowledgement, AckReader, acknowledges
from .kubernetes_state import ClusterTarget, read_kubernetes_state
from .observation import ClusterObservation, InstanceObservation, Problem, writable_instance

__all__ = ["observe"]

# Time for a replica that reports no lag to receive what the primary had committed when both were read. A healthy one
# under full load needs some milliseconds; there is no wait if nothing is missing.
CATCH_UP_SECONDS = 1.0


def observe(
    store: ObjectStore,
    pool: SessionPool,
    target: ClusterTarget,
    *,
    acknowledge: AckReader | None = None,
    catch_up: float = CATCH_UP_SECONDS,
) -> ClusterObservation:
    """Observe the cluster once. Problems of instances are part of it; errors of the API server are raised.

    The collection's pods are asked by ``acknowledge`` which topology they have read, and why they are not ready; those that are
    ready only if the topology is not recorded as acknowledged.
    """
    kubernetes = read_kubernetes_state(store, target)

    def look(name: str) -> InstanceObservation:
        pod = kubernetes.pods.get(name)
        asked = pod is not None and acknowledges(pod) and not (pod.ready and kubernetes.acknowledged)
        return _look(pool, name, pod, acknowledge if asked else None)

    seen = map_parallel(look, kubernetes.instances)
    primary = kubernetes.topology_primary or writable_instance(tuple(seen.values()))
    status = seen[primary].status if primary in seen else None
    if primary is None or status is None:
        return ClusterObservation(kubernetes, tuple(seen.values()))
    goal = status
    replicas = {name: each for name, each in seen.items() if name != primary}
    seen |= map_parallel(lambda name: _catch_up(pool, replicas[name], goal, catch_up), replicas)
    try:
        history, registered = pool.run(primary, _reread)
    except SqlError as error:
        seen[primary] = replace(seen[primary], status=None, problem=_problem(error))
        return ClusterObservation(kubernetes, tuple(seen.values()))
    return ClusterObservation(kubernetes, tuple(seen.values()), history, registered)


def _reread(primary: Instance) -> tuple[History, frozenset[int]]:
    return primary.history(), primary.registered()


def _problem(error: SqlError) -> Problem:
    if isinstance(error, AccessDenied):
        return Problem("access_denied", error.message)
    return Problem("unreachable" if isinstance(error, Unreachable) else "unreadable", error.message)


def _look(pool: SessionPool, name: str, pod: PodView | None, acknowledge: AckReader | None) -> InstanceObservation:
    """The pod is asked at the same time as its server: one that answers nothing costs one timeout."""
    if acknowledge is None:
        return _status(pool, name, pod)
    asks: dict[str, Callable[[], t.Any]] = {
        "status": lambda: _status(pool, name, pod),
        "acknowledgement": lambda: _acknowledgement(name, acknowledge),
    }
    answers = map_parallel(lambda key: asks[key](), asks)
    seen: InstanceObservation = answers["status"]
    return replace(seen, acknowledgement=answers["acknowledgement"])


def _status(pool: SessionPool, name: str, pod: PodView | None) -> InstanceObservation:
    if pod is None or not pod.started:
        pool.forget(name)
        missing = "there is no pod" if pod is None else "the pod's server has not started"
        return InstanceObservation(name, pod, problem=Problem("unreachable", missing))
    try:
        return InstanceObservation(name, pod, pool.run(name, lambda instance: instance.status()))
    except SqlError as error:
        return InstanceObservation(name, pod, problem=_problem(error))


def _acknowledgement(name: str, acknowledge: AckReader) -> Acknowledgement | None:
    try:
        return acknowledge(name)
    except Unreachable:
        return None


def _catch_up(pool: SessionPool, replica: InstanceObservation, goal: InstanceStatus, timeout: float) -> InstanceObservation:
    """Find out whether the replica has what the primary had in ``goal``, within ``timeout`` seconds.

    If it does not catch up, its status is read again: a lag that it reports by then explains why.
    """
    missing = _missing(replica, goal)
    if not missing:
        return replica if missing is None else replace(replica, caught_up=True)
    try:
        if pool.run(replica.name, lambda instance: instance.wait_for_executed(missing, timeout)):
            return replace(replica, caught_up=True)
        return replace(replica, caught_up=False, status=pool.run(replica.name, lambda instance: instance.status()))
    except SqlError as error:
        return replace(replica, status=None, problem=_problem(error))


def _missing(replica: InstanceObservation, primary: InstanceStatus) -> str | None:
    """The GTIDs or the position that the replica has to wait for; empty if nothing is missing, None if that is unknown.

    A replica without a known lag receives nothing, so waiting is of no use.
    """
    if replica.status is None or replica.channel is None or replica.channel.lag is None:
        return None
    mine, theirs = replica.status.history, primary.history
    if mine.executed is None or theirs.executed is None:
        return primary.position if mine.state is not None else None
    try:
        return str(GtidSet.parse(theirs.executed) - GtidSet.parse(mine.executed))
    except ValueError:
        return None
