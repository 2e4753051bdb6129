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
from ..manifests.bundle import Bundle, render
from ..names import Names, ordinal_of
from ..spec import ClusterSpec, Topology
from ..state.acknowledgement import AckReader
from ..state.live_objects import LiveObjects, read_live_objects
from ..state.reader import read_pod, read_pods
from ..state.topology import parse_topology
from ..wait import Clock
from .diff import Change, FieldChange
from .intent import deliver_intent, wait_for_acknowledgements, write_intent
from .outcome import Outcome, StalledRollout
from .passwords import check_foreign_secret, resolve_passwords
from .plan import apply_changes, plan_changes
from .recovery import claims_hold_data, recover_topology
from .rollout import Rollout, wait_for_rollout
from .superseded import prune_superseded, without_early_prunes, without_superseded

__all__ = [
    "Deployed",
    "Deployment",
    "Runtime",
    "WaitOptions",
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

    def cluster_id(self) -> str:
        """An id that no other cluster has."""


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
    changes = plan_changes(store, live, bundle, runtime.digest)
    return Deployment(spec, topology, bundle, without_early_prunes(store, spec.names, live, changes, wait=wait))


def render_desired(
    store: ObjectStore, spec: ClusterSpec, live: LiveObjects, runtime: Runtime, read: AckReader
) -> tuple[Topology, Bundle]:
    """The topology and the manifests of a cluster that the collection deployed, or of a new one."""
    topology = _topology(store, spec, live, runtime, read)
    accounts_exist = topology.bootstrapped is not None or _lost_passwords(store, spec, live, read)
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


@dataclass(frozen=True)
class WaitOptions:
    """How a deployment waits: it reads acknowledgements by ``read`` and gives up after ``timeout`` seconds without progress."""

    diagnostics: Diagnostics
    read: AckReader
    timeout: float
    clock: Clock


def deploy(store: ObjectStore, deployment: Deployment, runtime: Runtime, waiting: WaitOptions, *, wait: bool) -> Deployed:
    """Apply a planned deployment and complete it."""
    applied, deployment = apply_deployment(store, deployment)
    if applied.error is not None:
        return Deployed(applied, deployment.topology)
    return complete_deployment(store, applied, deployment, runtime, waiting, wait=wait)


def apply_deployment(store: ObjectStore, deployment: Deployment) -> tuple[Outcome, Deployment]:
    """Apply the topology first: if another run has changed it meanwhile, nothing else is changed.

    Returns the deployment with the topology's new version.
    """
    names, changes, bundle = deployment.spec.names, deployment.changes, deployment.bundle
    (written,) = [each for each in changes if _is_topology(each, names)]
    if written.action == "none":
        return apply_changes(store, bundle, changes), deployment
    try:
        topology = write_intent(store, names, deployment.topology)
        pods = read_pods(store, names.selector).values() if written.action != "create" else ()
        refusal = deliver_intent(store, pods, topology)
    except CollectionError as error:
        return Outcome((), error), deployment
    deployment = replace(deployment, topology=topology)
    rest = tuple(each for each in bundle if (each["kind"], each["metadata"]["name"]) != ("ConfigMap", names.topology))
    applied = apply_changes(store, rest, tuple(each for each in changes if each is not written))
    made = changes if applied.error is None else (written, *applied.changes)
    return replace(applied, changes=made, warnings=(refusal,) if refusal else ()), deployment


def complete_deployment(
    store: ObjectStore, applied: Outcome, deployment: Deployment, runtime: Runtime, waiting: WaitOptions, *, wait: bool
) -> Deployed:
    """If ``wait``, wait for every pod of an applied deployment; then make the deletions that had to wait for that."""
    timeout = waiting.timeout
    if wait:
        deployed = _wait_for_pods(store, applied, deployment, runtime, waiting)
        if deployed.outcome.error is not None:
            return replace(deployed, outcome=replace(deployed.outcome, changes=without_superseded(deployed.outcome.changes)))
    else:
        # The plan has such deletions only if the rollout was over by then.
        deployed, timeout = Deployed(replace(applied, changes=deployment.changes), deployment.topology), 0.0
    names, changes, warnings = deployment.spec.names, deployed.outcome.changes, deployed.outcome.warnings
    pruned = prune_superseded(store, names, changes, timeout=timeout, clock=waiting.clock)
    return replace(deployed, outcome=replace(pruned, warnings=warnings))


def _is_topology(change: Change, names: Names) -> bool:
    return (change.kind, change.name) == ("ConfigMap", names.topology)


def _wait_for_pods(
    store: ObjectStore, applied: Outcome, deployment: Deployment, runtime: Runtime, waiting: WaitOptions
) -> Deployed:
    """Wait until every pod of an applied deployment is ready; meanwhile record that the cluster has data.

    Then every pod has to acknowledge the topology, unless that is recorded already.
    """
    names, refusal = deployment.spec.names, None

    def record_bootstrap(rollout: Rollout) -> None:
        nonlocal deployment, refusal
        if deployment.topology.bootstrapped is None and rollout.ready(deployment.topology.primary):
            bootstrapped = _bootstrapped(deployment, runtime.timestamp())
            topology = write_intent(store, names, bootstrapped.topology)
            deployment = replace(bootstrapped, topology=topology)
            refusal = deliver_intent(store, rollout.pods, topology)

    error: CollectionError | None = None
    stalled = None
    try:
        stalled = wait_for_rollout(
            store, waiting.diagnostics, waiting.read, names, timeout=waiting.timeout, clock=waiting.clock, act=record_bootstrap
        )
        if stalled is None and not deployment.topology.acknowledged:
            stalled, topology, late = _acknowledged(store, deployment, waiting)
            deployment, refusal = replace(deployment, topology=topology), late or refusal
        error = WaitTimeout(stalled.message) if stalled else None
    except CollectionError as failure:
        error = failure
    # A refusal of later deliveries says the same as one of the first.
    warnings = (refusal,) if refusal else applied.warnings
    return Deployed(Outcome(deployment.changes, error, stalled=stalled, warnings=warnings), deployment.topology)


def _acknowledged(
    store: ObjectStore, deployment: Deployment, waiting: WaitOptions
) -> tuple[StalledRollout | None, Topology, str | None]:
    """Wait for all acknowledgements and record them: where that stalled, the topology, and the refusal to patch pods."""
    names, topology = deployment.spec.names, deployment.topology
    pods = read_pods(store, names.selector)
    instances = sorted(filter(names.is_instance, pods))
    refusal = deliver_intent(store, pods.values(), topology)
    polled = wait_for_acknowledgements(waiting.read, topology, instances, timeout=waiting.timeout, clock=waiting.clock)
    if polled.timed_out is not None:
        return StalledRollout(polled.timed_out, {}, len(instances)), topology, refusal
    return None, write_intent(store, names, replace(topology, acknowledged=True)), refusal


def _bootstrapped(deployment: Deployment, timestamp: str) -> Deployment:
    """The same deployment with the record that the cluster has data."""
    names = deployment.spec.names
    noted = Change("update", "ConfigMap", names.topology, (FieldChange(f"data.{TOPOLOGY_BOOTSTRAPPED}", None, timestamp),))
    changes = (noted if _is_topology(each, names) and each.action == "none" else each for each in deployment.changes)
    topology = replace(deployment.topology, bootstrapped=timestamp, acknowledged=False)
    return replace(deployment, topology=topology, changes=tuple(changes))


def _topology(store: ObjectStore, spec: ClusterSpec, live: LiveObjects, runtime: Runtime, read: AckReader) -> Topology:
    """The live topology, a lost one, or that of a new cluster. A primary that is ready has data, even if no run noted it."""
    names = spec.names
    known = parse_topology(live.get("ConfigMap", names.topology)) or recover_topology(store, read, names)
    if known is None:
        return Topology(names.instance(0), cluster=runtime.cluster_id())
    if known.cluster is None:
        known = replace(known, cluster=runtime.cluster_id(), acknowledged=False)
    if known.bootstrapped is None and live.get("StatefulSet", names.stateful_set) is not None:
        primary = read_pod(store, known.primary)
        if primary is not None and primary.ready:
            return replace(known, bootstrapped=runtime.timestamp(), acknowledged=False)
    return known


def _lost_passwords(store: ObjectStore, spec: ClusterSpec, live: LiveObjects, read: AckReader) -> bool:
    """True if the Secret is missing although claims may hold accounts with its passwords."""
    secret = live.get("Secret", spec.names.secret)
    return secret is None and not spec.secret_is_foreign and claims_hold_data(store, read, spec.names)


def _check_scale(spec: ClusterSpec, topology: Topology) -> None:
    if ordinal_of(topology.primary) >= spec.replicas:
        needed = ordinal_of(topology.primary) + 1
        raise SpecError("replicas", f"{spec.replicas} would remove the primary {topology.primary}; keep at least {needed}")
