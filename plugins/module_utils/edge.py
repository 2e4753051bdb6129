# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Ansible begins: the only place with AnsibleModule, and where adapters are chosen and errors become failures."""

from __future__ import annotations

import datetime
import hashlib
import os
import secrets
import string
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from . import report
from .argspec import CONSTRAINTS, cluster_options, verify_options
from .cluster.deploy import deploy, plan_deployment
from .cluster.remove import plan_removal, remove
from .cluster.passwords import read_password
from .cluster.result import changes_result, names_result, public_manifests, topology_result
from .constants import ADMIN_USER, KEY_ADMIN
from .errors import CollectionError, MissingLibrary, SpecError
from .kube.auth import KubernetesAuth
from .kube.client import KubernetesClient, connect
from .manifests.bundle import NEWEST_KUBERNETES, render
from .mysql.client import PyMySqlConnector, dial_pods
from .mysql.instance import Fleet
from .names import Names
from .replication.canary import CanaryResult, fly_canary
from .replication.observation import ClusterObservation
from .replication.observe import observe
from .replication.verify import Patience, verify
from .spec import ClusterSpec, Topology, at_least
from .wait import SystemClock

__all__ = ["run_cluster", "run_verify"]

Params = dict[str, t.Any]
Result = dict[str, t.Any]
_PASSWORD_LENGTH = 24


class SystemChance:
    """Randomness and the calendar."""

    def __init__(self) -> None:
        self._salt = os.urandom(16)

    def password(self) -> str:
        alphabet = string.ascii_letters + string.digits
        return "".join(secrets.choice(alphabet) for _ in range(_PASSWORD_LENGTH))

    def digest(self, value: str) -> str:
        return f"<hidden {hashlib.blake2b(value.encode(), key=self._salt, digest_size=4).hexdigest()}>"

    def timestamp(self) -> str:
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_cluster() -> None:
    """``mysql_cluster``."""
    _run(AnsibleModule(cluster_options(), supports_check_mode=True, **CONSTRAINTS), _cluster)


def run_verify() -> None:
    """``mysql_cluster_verify``."""
    _run(AnsibleModule(verify_options(), supports_check_mode=True, **CONSTRAINTS), _verify)


def _run(module: AnsibleModule, act: t.Callable[[Params, bool], Result]) -> None:
    started = time.monotonic()
    try:
        result = act(module.params, module.check_mode)
    except MissingLibrary as error:
        module.fail_json(msg=missing_required_lib(error.library), exception=error.traceback)
    except CollectionError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**{"duration": round(time.monotonic() - started, 3), **result})


def _client(params: Params, *, check_mode: bool) -> KubernetesClient:
    force = params.get("force_conflicts", False)
    return connect(KubernetesAuth.from_params(params), params["namespace"], dry_run=check_mode, force_conflicts=force)


def _cluster(params: Params, check_mode: bool) -> Result:
    if params["state"] == "rendered":
        return _rendered(params)
    at_least("wait_timeout", params["wait_timeout"], 1)
    return _absent(params, check_mode) if params["state"] == "absent" else _present(params, check_mode)


def _present(params: Params, check_mode: bool) -> Result:
    spec, chance = ClusterSpec.from_params(params), SystemChance()
    client = _client(params, check_mode=check_mode)
    deployment = plan_deployment(client.planning(), spec, chance)
    topology = deployment.topology
    if not check_mode:
        waiting = {"wait": params["wait"], "timeout": params["wait_timeout"]}
        topology = deploy(client, client, deployment, chance, clock=SystemClock(), **waiting)
    return {
        **changes_result(deployment.changes),
        "names": names_result(spec.names, spec.replicas),
        "manifests": public_manifests(deployment.bundle),
        "topology": topology_result(topology),
    }


def _absent(params: Params, check_mode: bool) -> Result:
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client = _client(params, check_mode=check_mode)
    changes = plan_removal(client, names, delete_data=params["delete_data"])
    wait = params["wait"] and not check_mode
    remove(client, names, changes, wait=wait, timeout=params["wait_timeout"], clock=SystemClock())
    return {**changes_result(changes), "names": names_result(names, None)}


def _rendered(params: Params) -> Result:
    spec = ClusterSpec.from_params(params)
    topology = Topology(spec.names.instance(0))
    bundle = render(spec, topology, kubernetes=_kubernetes_version(params["kubernetes_version"]))
    return {
        "changed": False,
        "names": names_result(spec.names, spec.replicas),
        "manifests": list(bundle),
        "topology": topology_result(topology),
    }


def _kubernetes_version(text: str | None) -> tuple[int, int]:
    if text is None:
        return NEWEST_KUBERNETES
    major, _dot, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise SpecError("kubernetes_version", f"{text!r} is not a version such as 1.29")
    if (int(major), int(minor)) < (1, 20):
        raise SpecError("kubernetes_version", f"{text} is older than 1.20, the oldest supported")
    return int(major), int(minor)


def _verify(params: Params, check_mode: bool) -> Result:
    for option, minimum in (("max_lag", 1), ("canary_timeout", 1), ("connect_timeout", 1), ("wait_timeout", 1)):
        at_least(option, params[option], minimum)
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client, clock = _client(params, check_mode=True), SystemClock()
    password = read_password(client, names.secret, KEY_ADMIN)
    fleet = Fleet(PyMySqlConnector(dial_pods(client), ADMIN_USER, password), params["connect_timeout"])

    def canary(seen: ClusterObservation) -> CanaryResult:
        return fly_canary(fleet, seen, timeout=params["canary_timeout"], clock=clock)

    try:
        verdict = verify(
            lambda: observe(client, fleet, names),
            max_lag=params["max_lag"],
            patience=Patience(params["wait_timeout"] if params["wait"] else 0),
            clock=clock,
            canary=canary if params["canary"] and not check_mode else None,
        )
    finally:
        fleet.close()
    report.require_healthy(verdict)
    return {"changed": False, **report.verification(verdict)}
