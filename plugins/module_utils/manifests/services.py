# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Services: names for peers, for reads and for writes."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from types import MappingProxyType

from ..constants import LABEL_POD_NAME, MYSQL_PORT
from ..kube.manifest import Manifest
from ..spec import ClusterSpec, Topology
from .common import manifest

__all__ = ["headless", "primary", "read"]


def _service(
    spec: ClusterSpec, name: str, body: Mapping[str, t.Any], annotations: Mapping[str, str] = MappingProxyType({})
) -> Manifest:
    ports = [{"name": "mysql", "port": MYSQL_PORT, "protocol": "TCP", "targetPort": "mysql"}]
    return manifest(
        spec.names,
        "v1",
        "Service",
        name,
        {"spec": {"ports": ports, **body}},
        labels=spec.service_labels,
        annotations=annotations,
    )


def headless(spec: ClusterSpec) -> Manifest:
    """A DNS name for each pod, ready or not: a replica must find its source before either is ready."""
    body = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": spec.names.selector}
    return _service(spec, spec.names.headless_service, body)


def read(spec: ClusterSpec) -> Manifest:
    """Every ready instance, the primary among them, as in the document this project implements."""
    body = {"type": spec.read_service_type, "selector": spec.names.selector}
    return _service(spec, spec.names.read_service, body, spec.read_service_annotations)


def primary(spec: ClusterSpec, topology: Topology) -> Manifest:
    """The topology's primary alone: writes follow it without a controller."""
    selector = {**spec.names.selector, LABEL_POD_NAME: topology.primary}
    body = {"type": spec.primary_service_type, "selector": selector}
    return _service(spec, spec.names.primary_service, body, spec.primary_service_annotations)
