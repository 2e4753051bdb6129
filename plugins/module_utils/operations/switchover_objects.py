# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a switchover: its objects in Kubernetes, observations and limits; and its last steps."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..constants import LABEL_POD_NAME
from ..errors import WaitTimeout
from ..kube.port import ObjectStore
from ..mysql.instance import SessionPool
from ..mysql.values import ReadOnly
from ..names import Names
from ..spec import Topology
from ..state.acknowledgement import AckReader
from ..state.reader import read_pods
from ..wait import Clock
from .engine import Step
from .intent import deliver_intent, wait_for_acknowledgements, write_intent
from .switchover_servers import prove_replicas

__all__ = ["ClusterObjects", "Limits", "Situation", "follow_steps", "step"]

# Changed by a run that goes on with what another one has begun: the writes of that one then fail.
_RESUMED = "kubemysql.replication/resumed"


@dataclass(frozen=True)
class Limits:
    """Seconds: how long nobody may be able to write, and how long each other wait may take."""

    max_pause: float
    wait_timeout: float


@dataclass(frozen=True)
class Situation:
    """The observed state. ``old`` and ``new`` are the read-only modes of the two servers, None if unknown.

    ``routed``: the pod to which the primary Service leads. ``begun``: the new primary's data hold the row of its epoch.
    The last six are what this run has proved.
    """

    topology: Topology
    routed: str | None = None
    old: ReadOnly | None = None
    new: ReadOnly | None = None
    replicating: bool = True
    begun: bool = False
    announced: bool = False
    synchronised: bool = False
    caught_up: bool = False
    sessions_ended: bool = False
    followed: bool = False
    late_sessions_ended: bool = False


@dataclass
class ClusterObjects:
    """The topology and its pods, the primary Service, and what is reported of them. ``written``: what this run wrote last."""

    store: ObjectStore
    names: Names
    pool: SessionPool
    read: AckReader
    instances: tuple[str, ...]
    clock: Clock
    written: Topology | None = None
    warnings: list[str] = field(default_factory=list)

    def write(self, topology: Topology) -> Topology:
        self.written = write_intent(self.store, self.names, topology)
        return self.written

    def deliver(self, topology: Topology) -> None:
        refusal = deliver_intent(self.store, read_pods(self.store, self.names.selector).values(), topology)
        if refusal and refusal not in self.warnings:
            self.warnings.append(refusal)

    def wait_for_pods(self, topology: Topology, timeout: float) -> None:
        """Every pod has acknowledged the topology, and is in the role that it names."""
        polled = wait_for_acknowledgements(self.read, topology, self.instances, timeout=timeout, clock=self.clock)
        if polled.timed_out is not None:
            raise WaitTimeout(polled.timed_out)

    def claim(self, topology: Topology) -> Topology:
        """Make the writes of the run that has begun the move fail, should it still live."""
        self.store.annotate("ConfigMap", self.names.topology, {_RESUMED: uuid.uuid4().hex})
        live = self.store.get("ConfigMap", self.names.topology) or {"metadata": {}}
        self.written = replace(topology, version=live["metadata"].get("resourceVersion"))
        return self.written

    def routed(self) -> str | None:
        service = self.store.get("Service", self.names.primary_service) or {}
        pod: str | None = (service.get("spec", {}).get("selector") or {}).get(LABEL_POD_NAME)
        return pod

    def route(self, pod: str) -> None:
        self.store.amend("Service", self.names.primary_service, {"spec": {"selector": {LABEL_POD_NAME: pod}}})


def follow_steps(objects: ClusterObjects, primary: str, timeout: float) -> tuple[Step[Situation], ...]:
    """The steps that follow once the topology names the new primary."""

    def is_done(state: Situation) -> bool:
        return state.topology.primary == primary and state.topology.acknowledged

    def not_followed(state: Situation) -> str | None:
        return None if state.followed or is_done(state) else "wait until every pod is in its new role"

    def follow(state: Situation) -> Situation:
        objects.deliver(state.topology)
        objects.wait_for_pods(state.topology, timeout)
        return replace(state, followed=True)

    def not_proved(state: Situation) -> str | None:
        return None if is_done(state) else "wait until every replica has executed what the primary has committed by now"

    def prove(state: Situation) -> Situation:
        """The record that all is done is the last write: until then the next run goes on."""
        prove_replicas(objects.pool, primary, [name for name in objects.instances if name != primary], timeout)
        return replace(state, topology=objects.write(replace(state.topology, acknowledged=True)))

    return (step("follow", not_followed, follow, timeout), step("prove", not_proved, prove, timeout))


def step(
    name: str,
    missing: Callable[[Situation], str | None],
    act: Callable[[Situation], Situation],
    timeout: float,
    *,
    commits: bool = False,
) -> Step[Situation]:
    """Each of these steps proves itself before it ends, so nobody has to look for it."""
    return Step(name, missing, act, lambda state: state, timeout, commits=commits)
