# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: present`: plan, apply, wait for the rollout, and record that the cluster has data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..constants import TOPOLOGY_BOOTSTRAPPED
from ..errors import CollectionError, SpecError, WaitTimeout
from ..kube.manifest import Manifest
from ..kube.port import Diagnostics, ObjectStore
from ..manifests import config_maps
from ..manifests.bundle import Bundle, render
from ..names import ordinal_of
from ..spec import ClusterSpec, Topology
from ..state.live_objects import LiveObjects, read_live_objects
from ..state.reader import read_pod
from ..state.topology import parse_topology
from ..wait import Clock
from .diff import Change, FieldChange
from .outcome import Outcome
from .passwords import check_foreign_secret, resolve_passwords
from .plan import apply_changes, plan_changes
from .rollout import Rollout, wait_for_rollout
from .superseded import prune_superseded, without_early_prunes, without_superseded

__all__ = [
    "Deployed",
    "Deployment",
    "Runtime",
    "apply_deployment",
    "complete_deployment",
    "deploy",
    "find_foreign",
    "plan_deployment",
    "render_deployment",
    "render_desired",
]


class Runtime(t.Protocol):
    """Passwords, digests and the current time; injected so that use cases stay deterministic."""

    def password(self) -> str:
        """A new password."""

    def digest(self, value: str) -> str:
        """A stand-in for a secret value: equal for equal values of this run, of no use to anybody else."""

    def timestamp(self) -> str:
        """The present time, RFC 3339."""


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


def plan_deployment(store: ObjectStore, spec: ClusterSpec, runtime: Runtime, *, wait: bool) -> Deployment:
    """Find out the changes without making any; ``store`` must be one that only plans.

    A StatefulSet of the cluster's name that the collection did not deploy is refused. ``wait`` if the run will wait for the
    rollout.
    """
    live = read_live_objects(store, spec.names)
    if find_foreign(store, spec, live) is not None:
        raise SpecError(
            "adopt",
            f"StatefulSet {spec.names.stateful_set} is there, and this collection did not deploy it. Take it over with "
            "adopt: true, or choose another name. mysql_cluster_verify judges it as it is",
        )
    topology, bundle = render_desired(store, spec, live, runtime)
    changes = plan_changes(store, live, bundle, runtime.digest)
    return Deployment(spec, topology, bundle, without_early_prunes(store, spec.names, live, changes, wait=wait))


def render_desired(store: ObjectStore, spec: ClusterSpec, live: LiveObjects, runtime: Runtime) -> tuple[Topology, Bundle]:
    """The topology and the manifests of a cluster that the collection deployed, or of a new one."""
    topology = _topology(store, spec, live, runtime)
    accounts_exist = topology.bootstrapped is not None
    return topology, render_deployment(store, spec, live, topology, runtime, accounts_exist=accounts_exist)


def find_foreign(store: ObjectStore, spec: ClusterSpec, live: LiveObjects) -> Manifest | None:
    """The StatefulSet of the cluster's name, if it does not have the collection's labels."""
    name = spec.names.stateful_set
    return None if live.get("StatefulSet", name) else store.get("StatefulSet", name)


def render_deployment(
    store: ObjectStore, spec: ClusterSpec, live: LiveObjects, topology: Topology, runtime: Runtime, *, accounts_exist: bool
) -> Bundle:
    """Render the manifests. ``accounts_exist``: the servers have the accounts with the passwords of the live Secret."""
    _check_scale(spec, topology)
    passwords = None
    if spec.secret_is_foreign:
        check_foreign_secret(store, spec.names.secret)
    else:
        secret = live.get("Secret", spec.names.secret) or store.get("Secret", spec.names.secret)
        passwords = resolve_passwords(spec, secret, bootstrapped=accounts_exist, generate=runtime.password)
    return render(spec, topology, kubernetes=store.server_version(), passwords=passwords)


def deploy(
    store: ObjectStore,
    diagnostics: Diagnostics,
    deployment: Deployment,
    runtime: Runtime,
    *,
    wait: bool,
    timeout: float,
    clock: Clock,
) -> Deployed:
    """Apply a planned deployment and complete it."""
    applied = apply_deployment(store, deployment)
    if applied.error is not None:
        return Deployed(applied, deployment.topology)
    return complete_deployment(store, diagnostics, deployment, runtime, wait=wait, timeout=timeout, clock=clock)


def apply_deployment(store: ObjectStore, deployment: Deployment) -> Outcome:
    return apply_changes(store, deployment.bundle, deployment.changes)


def complete_deployment(
    store: ObjectStore,
    diagnostics: Diagnostics,
    deployment: Deployment,
    runtime: Runtime,
    *,
    wait: bool,
    timeout: float,
    clock: Clock,
) -> Deployed:
    """If ``wait``, wait until every pod of an applied deployment is ready; then make the deletions that had to wait for it."""
    if wait:
        deployed = _wait_for_pods(store, diagnostics, deployment, runtime, timeout=timeout, clock=clock)
        if deployed.outcome.error is not None:
            return replace(deployed, outcome=replace(deployed.outcome, changes=without_superseded(deployed.outcome.changes)))
    else:
        # The plan has such deletions only if the rollout was over by then.
        deployed, timeout = Deployed(Outcome(deployment.changes), deployment.topology), 0.0
    names, changes = deployment.spec.names, deployed.outcome.changes
    return replace(deployed, outcome=prune_superseded(store, names, changes, timeout=timeout, clock=clock))


def _wait_for_pods(
    store: ObjectStore, diagnostics: Diagnostics, deployment: Deployment, runtime: Runtime, *, timeout: float, clock: Clock
) -> Deployed:
    """Wait until every pod of an applied deployment is ready; meanwhile record that the cluster has data."""
    names = deployment.spec.names

    def record_bootstrap(rollout: Rollout) -> None:
        nonlocal deployment
        if deployment.topology.bootstrapped is None and rollout.ready(deployment.topology.primary):
            deployment = _bootstrapped(deployment, runtime.timestamp())
            store.apply(config_maps.topology(names, deployment.topology))

    created = any((each.kind, each.action) == ("StatefulSet", "create") for each in deployment.changes)
    error: CollectionError | None = None
    stalled = None
    try:
        stalled = wait_for_rollout(
            store, diagnostics, names, created=created, timeout=timeout, clock=clock, act=record_bootstrap
        )
        error = WaitTimeout(stalled.message) if stalled else None
    except CollectionError as failure:
        error = failure
    return Deployed(Outcome(deployment.changes, error, stalled=stalled), deployment.topology)


def _bootstrapped(deployment: Deployment, timestamp: str) -> Deployment:
    """The same deployment with the record that the cluster has data."""
    name = deployment.spec.names.topology
    noted = Change("update", "ConfigMap", name, (FieldChange(f"data.{TOPOLOGY_BOOTSTRAPPED}", None, timestamp),))
    changes = (noted if (each.name, each.action) == (name, "none") else each for each in deployment.changes)
    return replace(deployment, topology=Topology(deployment.topology.primary, timestamp), changes=tuple(changes))


def _topology(store: ObjectStore, spec: ClusterSpec, live: LiveObjects, runtime: Runtime) -> Topology:
    """The live topology, or that of a new cluster. A primary that is ready has data, even if no run waited for it."""
    known = parse_topology(live.get("ConfigMap", spec.names.topology))
    if known is None:
        return Topology(spec.names.instance(0))
    if known.bootstrapped is None and live.get("StatefulSet", spec.names.stateful_set) is not None:
        primary = read_pod(store, known.primary)
        if primary is not None and primary.ready:
            return Topology(known.primary, runtime.timestamp())
    return known


def _check_scale(spec: ClusterSpec, topology: Topology) -> None:
    if ordinal_of(topology.primary) >= spec.replicas:
        needed = ordinal_of(topology.primary) + 1
        raise SpecError("replicas", f"{spec.replicas} would remove the primary {topology.primary}; keep at least {needed}")
