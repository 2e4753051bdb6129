# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes over a cluster that the collection did not deploy: prepare, release, then an ordinary deployment.

A StatefulSet's selector and claim template cannot be changed, so it is deleted without its pods and created anew. Claims keep
their names and their data. Pods keep running until the new StatefulSet owns them; then all of them are replaced at once, since
an instance of the new template cannot replicate from one of the old, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from ..constants import LABEL_MANAGED_BY, MANAGED_BY
from ..errors import CollectionError
from ..kube.manifest import Manifest
from ..kube.port import ObjectStore
from ..manifests.bundle import Bundle
from ..names import Names
from ..spec import ClusterSpec, Topology
from ..state.acknowledgement import AckReader
from ..state.live_objects import LiveObjects, read_live_objects
from ..state.reader import read_pods
from ..state.topology import parse_topology
from .deploy import Deployed, Deployment, WaitOptions, deploy, find_foreign, plan_deployment
from .desired import Runtime, render_deployment, render_desired
from .diff import Change, FieldChange
from .engine import Step, run_steps, unchanged
from .inspection import ExistingCluster, Inspection, inspect_existing
from .intent import write_intent
from .outcome import Outcome
from .plan import Digest, check_owner, check_stateful_set, differences, plan_changes, plan_object, plan_prunes
from .superseded import is_superseded, without_early_prunes, without_superseded
from .transition import check_transition

__all__ = ["Adoption", "adopt", "plan_adoption"]


@dataclass(frozen=True)
class Adoption:
    """The plan of an adoption. ``deployment`` holds all changes, of the steps before the deployment as well.

    ``foreign`` is None if an earlier run released the pods already; what remains is done all the same.
    """

    deployment: Deployment
    foreign: Inspection | None


# --- plan ---------------------------------------------------------------------------------------------------------------


def plan_adoption(
    store: ObjectStore, spec: ClusterSpec, runtime: Runtime, existing: ExistingCluster, read: AckReader, *, wait: bool
) -> Adoption:
    """Raise ``SpecError`` if anything forbids the adoption; nothing is changed. ``store`` must be one that only plans.

    ``wait`` if the run will wait for the rollout.
    """
    live = read_live_objects(store, spec.names)
    stateful_set = find_foreign(store, spec, live)
    if stateful_set is None:
        topology, bundle = render_desired(store, spec, live, runtime, read)
        check_transition(store, live, spec, bundle, topology.primary, bootstrapped=topology.bootstrapped is not None)
        plan = _plan_objects if _is_begun(live, spec.names) else plan_changes
        changes = plan(store, live, bundle, runtime.digest)
        changes = without_early_prunes(store, spec.names, live, changes, wait=wait)
        return Adoption(Deployment(spec, topology, bundle, changes), None)
    foreign = inspect_existing(spec, stateful_set, existing)
    known = parse_topology(live.get("ConfigMap", spec.names.topology)) or Topology(foreign.primary)
    cluster = known.cluster or runtime.cluster_id()
    topology = replace(known, primary=foreign.primary, bootstrapped=runtime.timestamp(), cluster=cluster, acknowledged=False)
    # The collection's accounts do not exist yet.
    bundle = render_deployment(store, spec, live, topology, runtime, accounts_exist=False)
    changes = (*_plan_claims(spec.names, foreign), *_plan_objects(store, live, bundle, runtime.digest))
    changes = without_early_prunes(store, spec.names, live, changes, wait=wait)
    return Adoption(Deployment(spec, topology, bundle, changes), foreign)


def _is_begun(live: LiveObjects, names: Names) -> bool:
    """True if a cluster is there or was released by an earlier run. A new cluster takes over nothing."""
    return any(live.get(kind, name) for kind, name in (("StatefulSet", names.stateful_set), ("ConfigMap", names.topology)))


def _plan_objects(store: ObjectStore, live: LiveObjects, bundle: Bundle, digest: Digest) -> tuple[Change, ...]:
    check_stateful_set(live, bundle)
    return (*(_plan_object(store, live, manifest, digest) for manifest in bundle), *plan_prunes(live, bundle))


def _plan_object(store: ObjectStore, live: LiveObjects, manifest: Manifest, digest: Digest) -> Change:
    """A foreign object is taken over. A foreign Secret keeps its other keys."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    before = None if live.get(kind, name) or kind == "Secret" else store.get(kind, name)
    if before is None:
        return plan_object(store, live, manifest, digest, adopting=True)
    check_owner(before, manifest, adopting=True)
    after = _created_anew(store, manifest) if kind == "StatefulSet" else store.take_over(manifest).manifest
    return Change("adopt", kind, name, differences(before, after, digest))


def _created_anew(store: ObjectStore, manifest: Manifest) -> Manifest:
    """Dry-run create under a temporary name: the StatefulSet still exists and its selector is immutable."""
    metadata = manifest["metadata"]
    created = store.apply({**manifest, "metadata": {**metadata, "name": f"{metadata['name']}-anew"}}).manifest
    return {**created, "metadata": {**created["metadata"], "name": metadata["name"]}}


def _plan_claims(names: Names, foreign: Inspection) -> tuple[Change, ...]:
    """The labels that mark the claims as the cluster's."""
    fields = tuple(FieldChange(f"metadata.labels[{key}]", None, value) for key, value in sorted(names.selector.items()))
    return tuple(Change("update", "PersistentVolumeClaim", names.claim_of(each), fields) for each in foreign.instances)


# --- steps --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _State:
    """``done`` holds the names of the steps that were done; ``released``: the StatefulSet is gone."""

    done: frozenset[str] = frozenset()
    released: bool = False


def adopt(
    store: ObjectStore,
    adoption: Adoption,
    runtime: Runtime,
    existing: ExistingCluster,
    *,
    planner: ObjectStore,
    wait: bool,
    waiting: WaitOptions,
) -> Deployed:
    """Carry out an adoption. Each step can be repeated: a run that was cut off is continued by the next.

    ``planner`` is a store that only plans. The steps before the deployment wait even without ``wait``.
    """
    planned = adoption.deployment
    steps = _steps(store, adoption, existing, waiting)
    run = run_steps(steps, _State(), clock=waiting.clock)
    if run.error is not None:
        return _failed(run.error, planned)
    try:
        deployment = plan_deployment(planner, planned.spec, runtime, waiting.read, wait=wait) if steps else planned
        # The foreign pods run until the StatefulSet owns them; what is superseded stays until they have been replaced.
        objects = replace(deployment, changes=without_superseded(deployment.changes))
        applied = deploy(store, objects, runtime, waiting, wait=False)
        if applied.outcome.error is not None:
            return replace(applied, outcome=replace(applied.outcome, unlisted=True))
        _replace_foreign_pods(store, planned.spec.names)
    except CollectionError as error:
        return _failed(error, planned)
    rest = replace(deployment, topology=applied.topology, changes=tuple(filter(is_superseded, deployment.changes)))
    deployed = deploy(store, rest, runtime, waiting, wait=wait)
    changes = without_superseded(planned.changes) if deployed.outcome.error is not None else planned.changes
    warnings = deployed.outcome.warnings or applied.outcome.warnings
    return replace(deployed, outcome=replace(deployed.outcome, changes=changes, warnings=warnings))


def _failed(error: CollectionError, planned: Deployment) -> Deployed:
    # Labels, GTID modes and deleted pods are not among the changes.
    return Deployed(Outcome((), error, unlisted=True), planned.topology)


def _steps(store: ObjectStore, adoption: Adoption, existing: ExistingCluster, waiting: WaitOptions) -> tuple[Step[_State], ...]:
    """Prepare the servers, release the pods, and take over the objects that are kept."""
    planned, foreign = adoption.deployment, adoption.foreign
    prepare = () if foreign is None or foreign.gtids_on else (_gtid_step(existing, foreign, waiting),)
    release = () if foreign is None else _release_steps(store, planned, foreign, waiting)
    return (*prepare, *release, *_take_over_steps(store, planned))


def _once(name: str, act: Callable[[], object]) -> Step[_State]:
    """A step whose success proves it."""

    def done(state: _State) -> _State:
        act()
        return replace(state, done=state.done | {name})

    return Step(name, lambda state: None if name in state.done else name, done, unchanged, timeout=0)


def _gtid_step(existing: ExistingCluster, foreign: Inspection, waiting: WaitOptions) -> Step[_State]:
    """New instances replicate by GTIDs alone, and a restarted one could not be compared without them."""
    replicas = tuple(name for name in foreign.instances if name != foreign.primary)
    timeout, clock = waiting.timeout, waiting.clock
    return _once("switch GTIDs on", lambda: existing.switch_gtids_on(foreign.primary, replicas, timeout=timeout, clock=clock))


def _release_steps(
    store: ObjectStore, planned: Deployment, foreign: Inspection, waiting: WaitOptions
) -> tuple[Step[_State], ...]:
    """Delete the StatefulSet without its pods. The pods get the labels by which the next StatefulSet finds them.

    Topology and passwords are written first: with them the next run continues after any of these steps, and of two runs
    only one gets past the topology.
    """
    names = planned.spec.names
    secrets = [manifest for manifest in planned.bundle if manifest["kind"] == "Secret"]
    claims = [_labels("PersistentVolumeClaim", names.claim_of(name), names) for name in foreign.instances]
    pods = [_labels("Pod", name, names) for name in foreign.instances]
    return (
        _once("write the topology", partial(write_intent, store, names, planned.topology)),
        *(
            _once(f"apply {each['kind']} {each['metadata']['name']}", partial(store.apply, each))
            for each in (*secrets, *claims, *pods)
        ),
        _release_step(store, names.stateful_set, waiting.timeout),
    )


def _labels(kind: str, name: str, names: Names) -> Manifest:
    """The labels that mark an object as the cluster's."""
    metadata = {"name": name, "namespace": names.namespace, "labels": names.selector}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def _release_step(store: ObjectStore, name: str, timeout: float) -> Step[_State]:
    def missing(state: _State) -> str | None:
        return None if state.released else f"StatefulSet {name} to be gone"

    def act(state: _State) -> _State:
        store.delete("StatefulSet", name, orphan=True)
        return state

    def look(state: _State) -> _State:
        return replace(state, released=store.get("StatefulSet", name) is None)

    return Step("release the pods", missing, act, look, timeout)


def _take_over_steps(store: ObjectStore, planned: Deployment) -> Iterator[Step[_State]]:
    """Become the owner of foreign objects that are kept. The StatefulSet is not one of them."""
    adopted = {(each.kind, each.name) for each in planned.changes if each.action == "adopt" and each.kind != "StatefulSet"}
    for manifest in planned.bundle:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if (kind, name) in adopted:
            yield _once(f"take over {kind} {name}", partial(store.take_over, manifest))


def _replace_foreign_pods(store: ObjectStore, names: Names) -> None:
    """Delete the pods that are not made of the cluster's template, all of them at the same time."""
    for pod in read_pods(store, names.selector).values():
        if pod.labels.get(LABEL_MANAGED_BY) != MANAGED_BY and not pod.terminating:
            store.delete("Pod", pod.name)
