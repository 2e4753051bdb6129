# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster``: from its options to its result."""

from __future__ import annotations

from ..errors import SpecError
from ..kube.client import KubernetesClient
from ..manifests.bundle import NEWEST_KUBERNETES, render
from ..names import Names
from ..operations.adopt import adopt, plan_adoption
from ..operations.deploy import Deployed, Deployment, WaitOptions, deploy, plan_deployment
from ..operations.outcome import Outcome
from ..operations.remove import plan_removal, remove
from ..options import at_least
from ..results.deployment import deployment_result, failed_result, removal_result, rendered_result
from ..results.module import Failure, Result, failure_of
from ..spec import ClusterSpec, Topology
from ..wait import SystemClock
from .runtime import SystemRuntime
from .session import Params, connect_existing, open_client, read_acknowledgements

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result | Failure:
    if params["state"] == "rendered":
        return _rendered(params)
    at_least("wait_timeout", params["wait_timeout"], 1)
    if params["state"] == "absent":
        return _absent(params, check_mode)
    spec = ClusterSpec.from_params(params)
    client = open_client(params, dry_run=check_mode)
    act_on = _adopted if params["adopt"] else _present
    return act_on(client, params, spec, check_mode)


def _present(client: KubernetesClient, params: Params, spec: ClusterSpec, check_mode: bool) -> Result | Failure:
    runtime = SystemRuntime()
    plan = plan_deployment(client.planning(), spec, runtime, read_acknowledgements(client), wait=params["wait"])
    if check_mode:
        return _result(plan, _as_planned(plan), [])
    return _result(plan, deploy(client, plan, runtime, _waiting(client, params), wait=params["wait"]), [])


def _adopted(client: KubernetesClient, params: Params, spec: ClusterSpec, check_mode: bool) -> Result | Failure:
    runtime, planner = SystemRuntime(), client.planning()
    with connect_existing(client, params, spec) as existing:
        read = read_acknowledgements(client)
        adoption = plan_adoption(planner, spec, runtime, existing, read, wait=params["wait"])
        warnings = [adoption.foreign.warning] if adoption.foreign else []
        if check_mode:
            return _result(adoption.deployment, _as_planned(adoption.deployment), warnings)
        waiting = _waiting(client, params)
        deployed = adopt(client, adoption, runtime, existing, planner=planner, wait=params["wait"], waiting=waiting)
    return _result(adoption.deployment, deployed, warnings)


def _waiting(client: KubernetesClient, params: Params) -> WaitOptions:
    return WaitOptions(client, read_acknowledgements(client), params["wait_timeout"], SystemClock())


def _as_planned(plan: Deployment) -> Deployed:
    return Deployed(Outcome(plan.changes), plan.topology)


def _result(plan: Deployment, deployed: Deployed, warnings: list[str]) -> Result | Failure:
    outcome = deployed.outcome
    if outcome.error is not None:
        return failure_of(outcome.error, failed_result(outcome))
    return deployment_result(plan.spec, plan.bundle, deployed, [*warnings, *outcome.warnings])


def _absent(params: Params, check_mode: bool) -> Result | Failure:
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client = open_client(params, dry_run=check_mode)
    changes = plan_removal(client, names, delete_data=params["delete_data"])
    wait = params["wait"] and not check_mode
    outcome = remove(client, names, changes, wait=wait, timeout=params["wait_timeout"], clock=SystemClock())
    if outcome.error is not None:
        return failure_of(outcome.error, failed_result(outcome))
    return removal_result(outcome.changes, names)


def _rendered(params: Params) -> Result:
    spec = ClusterSpec.from_params(params)
    topology = Topology(spec.names.instance(0))
    bundle = render(spec, topology, kubernetes=_kubernetes_version(params["kubernetes_version"]))
    return rendered_result(spec.names, spec.replicas, bundle, topology)


def _kubernetes_version(text: str | None) -> tuple[int, int]:
    if text is None:
        return NEWEST_KUBERNETES
    major, _dot, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise SpecError("kubernetes_version", f"{text!r} is not a version such as 1.29")
    if (int(major), int(minor)) < (1, 20):
        raise SpecError("kubernetes_version", f"{text} is older than 1.20, the oldest supported")
    return int(major), int(minor)
