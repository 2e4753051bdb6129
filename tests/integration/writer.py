# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that writes, whatever happens to the primary, and remembers what it was told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.port import Session
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from waiting import eventually

__all__ = ["Writer"]


@dataclass
class Writer:
    """Writes rows on the primary, one after the other, and keeps the ids of those whose commit was acknowledged.

    A session that is lost is opened again; of a row whose answer was lost nobody knows, so its id is not used again.
    """

    connect: Callable[[], Session]
    table: str = "shop.written"
    acknowledged: list[int] = field(default_factory=list)

    def __enter__(self) -> Writer:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def wait_for_more(self, rows: int) -> None:
        """Until so many more rows are acknowledged."""
        goal = len(self.acknowledged) + rows
        eventually(f"{rows} more rows to be written", lambda: len(self.acknowledged) >= goal)

    def _write(self) -> None:
        session: Session | None = None
        number = 0
        while not self._over.is_set():
            number += 1
            try:
                session = session or self.connect()
                session.execute(Query(f"INSERT INTO {self.table} VALUES (%s, REPEAT('x', 200))", (number,)))
            except Unreachable:
                session = None
                self._over.wait(0.2)
            except SqlError as error:
                # A primary that has just started takes writes only when it has its role.
                if error.errno not in (1290, 1836):
                    raise
                self._over.wait(0.2)
            else:
                self.acknowledged.append(number)
                # Often enough for any moment, and seldom enough not to keep the API server busy, through which each row goes.
                self._over.wait(0.02)
        if session is not None:
            session.close()
