# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: present`: plan, apply, wait, and note that the cluster now has data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..constants import TOPOLOGY_BOOTSTRAPPED
from ..diff import Change, FieldChange
from ..errors import CollectionError, SpecError
from ..kube.port import Evidence, ObjectStore
from ..kube.readiness import pod_ready
from ..manifests import config_maps
from ..manifests.bundle import Bundle, render
from ..names import ordinal_of
from ..spec import ClusterSpec, Topology
from ..wait import Clock
from .adopt import Adoption, Incumbent, plan_adoption, plan_claims, prepare_servers, release_pods, replace_foreign_pods
from .live import LiveCluster, read_live
from .passwords import check_foreign_secret, resolve_passwords
from .plan import apply_changes, plan_changes
from .result import changes_result
from .rollout import Rollout, wait_for_rollout

__all__ = ["Chance", "Deployment", "deploy", "plan_deployment"]


class Chance(t.Protocol):
    """What must differ from run to run, and is handed in so that nothing below depends on it."""

    def password(self) -> str:
        """A new password."""

    def digest(self, value: str) -> str:
        """A stand-in for a secret value: equal for equal values of this run, worth nothing to anybody else."""

    def timestamp(self) -> str:
        """The present time, RFC 3339."""


@dataclass(frozen=True)
class Deployment:
    """What is to be applied, and what that changes. ``bundle`` holds the Secret, if the cluster has one of its own.

    With an ``incumbent`` what others made is taken over; ``adoption`` is their StatefulSet, as long as there is one.
    """

    spec: ClusterSpec
    topology: Topology
    bundle: Bundle
    changes: tuple[Change, ...]
    incumbent: Incumbent | None = None
    adoption: Adoption | None = None

    @property
    def changed(self) -> bool:
        return any(change.action != "none" for change in self.changes)


def plan_deployment(store: ObjectStore, spec: ClusterSpec, chance: Chance, incumbent: Incumbent | None = None) -> Deployment:
    """Everything that can be found out before anything is changed; ``store`` must be one that only plans.

    With an ``incumbent`` what somebody else deployed under the cluster's name is taken over, without it is refused.
    """
    live = read_live(store, spec.names)
    adoption = _adoption(store, spec, live, incumbent)
    topology = Topology(adoption.primary, chance.timestamp()) if adoption else _topology(store, spec, live, chance)
    _check_scale(spec, topology)
    passwords = None
    if spec.secret_is_foreign:
        check_foreign_secret(store, spec.names.secret)
    else:
        secret = live.get("Secret", spec.names.secret) or store.get("Secret", spec.names.secret)
        # The accounts of a cluster that is adopted do not exist yet.
        existing = topology.bootstrapped is not None and adoption is None
        passwords = resolve_passwords(spec, secret, bootstrapped=existing, generate=chance.password)
    bundle = render(spec, topology, kubernetes=store.server_version(), passwords=passwords)
    changes = plan_changes(store, live, bundle, chance.digest, adopt=incumbent is not None)
    claims = plan_claims(spec.names, adoption) if adoption else ()
    return Deployment(spec, topology, bundle, (*claims, *changes), incumbent, adoption)


def deploy(
    store: ObjectStore, evidence: Evidence, deployment: Deployment, chance: Chance, *, wait: bool, timeout: float, clock: Clock
) -> Deployment:
    """Apply a planned deployment and, if ``wait``, return when every pod is ready. Returns it as it has become by then."""
    names = deployment.spec.names

    def note_bootstrap(rollout: Rollout) -> None:
        nonlocal deployment
        if deployment.topology.bootstrapped is None and rollout.ready(deployment.topology.primary):
            deployment = _bootstrapped(deployment, chance.timestamp())
            store.apply(config_maps.topology(names, deployment.topology))

    _carry_out(store, deployment, timeout, clock)
    if wait:
        try:
            created = any(each.kind == "StatefulSet" and each.action in ("create", "adopt") for each in deployment.changes)
            wait_for_rollout(store, evidence, names, created=created, timeout=timeout, clock=clock, on_look=note_bootstrap)
        except CollectionError as error:
            error.details.update(changes_result(deployment.changes))
            raise
    return deployment


def _carry_out(store: ObjectStore, deployment: Deployment, timeout: float, clock: Clock) -> None:
    names, incumbent, adoption = deployment.spec.names, deployment.incumbent, deployment.adoption
    try:
        if incumbent is not None and adoption is not None:
            prepare_servers(incumbent, adoption, timeout=timeout, clock=clock)
            release_pods(store, names, adoption, deployment.topology, deployment.bundle, timeout=timeout, clock=clock)
        apply_changes(store, deployment.bundle, deployment.changes)
        if incumbent is not None:
            replace_foreign_pods(store, names)
    except CollectionError as error:
        if incumbent is not None:
            error.details.pop("seen", None)
            # Labels alone may be all that was changed, and of pods that were deleted nothing is noted.
            error.details["changed"] = True
        raise


def _bootstrapped(deployment: Deployment, timestamp: str) -> Deployment:
    """The same deployment with the note that the cluster has data by now."""
    name = deployment.spec.names.topology
    noted = Change("update", "ConfigMap", name, (FieldChange(f"data.{TOPOLOGY_BOOTSTRAPPED}", None, timestamp),))
    changes = (noted if (each.name, each.action) == (name, "none") else each for each in deployment.changes)
    return replace(deployment, topology=Topology(deployment.topology.primary, timestamp), changes=tuple(changes))


def _topology(store: ObjectStore, spec: ClusterSpec, live: LiveCluster, chance: Chance) -> Topology:
    """The live topology, or that of a new cluster. A primary that is ready has data, whoever waited for it."""
    known = config_maps.parse_topology(live.get("ConfigMap", spec.names.topology))
    if known is None:
        return Topology(spec.names.instance(0))
    if known.bootstrapped is None and live.get("StatefulSet", spec.names.stateful_set) is not None:
        primary = store.get("Pod", known.primary)
        if primary is not None and pod_ready(primary):
            return Topology(known.primary, chance.timestamp())
    return known


def _adoption(store: ObjectStore, spec: ClusterSpec, live: LiveCluster, incumbent: Incumbent | None) -> Adoption | None:
    name = spec.names.stateful_set
    foreign = None if live.get("StatefulSet", name) else store.get("StatefulSet", name)
    return None if foreign is None else plan_adoption(spec, foreign, incumbent)


def _check_scale(spec: ClusterSpec, topology: Topology) -> None:
    if ordinal_of(topology.primary) >= spec.replicas:
        needed = ordinal_of(topology.primary) + 1
        raise SpecError("replicas", f"{spec.replicas} would remove the primary {topology.primary}; keep at least {needed}")
