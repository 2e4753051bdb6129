# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod's containers, and the network that all of a cluster's pods share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from waiting import eventually, scaled, spent


@dataclass
class Container:
    """One running script and what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """The container's first process, as the machine numbers it."""

        def child() -> int:
            listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            return int((listing.read_text().split() or ["0"])[0]) if listing.exists() else 0

        return eventually(f"the first process of {self.name}", child)

    def children(self) -> list[int]:
        """The processes that the first one has started and not waited for."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal the first process; when it ends, the kernel ends all the others of its namespace."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, patience: float = 60.0) -> int:
        begin = time.monotonic()
        status = self.process.wait(scaled(patience))
        spent[f"container {self.name.rpartition('/')[2]}"] += time.monotonic() - begin
        return status

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        if self.running:
            # The first process is reaped when all the others of its namespace are gone, so nothing writes afterwards.
            with suppress(ProcessLookupError, AssertionError):
                self.kill()
        self.process.wait(scaled(30))


@contextmanager
def network_namespace() -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a network namespace with nothing in it but the loopback device."""
    bring_up = (
        "import fcntl, socket, struct\n"
        "s = socket.socket()\n"
        "fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))\n"  # SIOCSIFFLAGS, IFF_UP
        "print('up', flush=True)\n"
        "import signal; signal.pause()\n"
    )
    command = ["setpriv", "--pdeathsig=KILL", "unshare", "--net", sys.executable, "-c", bring_up]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout and holder.stdout.readline() == b"up\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()
