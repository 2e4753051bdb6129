# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time in which pods change, passwords and digests, logs and events: what operations use besides objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Event
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import WaitOptions
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.outcome import Outcome
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from unit.fakes.clock import FakeClock
from unit.fakes.store import FakeObjectStore, pod

__all__ = ["Controllers", "FakeDiagnostics", "FakePods", "FakeRuntime", "completed", "crashing", "idle", "waiting"]


def completed(outcome: Outcome) -> Outcome:
    """An outcome without an error; raises the error otherwise."""
    if outcome.error is not None:
        raise outcome.error
    return outcome


class FakeRuntime:
    """Passwords that are all different, and a calendar that stands still."""

    def __init__(self) -> None:
        self.generated: list[str] = []

    def password(self) -> str:
        self.generated.append(f"generated-{len(self.generated)}")
        return self.generated[-1]

    def digest(self, value: str) -> str:
        return f"<hidden {hash(value) & 0xFFFFFFFF:08x}>"

    def cluster_id(self) -> str:
        return "c1"

    def timestamp(self) -> str:
        return "2026-01-01T12:00:00Z"


class FakeDiagnostics:
    """Logs by (pod, container), of a previous life by (pod, container, "previous"); events by (kind, name)."""

    def __init__(
        self,
        logs: Mapping[tuple[str, ...], str] | None = None,
        events: Mapping[tuple[str, str], Sequence[Event]] | None = None,
    ) -> None:
        self.logs = dict(logs or {})
        self.events = dict(events or {})

    def log(self, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        key = (pod, container, "previous") if previous else (pod, container)
        return "\n".join(self.logs.get(key, "").splitlines()[-lines:])

    def warnings(self, kind: str, name: str) -> Sequence[Event]:
        return self.events.get((kind, name), [])


class FakePods:
    """Acknowledgements of pods, by name. A pod without one of its own has seen the live topology and is in its role."""

    def __init__(self, store: FakeObjectStore, names: Names) -> None:
        self._store = store
        self._names = names
        self.answers: dict[str, Acknowledgement | None] = {}
        self.asked: list[str] = []

    def __call__(self, pod: str) -> Acknowledgement:
        self.asked.append(pod)
        answer = self.answers.get(pod, self.settled(pod))
        if answer is None:
            raise Unreachable(f"{pod} does not acknowledge")
        return answer

    def settled(self, pod: str) -> Acknowledgement | None:
        topology = self._store.objects.get(("ConfigMap", self._names.topology))
        live = self._store.objects.get(("Pod", pod))
        ready = bool(live) and any(each["status"] == "True" for each in live["status"]["conditions"])  # type: ignore[index]
        if topology is None or not ready:
            return None
        intent = dict(topology["data"])
        return Acknowledgement(0, intent, "primary" if intent["primary"] == pod else "replica", ready=True)


def idle(store: FakeObjectStore, names: Names) -> WaitOptions:
    """For runs that wait for nothing, or in vain."""
    return WaitOptions(FakeDiagnostics(), FakePods(store, names), 1, Controllers(store, names))


class Controllers(FakeClock):
    """A clock in whose time the StatefulSet controller and the kubelet work: what is planned with ``at`` happens when
    somebody sleeps past it."""

    def __init__(self, store: FakeObjectStore, names: Names) -> None:
        super().__init__()
        self.store = store
        self.names = names
        self._plans: list[tuple[float, Callable[[], None]]] = []

    def at(self, second: float, happen: Callable[[], None]) -> None:
        self._plans.append((second, happen))

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        due = [plan for plan in self._plans if plan[0] <= self.time]
        self._plans = [plan for plan in self._plans if plan[0] > self.time]
        for _second, happen in due:
            happen()

    def pods(self, *, ready: Sequence[str] = (), others: Sequence[Manifest] | None = None) -> None:
        """All pods exist, those of ``ready`` are ready, and the StatefulSet's controller knows its specification."""
        stateful_set = self.store.objects["StatefulSet", self.names.stateful_set]
        replicas = stateful_set["spec"]["replicas"]
        pods = others if others is not None else [self._pod(name, ready) for name in self.names.instances(replicas)]
        for each in pods:
            self.store.put(each)
        stateful_set["status"] = {"observedGeneration": stateful_set["metadata"]["generation"]}

    def _pod(self, name: str, ready: Sequence[str]) -> Manifest:
        return pod(name, self.names.selector, ready=name in ready, running=True)


def waiting(names: Names, name: str, reason: str, message: str = "because", restarts: int = 0) -> Manifest:
    """A pod whose container `provision` waits."""
    live = pod(name, names.selector, ready=False)
    state = {"waiting": {"reason": reason, "message": message}}
    live["status"]["initContainerStatuses"] = [{"name": "provision", "state": state, "restartCount": restarts}]
    live["status"]["containerStatuses"] = []
    return live


def crashing(names: Names, name: str, restarts: int) -> Manifest:
    return waiting(names, name, "CrashLoopBackOff", restarts=restarts)
