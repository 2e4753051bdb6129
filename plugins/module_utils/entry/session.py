# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's options to the API server and to the servers of a cluster."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..constants import ADMIN_USER, KEY_ADMIN, MYSQL_PORT
from ..errors import SpecError
from ..health.kubernetes_state import ClusterTarget
from ..health.observation import ClusterObservation
from ..health.observe import observe
from ..health.verify import Observe
from ..kube.auth import KubernetesAuth, check_environment
from ..kube.client import KubernetesClient, connect
from ..kube.port import PodTunnel
from ..mysql.client import Dial, PyMySqlConnector, dial_addresses
from ..mysql.instance import SessionPool
from ..mysql.port import Connector
from ..names import Names
from ..operations.gtid_switch import switch_gtids_on
from ..operations.inspection import ExistingCluster
from ..operations.passwords import read_password
from ..options import at_least
from ..spec import ClusterSpec
from ..state.acknowledgement import AckReader
from ..state.acknowledgement_reader import read_acknowledgement
from ..state.reader import read_pod
from ..wait import Clock

__all__ = [
    "OpenCluster",
    "OwnCluster",
    "Params",
    "connect_existing",
    "dial_pods",
    "open_client",
    "open_cluster",
    "open_own_cluster",
    "read_acknowledgements",
]

# A module's options, as Ansible passes them.
Params = dict[str, t.Any]

# Seconds that one login to an existing cluster may take, and each answer after it.
_EXISTING_TIMEOUT = 10.0
# The same for an operation on a cluster of ours.
_OPERATION_TIMEOUT = 5.0
# Seconds that a pod may take to acknowledge. It is asked again, so a short time costs nothing.
_ACKNOWLEDGEMENT_TIMEOUT = 5.0


def open_client(params: Params, *, dry_run: bool) -> KubernetesClient:
    """A client with the module's credentials. With ``dry_run`` it changes nothing."""
    check_environment(os.environ)
    force = params.get("force_conflicts", False)
    return connect(KubernetesAuth.from_params(params), params["namespace"], dry_run=dry_run, force_conflicts=force)


def dial_pods(tunnel: PodTunnel, port: int = MYSQL_PORT) -> Dial:
    """Connect to instances through the API server; an instance is a pod."""
    return lambda instance, timeout: tunnel.connect(instance, port, timeout)


def read_acknowledgements(tunnel: PodTunnel, timeout: float = _ACKNOWLEDGEMENT_TIMEOUT) -> AckReader:
    """Ask pods through the API server."""
    return lambda pod: read_acknowledgement(tunnel, pod, timeout)


@contextmanager
def _sessions(connector: Connector, timeout: float) -> Iterator[SessionPool]:
    """Sessions are opened when first needed and end with the block."""
    pool = SessionPool(connector, timeout)
    try:
        yield pool
    finally:
        pool.close()


@dataclass(frozen=True)
class OpenCluster:
    """A cluster that can be observed repeatedly, and its sessions."""

    observe: Observe
    pool: SessionPool


@contextmanager
def open_cluster(params: Params) -> Iterator[OpenCluster]:
    """Connect as the administration account."""
    timeout = at_least("connect_timeout", params["connect_timeout"], 1)
    _check_user(params)
    target = _target(params)
    client = open_client(params, dry_run=True)
    connector = PyMySqlConnector(_dial(client, params), params["user"], _password(client, target, params), tls=params["tls"])
    with _sessions(connector, timeout) as pool:
        read = read_acknowledgements(client, timeout)
        yield OpenCluster(lambda: observe(client, pool, target, acknowledge=read), pool)


@dataclass(frozen=True)
class OwnCluster:
    """A cluster that the collection deployed, for an operation on it."""

    client: KubernetesClient
    names: Names
    pool: SessionPool
    observe: Observe


@contextmanager
def open_own_cluster(params: Params, *, dry_run: bool) -> Iterator[OwnCluster]:
    """Connect as the administration account through port-forward. With ``dry_run`` no object is changed."""
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client = open_client(params, dry_run=dry_run)
    connector = PyMySqlConnector(dial_pods(client), ADMIN_USER, read_password(client, names.secret, KEY_ADMIN))
    with _sessions(connector, _OPERATION_TIMEOUT) as pool:
        read = read_acknowledgements(client)
        yield OwnCluster(client, names, pool, lambda: observe(client, pool, ClusterTarget.own(names), acknowledge=read))


def _check_user(params: Params) -> None:
    if params["connection"] == "direct" and params["user"] == ADMIN_USER:
        raise SpecError(
            "user",
            f"{ADMIN_USER} logs in from the pod's own loopback address only, where connection: port_forward arrives, and "
            "connection is direct. Give an account of your own, or connection: port_forward",
        )


def _target(params: Params) -> ClusterTarget:
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    selector = params["selector"]
    if selector is not None and not selector:
        raise SpecError("selector", "is empty and would select every pod of the namespace; give the labels of the pods")
    return ClusterTarget(names, selector or names.selector, params["primary"])


def _password(client: KubernetesClient, target: ClusterTarget, params: Params) -> str:
    given: str | None = params["password"]
    return read_password(client, target.names.secret, params["secret_key"]) if given is None else given


def _dial(client: KubernetesClient, params: Params) -> Dial:
    port = at_least("port", params["port"], 1)
    if params["connection"] == "port_forward":
        return dial_pods(client, port)

    def address(instance: str) -> tuple[str, int] | None:
        pod = read_pod(client, instance)
        return (pod.address, port) if pod and pod.address else None

    return dial_addresses(address)


class _ExistingCluster:
    """The pods of a StatefulSet, with the sessions of the option ``adopt_user``."""

    def __init__(self, client: KubernetesClient, pool: SessionPool, spec: ClusterSpec) -> None:
        self._client = client
        self._pool = pool
        self._names = spec.names

    def observe(self, selector: Mapping[str, str]) -> ClusterObservation:
        return observe(self._client, self._pool, ClusterTarget(self._names, selector))

    def switch_gtids_on(self, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
        switch_gtids_on(self._pool, primary, replicas, timeout=timeout, clock=clock)


@contextmanager
def connect_existing(client: KubernetesClient, params: Params, spec: ClusterSpec) -> Iterator[ExistingCluster]:
    """Connect to the cluster that is to be adopted, with its owner's credentials."""
    # MariaDB offers no encryption unless it was set up; the API server encrypts the stream to the pod.
    tls = spec.server.flavour == "mysql"
    connector = PyMySqlConnector(dial_pods(client), params["adopt_user"], params["adopt_password"], tls=tls)
    with _sessions(connector, _EXISTING_TIMEOUT) as pool:
        yield _ExistingCluster(client, pool, spec)
