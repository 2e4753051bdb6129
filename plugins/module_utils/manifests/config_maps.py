# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMaps: my.cnf files, pod scripts, thresholds, topology.

A pod template names the my.cnf files and the scripts that its pods use by their content, and nobody can change these
ConfigMaps: a pod finds what its template was made for whenever it starts, also during the rollout of another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from ..constants import INTENT_ANNOTATION, THRESHOLD_CLONE_THROTTLE, THRESHOLD_MAX_LAG
from ..kube.manifest import Manifest
from ..mysql.mycnf import render_cnf
from ..names import Names
from ..spec import ClusterSpec, Topology
from .common import manifest
from .stateful_set import pod_scripts

__all__ = ["config", "scripts", "thresholds", "topology"]

# Hexadecimal digits of a SHA-256. The server refuses another content under the same name.
_DIGEST_LENGTH = 10


def config(spec: ClusterSpec) -> Manifest:
    """Both roles' complete my.cnf files; which one a pod uses is decided when it starts."""
    data = {
        "primary.cnf": render_cnf(spec.server, spec.config, spec.primary_config),
        "replica.cnf": render_cnf(spec.server, spec.config, spec.replica_config),
    }
    return _immutable(spec.names, spec.names.config, data)


def scripts(spec: ClusterSpec) -> Manifest:
    """The pod scripts that this cluster uses."""
    return _immutable(spec.names, spec.names.scripts, pod_scripts(spec))


def _immutable(names: Names, name: Callable[[str], str], data: dict[str, str]) -> Manifest:
    """A ConfigMap that is named by its content."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]
    return manifest(names, "v1", "ConfigMap", name(digest), {"immutable": True, "data": data})


def thresholds(spec: ClusterSpec) -> Manifest:
    """The values that the pods read again and again. Not part of the pod template: a change restarts nothing."""
    data = {THRESHOLD_MAX_LAG: str(spec.max_lag)}
    if spec.clone_throttle is not None:
        data[THRESHOLD_CLONE_THROTTLE] = str(spec.clone_throttle)
    return manifest(spec.names, "v1", "ConfigMap", spec.names.thresholds, {"data": data})


def topology(names: Names, state: Topology) -> Manifest:
    """The intent. Not part of the pod template: a change restarts nothing.

    With the resourceVersion that was read: the API server refuses it if anybody has written the topology since then.
    """
    annotations = {INTENT_ANNOTATION: state.digest} if state.acknowledged else None
    rendered = manifest(names, "v1", "ConfigMap", names.topology, {"data": state.intent}, annotations=annotations)
    if state.version is not None:
        rendered["metadata"]["resourceVersion"] = state.version
    return rendered
