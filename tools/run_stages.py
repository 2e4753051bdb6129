# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs targets of the Makefile side by side, each with a log of its own, and ends with a table of them.

usage: run_stages.py STAGES LOGS [ONLY...]
  STAGES   TOML file; ``tools/stages.toml`` describes its keys
  LOGS     folder for the output of each stage; ``times.json`` there has the seconds and core seconds of each
  ONLY     names of stages: these and what they need; none means all

Exit status: 0 if every stage is ok, 1 if not, 128 plus the number of the signal that ended the run.
"""

from __future__ import annotations

import contextlib
import graphlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import typing as t
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import tomllib
from stage_log import count_tests, excerpt

# Time for a test that is interrupted to end its servers; a runner of CI kills a few seconds later.
GRACE_SECONDS = 8.0


@dataclass(frozen=True)
class Stage:
    """A target of the Makefile."""

    name: str
    seconds: float
    needs: tuple[str, ...] = ()
    slots: int = 1
    essential: bool = False


@dataclass
class Result:
    """``ok`` is None for a stage that did not run; ``note`` holds the reason."""

    ok: bool | None
    note: str = ""
    seconds: float = 0.0
    # Of its own processes; those of pods are not among them.
    core_seconds: float = 0.0
    tests: Counter[str] | None = None


class Plan:
    """Decides which stage starts next, and which can no longer start."""

    def __init__(self, stages: t.Sequence[Stage], slots: int) -> None:
        self.stages = {stage.name: stage for stage in stages}
        self.slots = slots
        order = graphlib.TopologicalSorter({stage.name: stage.needs for stage in stages}).static_order()
        self._chain: dict[str, float] = {}
        for name in reversed(list(order)):
            after = [self._chain[stage.name] for stage in stages if name in stage.needs]
            self._chain[name] = self.stages[name].seconds + max(after, default=0.0)
        for stage in stages:
            if stage.slots > slots:
                raise ValueError(f"{stage.name} takes {stage.slots} slots of {slots}")

    def startable(self, results: t.Mapping[str, Result], running: t.Container[str]) -> list[Stage]:
        """Stages whose needs are ok and for which there are slots; the longest chain of stages to the end first."""
        waiting = [stage for stage in self.stages.values() if stage.name not in results and stage.name not in running]
        ready = [stage for stage in waiting if all(need in results and results[need].ok for need in stage.needs)]
        free = self.slots - sum(stage.slots for stage in self.stages.values() if stage.name in running)
        chosen = []
        for stage in sorted(ready, key=lambda stage: -self._chain[stage.name]):
            if stage.slots <= free:
                chosen.append(stage)
                free -= stage.slots
        return chosen

    def all_needs(self, name: str) -> set[str]:
        needs = self.stages[name].needs
        return set(needs).union(*(self.all_needs(need) for need in needs))

    def only(self, names: t.Collection[str]) -> Plan:
        """These stages and what they need."""
        unknown = set(names) - self.stages.keys()
        if unknown:
            raise ValueError(f"no stage: {', '.join(sorted(unknown))}; there are {', '.join(self.stages)}")
        chosen = set(names).union(*(self.all_needs(name) for name in names))
        return Plan([stage for stage in self.stages.values() if stage.name in chosen], self.slots)

    def dependents(self, name: str) -> list[str]:
        return [other for other in self.stages if name in self.all_needs(other)]


def read_stages(path: Path) -> Plan:
    """The file's stages. Errors: an unknown key or need, a cycle, a stage with more slots than there are."""
    content = tomllib.loads(path.read_text())
    stages = [Stage(name, **{**keys, "needs": tuple(keys.get("needs", ()))}) for name, keys in content["stages"].items()]
    unknown = {need for stage in stages for need in stage.needs} - {stage.name for stage in stages}
    if unknown:
        raise ValueError(f"needed, but no stage: {', '.join(sorted(unknown))}")
    return Plan(stages, content["slots"])


def total(results: t.Iterable[Result]) -> Counter[str]:
    """Tests of pytest, and one for each stage without any. A stage that failed counts as one failure at least."""
    counts: Counter[str] = Counter()
    for result in results:
        counts += result.tests or Counter()
        if result.ok is None:
            counts["skipped"] += 1
        elif not result.ok and not (result.tests or {}).get("failed"):
            counts["failed"] += 1
        elif result.tests is None:
            counts["passed"] += 1
    return counts


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


class Process:
    """A stage that runs, in a process group of its own."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self.begin = time.monotonic()
        self.ended = threading.Event()
        self.core_seconds = 0.0

    def wait(self) -> None:
        """Wait for the end, and note what the stage's processes have computed. One thread alone may call it."""
        _pid, status, usage = os.wait4(self.popen.pid, 0)
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        self.core_seconds = usage.ru_utime + usage.ru_stime
        self.ended.set()

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


# Either a stage that ended, by name, or a signal that arrived.
Event = str | signal.Signals


class Run:
    """One run of all stages. Only the main thread changes anything; others tell it by the queue."""

    def __init__(self, plan: Plan, logs: Path) -> None:
        self.plan = plan
        self.logs = logs
        self.begin = time.monotonic()
        self.results: dict[str, Result] = {}
        self.failures: list[str] = []
        self.signal: signal.Signals | None = None
        self._running: dict[str, Process] = {}
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            # SimpleQueue.put may interrupt another one.
            signal.signal(number, lambda number, _frame: self._events.put(signal.Signals(number)))
        while len(self.results) < len(self.plan.stages):
            for stage in self.plan.startable(self.results, self._running):
                self._start(stage)
            event = self._events.get()
            if isinstance(event, signal.Signals):
                self.signal = event
                self._stop(event.name)
            else:
                self._ended(event)
        self._summary()
        if self.signal:
            return 128 + self.signal
        return 0 if all(result.ok for result in self.results.values()) else 1

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _say(self, text: str) -> None:
        print(f"[{duration(time.monotonic() - self.begin):>11}] {text}", flush=True)

    def _start(self, stage: Stage) -> None:
        # Make would do again what another stage has done; --old-file takes it for done.
        done = [f"--old-file={need}" for need in sorted(self.plan.all_needs(stage.name))]
        path = self.log(stage.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as log:
            popen = subprocess.Popen(
                ["make", "--no-print-directory", *done, stage.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self._running[stage.name] = Process(popen)
        self._say(f"{stage.name} starts")
        threading.Thread(target=self._await, args=(stage.name, process), daemon=True).start()

    def _await(self, name: str, process: Process) -> None:
        process.wait()
        self._events.put(name)

    def _ended(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        seconds = time.monotonic() - process.begin
        ok = process.popen.returncode == 0
        tests = count_tests(self.log(name).read_text(errors="replace"))
        self.results[name] = Result(ok, "", seconds, process.core_seconds, tests)
        self._say(f"{name} {'ok' if ok else 'FAILED'} after {duration(seconds)}")
        if not ok:
            self._failed(name)

    def _failed(self, name: str) -> None:
        print(excerpt(self.log(name)), end="", flush=True)
        self.failures.append(name)
        if self.plan.stages[name].essential:
            self._stop(f"{name} failed")
            return
        for other in self.plan.dependents(name):
            if other not in self.results:
                self.results[other] = Result(None, f"not run: {name} failed")
                self._say(f"{other} cannot run, because {name} failed")

    def _stop(self, reason: str) -> None:
        """Ends what runs; nothing else starts."""
        self._say(f"{reason}: the run ends")
        end_all(list(self._running.values()))
        for name, process in self._running.items():
            seconds = time.monotonic() - process.begin
            tests = count_tests(self.log(name).read_text(errors="replace"))
            self.results[name] = Result(False, f"stopped: {reason}", seconds, process.core_seconds, tests)
        self._running.clear()
        for name in self.plan.stages.keys() - self.results.keys():
            self.results[name] = Result(None, f"not run: {reason}")

    def _summary(self) -> None:
        if self.failures:
            path = self.log(self.failures[0])
            print(f"\nThe first failure: {self.failures[0]}, {path}")
            # The last failure's lines are close enough.
            if len(self.failures) > 1:
                print(excerpt(path), end="")
        width = max(map(len, self.plan.stages))
        print(f"\n{'stage':{width}}  seconds  computed  state")
        for name in self.plan.stages:
            result = self.results[name]
            state = result.note or ("ok" if result.ok else f"FAILED: {self.log(name)}")
            tests = ", ".join(f"{number} {word}" for word, number in sorted((result.tests or {}).items()))
            print(
                f"{name:{width}}  {result.seconds:7.0f}  {result.core_seconds:8.0f}  {state}{f'  ({tests})' if tests else ''}"
            )
        times = {name: (result.seconds, result.core_seconds) for name, result in self.results.items()}
        (self.logs / "times.json").write_text(json.dumps({"all": time.monotonic() - self.begin, "stages": times}))
        counts = total(self.results.values())
        print(f"\nThe whole run took {duration(time.monotonic() - self.begin)}; the logs are in {self.logs}")
        print(f"Tests: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)


def end_all(processes: t.Sequence[Process]) -> None:
    """Interrupts the groups, so that tests clean up, and kills those that do not end."""
    for process in processes:
        process.send(signal.SIGINT)
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        process.ended.wait(max(0.0, deadline - time.monotonic()))
        # Make may end before those that it started.
        process.send(signal.SIGKILL)
        process.ended.wait()


def main() -> int:
    stages, logs, *names = sys.argv[1:]
    plan = read_stages(Path(stages))
    return Run(plan.only(names) if names else plan, Path(logs)).run()


if __name__ == "__main__":
    sys.exit(main())
