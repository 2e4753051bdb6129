# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves the primary of a healthy cluster to one of its replicas.

The row of the new epoch in the new primary's own data is the point of no return. Before it every wait has a deadline, and an
error is answered by going back: the old primary takes writes again. After it there is only the way forward. A run that was
killed is continued by the next one; between the two the pods keep what is safe: see ``pod_scripts/lib-handover.sh``.

One run at a time: it holds a lock on both servers, which ends with its sessions, and each write of the topology carries the
version that was read. What this run cannot find out counts as neither done nor failed: the old primary stays closed.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..errors import CollectionError, SpecError, StaleVersion, WaitFailed
from ..health.observation import ClusterObservation
from ..kube.port import ObjectStore
from ..mysql.instance import SessionPool
from ..names import Names
from ..spec import Handover, Topology
from ..state.topology import parse_topology
from .candidate import check_flavour, check_health, choose_candidate
from .engine import Performed, PlannedStep, Run, Step, plan_steps, run_steps
from .switchover_objects import ClusterObjects, Limits, Situation, follow_steps
from .switchover_servers import describe
from .switchover_steps import Mover

__all__ = ["ClusterObjects", "Limits", "Switched", "SwitchoverPlan", "plan_switchover", "switch_over"]


@dataclass(frozen=True)
class SwitchoverPlan:
    """``handover`` is None if ``primary`` is the primary already. ``choice``: why it is this one.

    ``resumed``: another run has begun the move.
    """

    topology: Topology
    handover: Handover | None
    instances: tuple[str, ...]
    choice: str
    resumed: bool = False

    @property
    def primary(self) -> str:
        return self.handover.target if self.handover else self.topology.primary


@dataclass(frozen=True)
class Switched:
    """The end of a switchover: the steps done, or in a plan to be done. ``pause``: seconds in which nobody could write.

    ``changed``: this run has written something.
    """

    steps: tuple[Performed | PlannedStep, ...]
    topology: Topology
    changed: bool
    pause: float | None = None
    sessions: int = 0
    warnings: tuple[str, ...] = ()
    error: CollectionError | None = None
    failed: str | None = None


def plan_switchover(
    store: ObjectStore, names: Names, observe: t.Callable[[], ClusterObservation], pool: SessionPool, instance: str | None
) -> SwitchoverPlan:
    """Look, and change nothing. Raises ``SpecError`` or ``WaitFailed`` if the primary cannot be moved."""
    topology = parse_topology(store.get("ConfigMap", names.topology))
    if topology is None:
        raise SpecError(
            "name", f"there is no ConfigMap {names.topology} that names a primary; deploy or adopt the cluster first"
        )
    observation = observe()
    check_flavour(observation)
    instances = observation.kubernetes.expected
    if topology.handover is not None:
        return _resumed(topology, topology.handover, instances, instance)
    # Without an instance, the next run after one that was cut off must not move the primary once more.
    if instance == topology.primary or (instance is None and not topology.acknowledged):
        return SwitchoverPlan(topology, None, instances, f"{topology.primary} is the primary already")
    check_health(observation)
    if not topology.acknowledged:
        raise WaitFailed(
            f"not every pod has acknowledged yet that {topology.primary} is the primary. Nothing was changed; complete that "
            f"by a run of mysql_cluster, or with instance: {topology.primary}"
        )
    candidate = choose_candidate(observation, instance)
    handover = Handover(topology.primary, candidate.name, topology.epoch + 1)
    _check_servers(pool, handover)
    return SwitchoverPlan(topology, handover, instances, candidate.reason)


def _resumed(topology: Topology, handover: Handover, instances: tuple[str, ...], instance: str | None) -> SwitchoverPlan:
    if instance not in (None, handover.target):
        raise SpecError(
            "instance",
            f"{instance} cannot become the primary now: another run has begun to move it ({handover}) and has not completed "
            f"that. Complete it, or go back, with instance: {handover.target}",
        )
    return SwitchoverPlan(topology, handover, instances, f"another run has begun to move the primary: {handover}", resumed=True)


def _check_servers(pool: SessionPool, handover: Handover) -> None:
    """Raise ``WaitFailed`` if something would make the pause long, or the new epoch no later one than those in the data."""
    recorded = pool.run(handover.target, lambda server: server.newest_epoch())
    if recorded is None or recorded.number != handover.epoch - 1:
        raise WaitFailed(
            f"the topology's epoch is {handover.epoch - 1}, and the newest one in the data of {handover.target} is "
            f"{recorded.number if recorded else 'none'}. Nothing was changed; bring the cluster up to date by a run of "
            "mysql_cluster"
        )
    source = handover.source
    prepared = pool.run(source, lambda server: server.prepared_transactions())
    if prepared:
        raise WaitFailed(
            f"{source} has prepared XA transactions: {', '.join(prepared)}. Nothing was changed; let their coordinator end them"
        )
    writers = [each for each in pool.run(source, lambda server: server.writing_sessions()) if each.seconds >= 1]
    if writers:
        raise WaitFailed(
            f"{source} has statements that write for long: {describe(writers)}. Nothing was changed; run again when they ended"
        )


def switch_over(objects: ClusterObjects, plan: SwitchoverPlan, limits: Limits, *, check_mode: bool) -> Switched:
    """Carry out the plan, or in check mode find out its steps. ``objects.store`` must be one that only plans in check mode."""
    if plan.handover is None:
        return _follow(objects, plan, limits, check_mode=check_mode)
    mover = Mover(objects, plan.handover, limits)
    situation = Situation(plan.topology)
    if check_mode:
        return _planned(mover.steps(), mover.look(situation))
    mover.take_locks()
    _check_version(objects, plan)
    if plan.resumed:
        situation = Situation(objects.claim(plan.topology))
    run = run_steps(mover.steps(), mover.look(situation), clock=objects.clock, revert=mover.revert)
    opened, closed = mover.servers.opened_at, mover.servers.closed_at
    pause = None if opened is None or closed is None else opened - closed
    switched = replace(_performed(objects, run), pause=pause, sessions=mover.sessions)
    if switched.error is not None:
        switched.error.message = mover.explained(switched.error, reverted=run.reverted)
    return switched


def _follow(objects: ClusterObjects, plan: SwitchoverPlan, limits: Limits, *, check_mode: bool) -> Switched:
    """The primary is in its place; at most the pods' acknowledgements are missing, if a run was cut off."""
    steps = follow_steps(objects, plan.primary, limits.wait_timeout)
    situation = Situation(plan.topology)
    if check_mode:
        return _planned(steps, situation)
    return _performed(objects, run_steps(steps, situation, clock=objects.clock))


def _planned(steps: t.Sequence[Step[Situation]], situation: Situation) -> Switched:
    planned = plan_steps(steps, situation)
    return Switched(planned, situation.topology, bool(planned))


def _performed(objects: ClusterObjects, run: Run[Situation]) -> Switched:
    topology = objects.written or run.state.topology
    changed = objects.written is not None
    return Switched(run.performed, topology, changed, warnings=tuple(objects.warnings), error=run.error, failed=run.failed)


def _check_version(objects: ClusterObjects, plan: SwitchoverPlan) -> None:
    """With the locks nobody else moves the primary; before, somebody may have."""
    names = objects.names
    now = parse_topology(objects.store.get("ConfigMap", names.topology))
    if now is None or now.version != plan.topology.version:
        raise StaleVersion(f"ConfigMap {names.topology}: another run has changed it since this one has looked. Run again", 409)
