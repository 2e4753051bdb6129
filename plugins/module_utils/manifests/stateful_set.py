# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The StatefulSet: one pod template; its scripts find out their role when they start."""

from __future__ import annotations

import json
import typing as t

from .. import constants as c
from ..kube.manifest import Manifest
from ..pod_scripts.selection import used_scripts
from ..spec import ClusterSpec
from .common import manifest
from .probes import LIVENESS, READINESS, STARTUP

__all__ = ["pod_scripts", "stateful_set"]

Json = dict[str, t.Any]

# The `restricted` level: https://kubernetes.io/docs/concepts/security/pod-security-standards/
_CONTAINER_SECURITY: Json = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
_POD_SECURITY: Json = {
    "runAsNonRoot": True,
    "runAsUser": c.MYSQL_UID,
    "runAsGroup": c.MYSQL_GID,
    "fsGroup": c.FS_GROUP,
    # Walking through a large data directory at every start would take minutes.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
# A shutdown writes the dirty pages of a large buffer pool; SIGKILL in the middle costs a crash recovery.
_GRACE_SECONDS = 120
# Shell and a short-lived client now and then.
_SMALL: Json = {"requests": {"cpu": "10m", "memory": "32Mi"}}
# A backup holds some buffers, and the pages of the redo log that are written meanwhile.
_DONOR: Json = {"requests": {"cpu": "10m", "memory": "64Mi"}}

_MOUNTS: list[Json] = [
    {"name": c.DATA_VOLUME, "mountPath": c.VOLUME_DIR},
    {"name": "conf", "mountPath": c.CONF_DIR},
    {"name": "run", "mountPath": c.RUN_DIR},
    {"name": "tmp", "mountPath": "/tmp"},
    {"name": "scripts", "mountPath": c.SCRIPTS_DIR, "readOnly": True},
    {"name": "config", "mountPath": c.CONFIG_DIR, "readOnly": True},
    {"name": "thresholds", "mountPath": c.THRESHOLDS_DIR, "readOnly": True},
    {"name": "topology", "mountPath": c.TOPOLOGY_DIR, "readOnly": True},
    {"name": "secret", "mountPath": c.SECRET_DIR, "readOnly": True},
]
_SCRATCH_MOUNT: Json = {"name": "scratch", "mountPath": c.SCRATCH_DIR}
# The pod's certificate: written by `provision`, read by the other containers.
_NEW_TLS_MOUNT: Json = {"name": "tls", "mountPath": c.TLS_DIR}
_TLS_MOUNT: Json = {**_NEW_TLS_MOUNT, "readOnly": True}
# The image's entrypoint runs what lies here, in alphabetical order, at the end of the first initialisation.
_USERS_MOUNT: Json = {
    "name": "scripts",
    "mountPath": "/docker-entrypoint-initdb.d/zz-kubemysql.sh",
    "subPath": "run-initdb-accounts.sh",
    "readOnly": True,
}


def stateful_set(spec: ClusterSpec, *, config: str, scripts: str) -> Manifest:
    """The pods, with the ConfigMaps of their my.cnf files and scripts. A change of the template, such as another of these
    names, restarts the pods one by one, the highest ordinal first.
    """
    names = spec.names
    metadata: Json = {"labels": {**spec.pod_labels, **names.labels}}
    if spec.pod_annotations:
        metadata["annotations"] = dict(spec.pod_annotations)
    body = {
        "replicas": spec.replicas,
        "serviceName": names.headless_service,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": names.selector},
        "template": {"metadata": metadata, "spec": {**_pod(spec), "volumes": _volumes(spec, config, scripts)}},
        "volumeClaimTemplates": [_claim(spec)],
    }
    return manifest(names, "apps/v1", "StatefulSet", names.stateful_set, {"spec": body})


def pod_scripts(spec: ClusterSpec) -> dict[str, str]:
    """The scripts that the pods use, by file name."""
    return used_scripts(json.dumps(_pod(spec)), flavour=spec.server.flavour, clone_method=_clone_method(spec))


def _pod(spec: ClusterSpec) -> Json:
    """The pod without its volumes."""
    pod: Json = {
        "serviceAccountName": spec.names.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _POD_SECURITY,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "affinity": dict(spec.affinity) if spec.affinity is not None else _spread(spec),
        "initContainers": _init_containers(spec),
        "containers": [
            _mysql(spec),
            _replication(spec),
            *([_donor(spec)] if _streams(spec) else []),
        ],
    }
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in spec.image_pull_secrets]
    if spec.node_selector:
        pod["nodeSelector"] = dict(spec.node_selector)
    if spec.tolerations:
        pod["tolerations"] = [dict(toleration) for toleration in spec.tolerations]
    return pod


def _init_containers(spec: ClusterSpec) -> list[Json]:
    """They may take what the server may take: another server or a backup's recovery runs in them, and never beside it."""
    mounts = [_NEW_TLS_MOUNT] if _streams(spec) else [_SCRATCH_MOUNT]
    containers = [_container(spec, c.CONTAINER_PROVISION, "run-provision.sh", resources=spec.resources, mounts=mounts)]
    if spec.xtrabackup_image != spec.image:
        containers.append(_streaming(spec, c.CONTAINER_CLONE, "run-clone-stream.sh", spec.resources))
    return containers


def _streams(spec: ClusterSpec) -> bool:
    return spec.clone_method == "xtrabackup"


def _clone_method(spec: ClusterSpec) -> str:
    """The method as the scripts name it: part of the name of ``lib-clone-*.sh``."""
    return "stream" if _streams(spec) else "plugin"


def _streaming(spec: ClusterSpec, name: str, script: str, resources: t.Mapping[str, t.Any]) -> Json:
    return {**_container(spec, name, script, resources=resources, mounts=[_TLS_MOUNT]), "image": spec.xtrabackup_image}


def _donor(spec: ClusterSpec) -> Json:
    container = _streaming(spec, c.CONTAINER_DONOR, "run-donor.sh", _DONOR)
    container["ports"] = [{"name": "donor", "containerPort": c.DONOR_PORT, "protocol": "TCP"}]
    return container


def _container(
    spec: ClusterSpec, name: str, script: str, *, resources: t.Mapping[str, t.Any], mounts: list[Json] | None = None
) -> Json:
    return {
        "name": name,
        "image": spec.image,
        "imagePullPolicy": spec.image_pull_policy,
        "command": ["bash", f"{c.SCRIPTS_DIR}/{script}"],
        "env": _environment(spec),
        "resources": {kind: dict(amounts) for kind, amounts in resources.items()},
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [*_MOUNTS, *(mounts or [])],
    }


def _mysql(spec: ClusterSpec) -> Json:
    mounts = [_USERS_MOUNT, *([_TLS_MOUNT] if _streams(spec) else [])]
    container = _container(spec, c.CONTAINER_MYSQL, "run-mysqld.sh", resources=spec.resources, mounts=mounts)
    container["ports"] = [{"name": "mysql", "containerPort": c.MYSQL_PORT, "protocol": "TCP"}]
    container["lifecycle"] = {"preStop": {"exec": {"command": ["bash", f"{c.SCRIPTS_DIR}/run-pre-stop.sh"]}}}
    return {**container, "startupProbe": STARTUP, "livenessProbe": LIVENESS, "readinessProbe": READINESS}


def _replication(spec: ClusterSpec) -> Json:
    container = _container(spec, c.CONTAINER_REPLICATION, "run-replication.sh", resources=_SMALL)
    container["ports"] = [{"name": "ready", "containerPort": c.READY_PORT, "protocol": "TCP"}]
    return container


def _environment(spec: ClusterSpec) -> list[Json]:
    fields = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP"}
    values = {
        "SERVICE": spec.names.headless_service,
        "SERVER_ID_BASE": str(spec.server_id_base),
        "FLAVOUR": spec.server.flavour,
        "CLONE_METHOD": _clone_method(spec),
    }
    if _streams(spec):
        values["CLONE_CONTAINER"] = c.CONTAINER_PROVISION if spec.xtrabackup_image == spec.image else c.CONTAINER_CLONE
    return [
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
        *({"name": name, "value": value} for name, value in values.items()),
    ]


def _spread(spec: ClusterSpec) -> Json:
    """Prefer a node of its own for each instance; one node alone still takes them all."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": spec.names.selector}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _volumes(spec: ClusterSpec, config: str, scripts: str) -> list[Json]:
    names = spec.names
    empty: list[Json] = [{"name": name, "emptyDir": {}} for name in ("conf", "run", "tmp")]
    # A private key is kept off the node's disk.
    own: Json = {"name": "tls", "emptyDir": {"medium": "Memory"}} if _streams(spec) else {"name": "scratch", "emptyDir": {}}
    config_maps = {"scripts": scripts, "config": config, "thresholds": names.thresholds, "topology": names.topology}
    return [
        *empty,
        own,
        *({"name": volume, "configMap": {"name": name, "defaultMode": 0o555}} for volume, name in config_maps.items()),
        {"name": "secret", "secret": {"secretName": names.secret, "defaultMode": 0o440}},
    ]


def _claim(spec: ClusterSpec) -> Json:
    claim: Json = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": spec.storage_size}},
    }
    if spec.storage_class is not None:
        claim["storageClassName"] = spec.storage_class
    return {"metadata": {"name": c.DATA_VOLUME, "labels": spec.names.selector}, "spec": claim}
