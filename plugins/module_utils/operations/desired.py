# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The topology and the manifests that a deployment is to bring about."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..errors import SpecError
from ..kube.port import ObjectStore
from ..manifests.bundle import Bundle, render
from ..names import ordinal_of
from ..spec import ClusterSpec, Topology
from ..state.acknowledgement import AckReader
from ..state.live_objects import LiveObjects
from ..state.reader import read_pod
from ..state.topology import parse_topology
from .handover import refuse_handover
from .passwords import check_foreign_secret, resolve_passwords
from .recovery import claims_hold_data, recover_topology

__all__ = ["Runtime", "render_deployment", "render_desired"]


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


def render_desired(
    store: ObjectStore, spec: ClusterSpec, live: LiveObjects, runtime: Runtime, read: AckReader
) -> tuple[Topology, Bundle]:
    """The topology and the manifests of a cluster that the collection deployed, or of a new one."""
    topology = _topology(store, spec, live, runtime, read)
    accounts_exist = topology.bootstrapped is not None or _lost_passwords(store, spec, live, read)
    return topology, render_deployment(store, spec, live, topology, runtime, accounts_exist=accounts_exist)


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


def _topology(store: ObjectStore, spec: ClusterSpec, live: LiveObjects, runtime: Runtime, read: AckReader) -> Topology:
    """The live topology, a lost one, or that of a new cluster. A primary that is ready has data, even if no run noted it."""
    names = spec.names
    known = parse_topology(live.get("ConfigMap", names.topology)) or recover_topology(store, read, names)
    if known is None:
        return Topology(names.instance(0), cluster=runtime.cluster_id())
    refuse_handover(names, known)
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
