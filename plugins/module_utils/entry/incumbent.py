# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to the servers of a cluster that is to be adopted, with its owner's credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ..cluster.adopt import Incumbent
from ..kube.client import KubernetesClient
from ..mysql.client import PyMySqlConnector, dial_pods
from ..mysql.instance import Fleet
from ..replication.gtid_switch import switch_gtids_on
from ..replication.layout import Sought
from ..replication.observation import ClusterObservation
from ..replication.observe import observe
from ..spec import ClusterSpec
from ..wait import Clock
from .connection import Params

__all__ = ["standing"]

# Seconds that one login, and then each answer, may take.
_TIMEOUT = 10.0


class _Servers:
    """The pods of a StatefulSet, by their sessions."""

    def __init__(self, client: KubernetesClient, fleet: Fleet, spec: ClusterSpec) -> None:
        self._client = client
        self._fleet = fleet
        self._names = spec.names

    def look(self, selector: Mapping[str, str]) -> ClusterObservation:
        return observe(self._client, self._fleet, Sought(self._names, selector))

    def switch_gtids_on(self, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
        switch_gtids_on(self._fleet, primary, replicas, timeout=timeout, clock=clock)


@contextmanager
def standing(client: KubernetesClient, params: Params, spec: ClusterSpec) -> Iterator[Incumbent | None]:
    """None without the option ``adopt``; sessions are opened when first needed and end with the block."""
    if not params["adopt"]:
        yield None
        return
    # MariaDB offers no encryption unless somebody set it up; the way to the pod is encrypted by the API server.
    tls = spec.server.flavour == "mysql"
    connector = PyMySqlConnector(dial_pods(client), params["adopt_user"], params["adopt_password"], tls=tls)
    fleet = Fleet(connector, _TIMEOUT)
    try:
        yield _Servers(client, fleet, spec)
    finally:
        fleet.close()
