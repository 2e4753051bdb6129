# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's options to looks at a cluster and its instances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..cluster.passwords import read_password
from ..errors import SpecError
from ..kube.client import KubernetesClient
from ..mysql.client import Dial, PyMySqlConnector, dial_addresses, dial_pods
from ..mysql.instance import Fleet
from ..names import Names
from ..replication.layout import Sought
from ..replication.observation import ClusterObservation
from ..replication.observe import observe
from ..replication.verify import Look
from ..spec import at_least
from .connection import Params, client_for

__all__ = ["Watch", "watching"]


@dataclass(frozen=True)
class Watch:
    """A way to look at the cluster again and again, and the sessions that are kept for that."""

    look: Look
    fleet: Fleet


@contextmanager
def watching(params: Params) -> Iterator[Watch]:
    """Log in as the administration account when first needed; all sessions end with the block."""
    timeout = at_least("connect_timeout", params["connect_timeout"], 1)
    sought = _sought(params)
    client = client_for(params, dry_run=True)
    connector = PyMySqlConnector(_dial(client, params), params["user"], _password(client, sought, params), tls=params["tls"])
    fleet = Fleet(connector, timeout)

    def look() -> ClusterObservation:
        return observe(client, fleet, sought)

    try:
        yield Watch(look, fleet)
    finally:
        fleet.close()


def _sought(params: Params) -> Sought:
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    selector = params["selector"]
    if selector is not None and not selector:
        raise SpecError("selector", "is empty and would select every pod of the namespace; give the labels of the pods")
    return Sought(names, selector or names.selector, params["primary"])


def _password(client: KubernetesClient, sought: Sought, params: Params) -> str:
    given: str | None = params["password"]
    return read_password(client, sought.names.secret, params["secret_key"]) if given is None else given


def _dial(client: KubernetesClient, params: Params) -> Dial:
    port = at_least("port", params["port"], 1)
    if params["connection"] == "port_forward":
        return dial_pods(client, port)

    def address(instance: str) -> tuple[str, int] | None:
        pod = client.get("Pod", instance) or {}
        ip = (pod.get("status") or {}).get("podIP")
        return (ip, port) if ip else None

    return dial_addresses(address)
