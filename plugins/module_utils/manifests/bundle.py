# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All objects of a cluster in the order in which they are applied."""

from __future__ import annotations

from ..kube.manifest import Manifest
from ..spec import ClusterSpec, Topology
from . import config_maps, services
from .network_policy import network_policy
from .pod_disruption_budget import pod_disruption_budget
from .secret import secret
from .service_account import service_account
from .stateful_set import stateful_set

__all__ = ["NEWEST_KUBERNETES", "Bundle", "render"]

Bundle = tuple[Manifest, ...]

# The default of `state: rendered`.
NEWEST_KUBERNETES = (1, 37)


def render(
    spec: ClusterSpec, topology: Topology, *, kubernetes: tuple[int, int], passwords: dict[str, str] | None = None
) -> Bundle:
    """Render ``spec`` for an API server of version ``kubernetes``; the same arguments give the same bytes.

    Without ``passwords`` there is no Secret among the objects: the user provides it.
    """
    names = spec.names
    config, scripts = config_maps.config(spec), config_maps.scripts(spec)
    return (
        service_account(names),
        *([secret(names, passwords)] if passwords is not None else []),
        config,
        scripts,
        config_maps.thresholds(spec),
        config_maps.topology(names, topology),
        services.headless(spec),
        services.read(spec),
        services.primary(spec, topology),
        *([network_policy(spec)] if spec.network_policy else []),
        *([pod_disruption_budget(names, kubernetes)] if spec.pod_disruption_budget else []),
        stateful_set(spec, config=config["metadata"]["name"], scripts=scripts["metadata"]["name"]),
    )
