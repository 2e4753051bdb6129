"""Processes we once started, told apart from whoever has their number now.

A pid alone can be somebody else's by the time it is read again. Together with the time the process started and the
boot of the machine it is not, and a process that differs in either is never taken for ours and never signalled.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 10.0


class ProcessError(Exception):
    """A process that does not start or does not end, and why."""


def boot_id() -> str:
    """Return what tells this boot of the machine from every other."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_time(pid: int) -> int | None:
    """Return when a process started, in ticks since boot; nothing if it is gone or only waits to be reaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The second field is the command in parentheses, which may itself hold spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True)
class Record:
    """A process we once started."""

    name: str
    pid: int
    started: int
    boot: str
    digest: str

    def running(self) -> bool:
        """Tell whether it is this very process that runs now."""
        return self.boot == boot_id() and start_time(self.pid) == self.started

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """End the process, kindly at first; return whether there was one."""
        try:
            handle = os.pidfd_open(self.pid)
        except (ProcessLookupError, OSError):
            return False
        try:
            # The handle pins the process; only now does the comparison mean anything.
            if not self.running():
                return False
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, STOP_SECONDS)):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                if poller.poll(patience * 1000):
                    return True
            raise ProcessError(f"{self.name} (pid {self.pid}) does not end")
        finally:
            os.close(handle)
