# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP relay on this machine that behaves once as an API server that restarts does."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType

__all__ = ["InterruptedRelay"]

_RESET = struct.pack("ii", 1, 0)


class InterruptedRelay:
    """Relays ``port`` to ``target``. After ``messages`` of clients all connections break, and the next ``refusals`` are
    reset.
    """

    def __init__(self, target: tuple[str, int], *, messages: int, refusals: int) -> None:
        self._target = target
        self._messages, self._refusals = messages, refusals
        self.refused = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> InterruptedRelay:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._break([self._listener, *self._open])
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                if self._messages <= 0 and self.refused < self._refusals:
                    self.refused += 1
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    client.close()
                    continue
                self._relay(client)

    def _relay(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        self._open += [client, server]
        for source, sink in ((client, server), (server, client)):
            self._threads.append(threading.Thread(target=self._pump, args=(source, sink, source is client)))
            self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if counted:
                    self._messages -= 1
                    if self._messages == 0:
                        self._break(self._open)
                sink.sendall(data)
        self._break([source, sink])

    @staticmethod
    def _break(sockets: list[socket.socket]) -> None:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
