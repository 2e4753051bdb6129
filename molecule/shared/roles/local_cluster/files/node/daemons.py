"""Start the cluster's own processes, each as soon as those it needs serve, and record them."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from components import Component, load
from processes import ProcessError, Record, boot_id, start_time

POLL_SECONDS = 0.05
# In the environment of everything started here, and so of all that it starts in turn.
MARK = "KUBEMYSQL_RUN"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Daemons:
    """The recorded processes of one run folder."""

    def __init__(self, run: Path, logs: Path) -> None:
        """Use ``run`` for the records and ``logs`` for the processes' output."""
        self.run = run
        self.records = run / "daemons"
        self.logs = logs
        self.mark = f"{MARK}={run}"
        self.started: list[str] = []

    def find(self, name: str) -> Record | None:
        """Return what is recorded under a name; a half-written record counts as none."""
        try:
            return Record(**json.loads((self.records / f"{name}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def all(self) -> Iterator[Record]:
        """Yield every record."""
        for path in sorted(self.records.glob("*.json")):
            record = self.find(path.stem)
            if record:
                yield record

    def start(self, component: Component) -> Record:
        """Start a process in its own session and record it."""
        with open(self.logs / f"{component.name}.log", "ab") as log:
            process = subprocess.Popen(
                component.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": PATH, MARK: str(self.run), **component.env},
                start_new_session=True,
            )
        started = start_time(process.pid) or 0
        record = Record(component.name, process.pid, started, boot_id(), component.digest)
        path = self.records / f"{component.name}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(vars(record)), encoding="utf-8")
        partial.rename(path)
        self.started.append(component.name)
        # Reaping early shows at once that a process has died instead of leaving a zombie that looks alive.
        threading.Thread(target=process.wait, daemon=True).start()
        return record

    def ensure(self, component: Component) -> None:
        """See to it that a component runs as described and serves."""
        record = self.find(component.name)
        if record and record.running():
            if record.digest == component.digest and self.await_ready(component, record, component.timeout):
                return
            record.stop()
        self.stop_stray(component)
        record = self.start(component)
        if not self.await_ready(component, record, component.timeout):
            raise ProcessError(f"{component.name} is not ready: {self.log_tail(component.name)}")

    def stop_stray(self, component: Component) -> None:
        """End a process of ours that was started but not recorded, because whoever started it was killed between."""
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except (OSError, UnicodeDecodeError):
                continue
            started = start_time(pid)
            # Only the arguments decide together with the mark: programs rewrite neither.
            if started and words[1:] == list(component.argv[1:]) and self.mark.encode() in environment:
                Record(component.name, pid, started, boot_id(), "").stop()

    def await_ready(self, component: Component, record: Record, seconds: float) -> bool:
        """Wait until a component serves, its process is gone or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and record.running():
            if component.ready.check():
                return True
            time.sleep(POLL_SECONDS)
        return False

    def log_tail(self, name: str) -> str:
        """Return the end of a component's log; of a program that gave up, the reason and not the stack after it."""
        lines = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()[-400:]
        fatal = [line for line in lines if line.startswith("F")]
        return "\n".join(fatal[-1:] or lines[-15:])


def up(daemons: Daemons, components: list[Component]) -> None:
    """Bring every component up, each as soon as those it needs serve."""
    done = {component.name: threading.Event() for component in components}
    failed = threading.Event()

    def bring(component: Component) -> None:
        try:
            for name in component.after:
                done[name].wait()
            if not failed.is_set():
                daemons.ensure(component)
        except BaseException:
            failed.set()
            raise
        finally:
            done[component.name].set()

    daemons.records.mkdir(parents=True, exist_ok=True)
    daemons.logs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=len(components)) as pool:
        futures = [pool.submit(bring, component) for component in components]
    for future in futures:
        future.result()


def main() -> None:
    """Bring the components of a file up and tell which had to be started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("components", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--logs", type=Path, required=True)
    options = parser.parse_args()
    daemons = Daemons(options.run, options.logs)
    options.run.mkdir(parents=True, exist_ok=True)
    with open(options.run / "daemons.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The lock must not be inherited by what is started: it would be held as long as the cluster runs.
        os.set_inheritable(lock.fileno(), False)
        try:
            up(daemons, load(options.components))
        except ProcessError as error:
            sys.exit(str(error))
    print(json.dumps({"started": sorted(daemons.started)}))


if __name__ == "__main__":
    main()
