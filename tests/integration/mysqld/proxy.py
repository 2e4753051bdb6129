# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP relay on this machine that can stop relaying without closing anything, as a dead network does."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from types import TracebackType

__all__ = ["Proxy"]


class Proxy:
    """Relays ``port`` to ``target`` on the loopback address."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._flowing = threading.Event()
        self._flowing.set()
        self._left: float = math.inf
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def freeze(self) -> None:
        self._flowing.clear()

    def freeze_after(self, size: int) -> None:
        """Freeze as soon as this many bytes have passed."""
        self._left = size

    @property
    def frozen(self) -> bool:
        return not self._flowing.is_set()

    def thaw(self) -> None:
        self._left = math.inf
        self._flowing.set()

    def __enter__(self) -> Proxy:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.thaw()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _peer = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._sockets += [client, server]
            for one, other in ((client, server), (server, client)):
                thread = threading.Thread(target=self._relay, args=(one, other))
                self._threads.append(thread)
                thread.start()

    def _relay(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self._flowing.wait()
                other.sendall(data)
                self._left -= len(data)
                if self._left <= 0:
                    self.freeze()
        # The end of the stream is held back as well.
        self._flowing.wait()
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)
