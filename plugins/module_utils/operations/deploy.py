# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: present`: plan, apply, wait for the rollout, and record that the cluster has data."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import CollectionError, SpecError, WaitTimeout
from ..kube.manifest import Manifest
from ..kube.port import Diagnostics, ObjectStore
from ..manifests.bundle import Bundle
from ..spec import ClusterSpec, Topology
from ..state.acknowledgement import AckReader
from ..state.live_objects import LiveObjects, read_live_objects
from ..wait import Clock
from .deployment_steps import ROLLOUT, DeploymentState, apply_steps, prune_steps, wait_steps
from .desired import Runtime, render_desired
from .diff import Change
from .engine import Run, run_steps
from .outcome import Outcome, StalledRollout
from .plan import plan_changes
from .rollout import RolloutWatch
from .superseded import without_early_prunes
from .transition import check_transition

__all__ = ["Deployed", "Deployment", "WaitOptions", "deploy", "find_foreign", "plan_deployment"]


@dataclass(frozen=True)
class Deployment:
    """A plan. ``bundle`` holds the Secret, if the cluster has one of its own."""

    spec: ClusterSpec
    topology: Topology
    bundle: Bundle
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        return any(change.action != "none" for change in self.changes)


@dataclass(frozen=True)
class Deployed:
    """A deployment after it was carried out, with the topology as it is by then."""

    outcome: Outcome
    topology: Topology


def plan_deployment(store: ObjectStore, spec: ClusterSpec, runtime: Runtime, read: AckReader, *, wait: bool) -> Deployment:
    """Find out the changes without making any; ``store`` must be one that only plans.

    Pods are asked by ``read`` only if topology or passwords are missing. A StatefulSet of the cluster's name that the
    collection did not deploy is refused. ``wait`` if the run will wait for the rollout.
    """
    live = read_live_objects(store, spec.names)
    if find_foreign(store, spec, live) is not None:
        raise SpecError(
            "adopt",
            f"StatefulSet {spec.names.stateful_set} is there, and this collection did not deploy it. Take it over with "
            "adopt: true, or choose another name. mysql_cluster_verify judges it as it is",
        )
    topology, bundle = render_desired(store, spec, live, runtime, read)
    check_transition(store, live, spec, bundle, topology.primary, bootstrapped=topology.bootstrapped is not None)
    changes = plan_changes(store, live, bundle, runtime.digest)
    return Deployment(spec, topology, bundle, without_early_prunes(store, spec.names, live, changes, wait=wait))


def find_foreign(store: ObjectStore, spec: ClusterSpec, live: LiveObjects) -> Manifest | None:
    """The StatefulSet of the cluster's name, if it does not have the collection's labels."""
    name = spec.names.stateful_set
    return None if live.get("StatefulSet", name) else store.get("StatefulSet", name)


@dataclass(frozen=True)
class WaitOptions:
    """How a deployment waits: it reads acknowledgements by ``read`` and gives up after ``timeout`` seconds without progress."""

    diagnostics: Diagnostics
    read: AckReader
    timeout: float
    clock: Clock


def deploy(store: ObjectStore, deployment: Deployment, runtime: Runtime, waiting: WaitOptions, *, wait: bool) -> Deployed:
    """Carry out a planned deployment: apply what changes and, if ``wait``, return when every pod is ready and has
    acknowledged the topology. ConfigMaps that are superseded go last.
    """
    names = deployment.spec.names
    watch = RolloutWatch(store, waiting.diagnostics, waiting.read, names, waiting.clock)
    timeout = waiting.timeout if wait else 0.0
    steps = [*apply_steps(store, names, deployment.bundle, deployment.changes)]
    if wait:
        steps += wait_steps(store, names, watch, waiting.read, runtime.timestamp, timeout=timeout)
    # Without waiting the plan has these deletions only if the rollout was over by then.
    steps += prune_steps(store, names, deployment.changes, timeout)
    run = run_steps(steps, DeploymentState(deployment.topology, deployment.changes), clock=waiting.clock)
    return Deployed(_outcome(run, watch), run.state.topology)


def _outcome(run: Run[DeploymentState], watch: RolloutWatch) -> Outcome:
    warnings = (run.state.refusal,) if run.state.refusal else ()
    try:
        stalled = _stalled(run, watch)
    except CollectionError as failure:
        return Outcome(run.state.made, failure, warnings=warnings)
    error = run.error if stalled is None else WaitTimeout(stalled.message)
    return Outcome(run.state.made, error, stalled=stalled, warnings=warnings)


def _stalled(run: Run[DeploymentState], watch: RolloutWatch) -> StalledRollout | None:
    """Where a wait ended without progress; None for any other end. After the rollout, its progress is that of all pods."""
    if not isinstance(run.error, WaitTimeout):
        return None
    if run.failed in ROLLOUT:
        return watch.stalled(run.error.message, run.state.rollout)
    return StalledRollout(run.error.message, {}, len(run.state.rollout.pods))
