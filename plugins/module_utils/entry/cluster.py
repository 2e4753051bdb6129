# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster``: from its options to its result."""

from __future__ import annotations

from ..cluster.deploy import deploy, plan_deployment
from ..cluster.remove import plan_removal, remove
from ..cluster.result import changes_result, names_result, public_manifests, topology_result
from ..errors import SpecError
from ..manifests.bundle import NEWEST_KUBERNETES, render
from ..names import Names
from ..spec import ClusterSpec, Topology, at_least
from ..wait import SystemClock
from .chance import SystemChance
from .connection import Params, Result, client_for
from .incumbent import standing

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result:
    """Do what ``state`` says."""
    if params["state"] == "rendered":
        return _rendered(params)
    at_least("wait_timeout", params["wait_timeout"], 1)
    return _absent(params, check_mode) if params["state"] == "absent" else _present(params, check_mode)


def _present(params: Params, check_mode: bool) -> Result:
    spec, chance = ClusterSpec.from_params(params), SystemChance()
    client = client_for(params, dry_run=check_mode)
    with standing(client, params, spec) as incumbent:
        deployment = plan_deployment(client.planning(), spec, chance, incumbent)
        if not check_mode:
            waiting = {"wait": params["wait"], "timeout": params["wait_timeout"]}
            deployment = deploy(client, client, deployment, chance, clock=SystemClock(), **waiting)
    return {
        **changes_result(deployment.changes),
        **({"warnings": [deployment.adoption.warning]} if deployment.adoption else {}),
        "names": names_result(spec.names, spec.replicas),
        "manifests": public_manifests(deployment.bundle),
        "topology": topology_result(deployment.topology),
    }


def _absent(params: Params, check_mode: bool) -> Result:
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client = client_for(params, dry_run=check_mode)
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
