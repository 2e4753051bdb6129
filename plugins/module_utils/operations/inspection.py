# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inspects a cluster that the collection did not deploy, and refuses what cannot be adopted. Nothing is changed."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ..constants import DATA_VOLUME
from ..errors import SpecError
from ..health.assess import assess
from ..health.observation import ClusterObservation, InstanceObservation
from ..health.summary import summary
from ..kube.manifest import Manifest
from ..kube.quantity import parse_quantity
from ..mysql.version import ServerVersion
from ..names import ordinal_of
from ..spec import ClusterSpec
from ..wait import Clock

__all__ = ["ExistingCluster", "Inspection", "inspect_existing"]

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


def inspect_existing(spec: ClusterSpec, stateful_set: Manifest, existing: ExistingCluster) -> Inspection:
    """Raise ``SpecError`` if anything forbids the adoption."""
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
