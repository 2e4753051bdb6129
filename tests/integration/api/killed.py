# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real modules in processes of their own, each of which SIGKILL ends after a number of its writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlSession
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster, mysql_cluster_primary
from integration.api.module import run_module

__all__ = ["KilledAfter", "killable_runs"]

MODULES = {module.__name__.rpartition(".")[2]: module for module in (mysql_cluster, mysql_cluster_primary)}


class KilledAfter(t.Protocol):
    """Runs a module; whether it was killed, or ended before it had written so often. Statements that change a server count."""

    def __call__(self, writes: int, *, module: str = "mysql_cluster", **options: t.Any) -> bool:
        """With these options."""


@contextmanager
def killable_runs() -> Iterator[KilledAfter]:
    """One interpreter has imported everything, and forks for each run: to import takes longer than to run."""
    code = "from integration.api.killed import serve; serve()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def killed_after(writes: int, *, module: str = "mysql_cluster", **options: t.Any) -> bool:
            assert process.stdin is not None and process.stdout is not None
            given = json.dumps({"writes": writes, "module": module, "options": options})
            print(given, file=process.stdin, flush=True)
            ended = int(process.stdout.readline())
            assert ended in (0, -signal.SIGKILL), f"the run ended with {ended}; its reason is on stderr"
            return ended != 0

        yield killed_after


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(writes: int, module: str, options: dict[str, t.Any]) -> t.NoReturn:
    left = writes

    def after_write() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    execute = PyMySqlSession.execute

    def executed(session: PyMySqlSession, query: Query) -> None:
        execute(session, query)
        after_write()

    with mock.patch.object(PyMySqlSession, "execute", executed):
        result = run_module(module=MODULES[module], after_write=after_write, **options)
    if result.get("failed"):
        print(result["msg"], file=sys.stderr, flush=True)
    os._exit(1 if result.get("failed") else 0)
