# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMaps: my.cnf files, pod scripts, topology."""

from __future__ import annotations

from ..constants import TOPOLOGY_BOOTSTRAPPED, TOPOLOGY_PRIMARY
from ..kube.manifest import Manifest
from ..mysql.mycnf import render_cnf
from ..names import Names
from ..pod_scripts.embedded import SCRIPTS
from ..spec import ClusterSpec, Topology
from .common import manifest

__all__ = ["config", "scripts", "topology"]


def config(spec: ClusterSpec) -> Manifest:
    """Both roles' complete my.cnf files; which one a pod uses is decided when it starts."""
    data = {
        "primary.cnf": render_cnf(spec.server, spec.config, spec.primary_config),
        "replica.cnf": render_cnf(spec.server, spec.config, spec.replica_config),
    }
    return manifest(spec.names, "v1", "ConfigMap", spec.names.config, {"data": data})


def scripts(names: Names) -> Manifest:
    """The pod scripts, the same bytes for every cluster."""
    return manifest(names, "v1", "ConfigMap", names.scripts, {"data": dict(SCRIPTS)})


def topology(names: Names, state: Topology) -> Manifest:
    """Names the primary. Not part of the pod template: a change restarts nothing."""
    data = {TOPOLOGY_PRIMARY: state.primary}
    if state.bootstrapped:
        data[TOPOLOGY_BOOTSTRAPPED] = state.bootstrapped
    return manifest(names, "v1", "ConfigMap", names.topology, {"data": data})
