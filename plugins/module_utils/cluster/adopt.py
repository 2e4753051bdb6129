# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking over a cluster that somebody else deployed: what must hold, and the steps after which it is like any other.

A StatefulSet's selector and claim template never change, so it is deleted without its pods and made anew. Claims keep their
names and their data. Pods keep running until the new StatefulSet owns them; then all of them are replaced at once, since a new
instance cannot replicate from an old one, nor the other way round.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ..constants import CONFIG_CHECKSUM_ANNOTATION, DATA_VOLUME
from ..diff import Change, FieldChange
from ..errors import SpecError
from ..kube.port import Manifest, ObjectStore
from ..kube.readiness import being_deleted
from ..manifests import config_maps
from ..manifests.bundle import Bundle
from ..mysql.dialect import ServerVersion
from ..names import Names, ordinal_of
from ..quantity import parse_quantity
from ..replication.assess import assess
from ..replication.observation import ClusterObservation, InstanceObservation
from ..report import summary
from ..spec import ClusterSpec, Topology
from ..wait import Clock, poll

__all__ = ["Adoption", "Incumbent", "plan_adoption", "plan_claims", "prepare_servers", "release_pods", "replace_foreign_pods"]

_INTERVAL = 0.1
_DATA_MOUNT = "/var/lib/mysql"
_DATA_FOLDER = "mysql"


class Incumbent(t.Protocol):
    """The servers of the cluster that is to be taken over, reached with its owner's credentials."""

    def look(self, selector: Mapping[str, str]) -> ClusterObservation:
        """All instances whose pods have these labels."""

    def switch_gtids_on(self, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
        """See ``replication/gtid_switch.py``."""


@dataclass(frozen=True)
class Adoption:
    """What is taken over: the StatefulSet that goes, and the instances with their claims that stay.

    ``gtids_on``: replicas can follow GTIDs already.
    """

    stateful_set: Manifest
    primary: str
    instances: tuple[str, ...]
    gtids_on: bool

    @property
    def warning(self) -> str:
        """What happens, for people who have to agree to it."""
        name = self.stateful_set["metadata"]["name"]
        first = "" if self.gtids_on else "GTIDs are switched on, on all servers, and stay on. "
        return (
            f"{first}StatefulSet {name} is taken over. Its selector and claim template cannot be changed in place: it is "
            "deleted without its pods and made anew, then all pods are replaced at the same time, "
            f"{self.primary} among them, and nobody can read or write until they are ready. Claims and data stay. "
            "root@localhost gets the password of the Secret; all other accounts stay, those without a password, too"
        )


# --- what must hold -----------------------------------------------------------------------------------------------------


def plan_adoption(spec: ClusterSpec, stateful_set: Manifest, incumbent: Incumbent | None) -> Adoption:
    """Raise ``SpecError`` for whatever forbids it; nothing is changed."""
    name = stateful_set["metadata"]["name"]
    if incumbent is None:
        raise SpecError(
            "adopt",
            f"StatefulSet {name} is there, and this collection did not deploy it. Take it over with adopt: true, or choose "
            "another name. mysql_cluster_verify judges it as it is",
        )
    selector = _selector(stateful_set)
    _check_shape(spec, stateful_set)
    observation = incumbent.look(selector)
    primary = _check_health(spec, observation)
    for instance in observation.instances:
        _check_instance(spec, instance, primary)
    names = tuple(each.name for each in observation.instances)
    modes = {each.status.gtid_mode for each in observation.instances if each.status}
    return Adoption(stateful_set, primary, names, gtids_on=modes <= {None, "ON"})


def _refuse(problem: str) -> SpecError:
    return SpecError("adopt", f"{problem}. Nothing was changed")


def _selector(stateful_set: Manifest) -> dict[str, str]:
    selector = stateful_set["spec"]["selector"]
    if selector.get("matchExpressions"):
        raise _refuse("the StatefulSet selects its pods by matchExpressions, and only matchLabels are supported")
    labels: dict[str, str] = selector["matchLabels"]
    return labels


def _check_shape(spec: ClusterSpec, stateful_set: Manifest) -> None:
    """Whether the claims are what the new pods expect, and outlive the StatefulSet."""
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
    """The primary of a cluster of which nothing needs to be mended first."""
    assessment = assess(observation, spec.max_lag)
    if not assessment.healthy or assessment.primary is None:
        raise _refuse(f"the cluster has to be healthy first. {summary(observation, assessment)}")
    return assessment.primary


def _check_instance(spec: ClusterSpec, instance: InstanceObservation, primary: str) -> None:
    status = instance.status
    if status is None:
        raise _refuse(f"{instance.name} does not answer")
    version = ServerVersion.parse(status.version)
    if (version.flavour, version.major, version.minor) != (spec.server.flavour, *spec.server.known[:2]):
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
            f"{instance.name} does not say that it has all that {primary} has: its GTID position does not cover the "
            "primary's. Write something on the primary, and look whether the replica follows"
        )


# --- the steps ----------------------------------------------------------------------------------------------------------


def plan_claims(names: Names, adoption: Adoption) -> tuple[Change, ...]:
    """The labels by which the claims are known as the cluster's."""
    fields = tuple(FieldChange(f"metadata.labels[{key}]", None, value) for key, value in sorted(names.selector.items()))
    return tuple(Change("update", "PersistentVolumeClaim", names.claim_of(each), fields) for each in adoption.instances)


def prepare_servers(incumbent: Incumbent, adoption: Adoption, *, timeout: float, clock: Clock) -> None:
    """New instances replicate by GTIDs alone. Without them nobody could tell what an instance has, once it was restarted."""
    if not adoption.gtids_on:
        replicas = tuple(name for name in adoption.instances if name != adoption.primary)
        incumbent.switch_gtids_on(adoption.primary, replicas, timeout=timeout, clock=clock)


def release_pods(
    store: ObjectStore, names: Names, adoption: Adoption, topology: Topology, bundle: Bundle, *, timeout: float, clock: Clock
) -> None:
    """Delete the StatefulSet, and only it. Its pods get the labels by which the one that is made next finds them.

    Passwords and topology come first: with them a run that is cut off after any of these steps is carried on by the next.
    """
    secrets = [manifest for manifest in bundle if manifest["kind"] == "Secret"]
    own = {"namespace": names.namespace, "labels": names.selector}
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **own}} for name in adoption.instances]
    claims = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": names.claim_of(name), **own}}
        for name in adoption.instances
    ]

    def pending(live: Manifest | None) -> str | None:
        return None if live is None else f"StatefulSet {names.stateful_set} to be gone"

    for manifest in (*secrets, config_maps.topology(names, topology), *claims, *pods):
        store.apply(manifest)
    store.delete("StatefulSet", names.stateful_set, orphan=True)
    look = partial(store.get, "StatefulSet", names.stateful_set)
    poll(look, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)


def replace_foreign_pods(store: ObjectStore, names: Names) -> None:
    """Delete the pods that are not made of the cluster's template, all of them at the same time."""
    for pod in store.list("Pod", names.selector):
        ours = CONFIG_CHECKSUM_ANNOTATION in (pod["metadata"].get("annotations") or {})
        if not ours and not being_deleted(pod):
            store.delete("Pod", pod["metadata"]["name"])
