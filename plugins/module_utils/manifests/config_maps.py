# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMaps: my.cnf files and thresholds, pod scripts, topology."""

from __future__ import annotations

from ..constants import CONFIG_CLONE_THROTTLE, CONFIG_MAX_LAG, TOPOLOGY_BOOTSTRAPPED, TOPOLOGY_PRIMARY
from ..kube.manifest import Manifest
from ..mysql.mycnf import render_cnf
from ..names import Names
from ..spec import ClusterSpec, Topology
from .common import manifest
from .stateful_set import pod_scripts

__all__ = ["config", "option_files", "scripts", "topology"]


def config(spec: ClusterSpec) -> Manifest:
    """The my.cnf files, which need a restart, and the thresholds, which the pods read again and again."""
    data = {**option_files(spec), CONFIG_MAX_LAG: str(spec.max_lag)}
    if spec.clone_throttle is not None:
        data[CONFIG_CLONE_THROTTLE] = str(spec.clone_throttle)
    return manifest(spec.names, "v1", "ConfigMap", spec.names.config, {"data": data})


def option_files(spec: ClusterSpec) -> dict[str, str]:
    """Both roles' complete my.cnf files; which one a pod uses is decided when it starts."""
    return {
        "primary.cnf": render_cnf(spec.server, spec.config, spec.primary_config),
        "replica.cnf": render_cnf(spec.server, spec.config, spec.replica_config),
    }


def scripts(spec: ClusterSpec) -> Manifest:
    """The pod scripts that this cluster uses."""
    return manifest(spec.names, "v1", "ConfigMap", spec.names.scripts, {"data": pod_scripts(spec)})


def topology(names: Names, state: Topology) -> Manifest:
    """Names the primary. Not part of the pod template: a change restarts nothing."""
    data = {TOPOLOGY_PRIMARY: state.primary}
    if state.bootstrapped:
        data[TOPOLOGY_BOOTSTRAPPED] = state.bootstrapped
    return manifest(names, "v1", "ConfigMap", names.topology, {"data": data})
