# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes over a cluster that the collection did not deploy: prepare, release, then an ordinary deployment.

A StatefulSet's selector and claim template cannot be changed, so it is deleted without its pods and created anew. Claims keep
their names and their data. Pods keep running until the new StatefulSet owns them; then all of them are replaced at once, since
an instance of the new template cannot replicate from one of the old, nor the other way round.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..constants import CONFIG_CHECKSUM_ANNOTATION, DATA_VOLUME
from ..errors import CollectionError, SpecError
from ..health.assess import assess
from ..health.observation import ClusterObservation, InstanceObservation
from ..health.summary import summary
from ..kube.manifest import Manifest
from ..kube.port import Diagnostics, ObjectStore
from ..kube.quantity import parse_quantity
from ..manifests import config_maps
from ..manifests.bundle import Bundle
from ..mysql.version import ServerVersion
from ..names import Names, ordinal_of
from ..spec import ClusterSpec, Topology
from ..state.live_objects import LiveObjects, read_live_objects
from ..state.reader import read_pods
from ..wait import Clock, wait_until
from .deploy import (
    Deployed,
    Deployment,
    Runtime,
    apply_deployment,
    find_foreign,
    plan_deployment,
    render_deployment,
    render_desired,
    wait_for_deployment,
)
from .diff import Change, FieldChange
from .outcome import Outcome
from .plan import Digest, check_stateful_set, differences, plan_object, plan_prunes

__all__ = ["Adoption", "ExistingCluster", "adopt", "plan_adoption"]

_INTERVAL = 0.1
_DATA_MOUNT = "/var/lib/mysql"
_DATA_FOLDER = "mysql"


class ExistingCluster(t.Protocol):
    """The servers of the cluster that is to be adopted, reached with its owner's credentials."""

    def observe(self, selector: Mapping[str, str]) -> ClusterObservation:
        """All instances whose pods have these labels."""

    def switch_gtids_on(self, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
        """See ``operations/gtid_switch.py``."""


@dataclass(frozen=True)
class Inspection:
    """A foreign StatefulSet that can be adopted, and its instances. ``gtids_on``: replicas can follow GTIDs already."""

    stateful_set: Manifest
    primary: str
    instances: tuple[str, ...]
    gtids_on: bool

    @property
    def warning(self) -> str:
        """The consequences, for the person who confirms the adoption."""
        name = self.stateful_set["metadata"]["name"]
        first = "" if self.gtids_on else "GTIDs are switched on, on all servers, and stay on. "
        return (
            f"{first}StatefulSet {name} is taken over. Its selector and claim template cannot be changed in place: it is "
            "deleted without its pods and made anew, then all pods are replaced at the same time, "
            f"{self.primary} among them, and nobody can read or write until they are ready. Claims and data stay. "
            "root@localhost gets the password of the Secret; all other accounts stay, those without a password, too"
        )


@dataclass(frozen=True)
class Adoption:
    """The plan of an adoption. ``deployment`` holds all changes, of the steps before the deployment as well.

    ``foreign`` is None if an earlier run released the pods already; what remains is done all the same.
    """

    deployment: Deployment
    foreign: Inspection | None


# --- plan ---------------------------------------------------------------------------------------------------------------


def plan_adoption(store: ObjectStore, spec: ClusterSpec, runtime: Runtime, existing: ExistingCluster) -> Adoption:
    """Raise ``SpecError`` if anything forbids the adoption; nothing is changed. ``store`` must be one that only plans."""
    live = read_live_objects(store, spec.names)
    stateful_set = find_foreign(store, spec, live)
    if stateful_set is None:
        topology, bundle = render_desired(store, spec, live, runtime)
        return Adoption(Deployment(spec, topology, bundle, _plan_objects(store, live, bundle, runtime.digest)), None)
    foreign = _inspect(spec, stateful_set, existing)
    topology = Topology(foreign.primary, runtime.timestamp())
    # The collection's accounts do not exist yet.
    bundle = render_deployment(store, spec, live, topology, runtime, accounts_exist=False)
    changes = (*_plan_claims(spec.names, foreign), *_plan_objects(store, live, bundle, runtime.digest))
    return Adoption(Deployment(spec, topology, bundle, changes), foreign)


def _inspect(spec: ClusterSpec, stateful_set: Manifest, existing: ExistingCluster) -> Inspection:
    selector = _selector(stateful_set)
    _check_shape(spec, stateful_set)
    observation = existing.observe(selector)
    primary = _check_health(spec, observation)
    for instance in observation.instances:
        _check_instance(spec, instance, primary)
    names = tuple(each.name for each in observation.instances)
    modes = {each.status.gtid_mode for each in observation.instances if each.status}
    return Inspection(stateful_set, primary, names, gtids_on=modes <= {None, "ON"})


def _refuse(problem: str) -> SpecError:
    return SpecError("adopt", f"{problem}. Nothing was changed")


def _selector(stateful_set: Manifest) -> dict[str, str]:
    selector = stateful_set["spec"]["selector"]
    if selector.get("matchExpressions"):
        raise _refuse("the StatefulSet selects its pods by matchExpressions, and only matchLabels are supported")
    labels: dict[str, str] = selector["matchLabels"]
    return labels


def _check_shape(spec: ClusterSpec, stateful_set: Manifest) -> None:
    """Refuse claims that the new pods cannot use, or that would be deleted with the StatefulSet."""
    body = stateful_set["spec"]
    if body["replicas"] != spec.replicas:
        raise SpecError(
            "replicas", f"is {spec.replicas}, and the cluster to adopt has {body['replicas']}; adopt first, then scale"
        )
    if (body.get("persistentVolumeClaimRetentionPolicy") or {}).get("whenDeleted") == "Delete":
        raise _refuse(
            "its claims would be deleted together with it; set persistentVolumeClaimRetentionPolicy.whenDeleted to Retain"
        )
    _check_claim(spec, body.get("volumeClaimTemplates") or [])
    mounts = [mount for container in body["template"]["spec"]["containers"] for mount in container.get("volumeMounts") or []]
    found = [mount for mount in mounts if mount["mountPath"] == _DATA_MOUNT]
    if not any((mount["name"], mount.get("subPath")) == (DATA_VOLUME, _DATA_FOLDER) for mount in found):
        seen = ", ".join(sorted({f"{mount['name']}, subPath {mount.get('subPath', '')!r}" for mount in found})) or "nothing"
        raise _refuse(f"{_DATA_MOUNT} is {seen}; expected the claim {DATA_VOLUME!r} with subPath {_DATA_FOLDER!r}")


def _check_claim(spec: ClusterSpec, templates: list[Manifest]) -> None:
    claim = next((each["spec"] for each in templates if each["metadata"]["name"] == DATA_VOLUME), None)
    if claim is None:
        raise _refuse(f"the StatefulSet has no volume claim template called {DATA_VOLUME!r}")
    size, storage_class = claim["resources"]["requests"]["storage"], claim.get("storageClassName")
    if parse_quantity("size of the claims", size) != parse_quantity("storage_size", spec.storage_size):
        raise SpecError("storage_size", f"is {spec.storage_size}, and the claims to adopt have {size}; set it to {size}")
    if spec.storage_class not in (None, storage_class):
        raise SpecError("storage_class", f"is {spec.storage_class}, and the claims to adopt have {storage_class}; leave it out")


def _check_health(spec: ClusterSpec, observation: ClusterObservation) -> str:
    """The primary of a healthy cluster; refuse any other cluster."""
    assessment = assess(observation, spec.max_lag)
    if not assessment.healthy or assessment.primary is None:
        raise _refuse(f"the cluster has to be healthy first. {summary(observation, assessment)}")
    return assessment.primary


def _check_instance(spec: ClusterSpec, instance: InstanceObservation, primary: str) -> None:
    status = instance.status
    if status is None:
        raise _refuse(f"{instance.name} does not answer")
    version = ServerVersion.parse(status.version)
    if version.series != spec.server.version.series:
        raise SpecError(
            "image", f"holds {spec.server}, and {instance.name} runs {version}; adopt with the same series, then upgrade"
        )
    expected = spec.server_id_base + ordinal_of(instance.name)
    if status.server_id != expected:
        base = status.server_id - ordinal_of(instance.name)
        raise SpecError(
            "server_id_base", f"gives {instance.name} the server_id {expected}, and it has {status.server_id}; set it to {base}"
        )
    if instance.name != primary and not instance.caught_up:
        raise _refuse(
            f"{instance.name} does not report that it has all that {primary} has: its GTID position does not cover the "
            "primary's. Write something on the primary, and look whether the replica follows"
        )


def _plan_objects(store: ObjectStore, live: LiveObjects, bundle: Bundle, digest: Digest) -> tuple[Change, ...]:
    check_stateful_set(live, bundle)
    return (*(_plan_object(store, live, manifest, digest) for manifest in bundle), *plan_prunes(live, bundle))


def _plan_object(store: ObjectStore, live: LiveObjects, manifest: Manifest, digest: Digest) -> Change:
    """A foreign object is taken over. A foreign Secret keeps its other keys."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    before = None if live.get(kind, name) or kind == "Secret" else store.get(kind, name)
    if before is None:
        return plan_object(store, live, manifest, digest)
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


def adopt(
    store: ObjectStore,
    diagnostics: Diagnostics,
    adoption: Adoption,
    runtime: Runtime,
    existing: ExistingCluster,
    *,
    planner: ObjectStore,
    wait: bool,
    timeout: float,
    clock: Clock,
) -> Deployed:
    """Carry out an adoption. Each step can be repeated: a run that was cut off is continued by the next.

    ``planner`` is a store that only plans.
    """
    planned = adoption.deployment
    try:
        if adoption.foreign is not None:
            _prepare_servers(existing, adoption.foreign, timeout=timeout, clock=clock)
            _release_pods(store, planned, adoption.foreign, timeout=timeout, clock=clock)
        _take_over_objects(store, planned)
        adopted = any(change.action == "adopt" for change in planned.changes)
        deployment = plan_deployment(planner, planned.spec, runtime) if adopted else planned
        applied = apply_deployment(store, deployment)
        if applied.error is not None:
            return Deployed(replace(applied, unlisted=True), planned.topology)
        _replace_foreign_pods(store, planned.spec.names)
    except CollectionError as error:
        # Labels, GTID modes and deleted pods are not among the changes.
        return Deployed(Outcome((), error, unlisted=True), planned.topology)
    if not wait:
        return Deployed(Outcome(planned.changes), planned.topology)
    deployed = wait_for_deployment(store, diagnostics, deployment, runtime, timeout=timeout, clock=clock)
    return replace(deployed, outcome=replace(deployed.outcome, changes=planned.changes))


def _prepare_servers(existing: ExistingCluster, foreign: Inspection, *, timeout: float, clock: Clock) -> None:
    """Switch GTIDs on: new instances replicate by GTIDs alone, and a restarted one could not be compared without them."""
    if not foreign.gtids_on:
        replicas = tuple(name for name in foreign.instances if name != foreign.primary)
        existing.switch_gtids_on(foreign.primary, replicas, timeout=timeout, clock=clock)


def _release_pods(store: ObjectStore, planned: Deployment, foreign: Inspection, *, timeout: float, clock: Clock) -> None:
    """Delete the StatefulSet without its pods. The pods get the labels by which the next StatefulSet finds them.

    Passwords and topology are written first: with them the next run continues after any of these steps.
    """
    names = planned.spec.names
    secrets = [manifest for manifest in planned.bundle if manifest["kind"] == "Secret"]
    own = {"namespace": names.namespace, "labels": names.selector}
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **own}} for name in foreign.instances]
    claims = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": names.claim_of(name), **own}}
        for name in foreign.instances
    ]

    def pending(live: Manifest | None) -> str | None:
        return None if live is None else f"StatefulSet {names.stateful_set} to be gone"

    for manifest in (*secrets, config_maps.topology(names, planned.topology), *claims, *pods):
        store.apply(manifest)
    store.delete("StatefulSet", names.stateful_set, orphan=True)
    look = partial(store.get, "StatefulSet", names.stateful_set)
    wait_until(look, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)


def _take_over_objects(store: ObjectStore, planned: Deployment) -> None:
    """Become the owner of foreign objects that are kept. The StatefulSet is not one of them."""
    adopted = {(each.kind, each.name) for each in planned.changes if each.action == "adopt" and each.kind != "StatefulSet"}
    for manifest in planned.bundle:
        if (manifest["kind"], manifest["metadata"]["name"]) in adopted:
            store.take_over(manifest)


def _replace_foreign_pods(store: ObjectStore, names: Names) -> None:
    """Delete the pods that are not made of the cluster's template, all of them at the same time."""
    for pod in read_pods(store, names.selector).values():
        if CONFIG_CHECKSUM_ANNOTATION not in pod.annotations and not pod.terminating:
            store.delete("Pod", pod.name)
