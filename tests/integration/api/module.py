# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real module, run in this process, with every HTTP request it makes noted."""

from __future__ import annotations

import contextlib
import io
import json
import time
import typing as t
from types import ModuleType
from unittest import mock

from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster
from urllib3.connectionpool import HTTPConnectionPool
from waiting import spent

__all__ = ["Result", "run_module"]


class Request(t.NamedTuple):
    """A request as it went over the wire."""

    method: str
    url: str

    @property
    def persists(self) -> bool:
        """The server changes something."""
        return self.method != "GET" and "dryRun=All" not in self.url


class Result(dict[str, t.Any]):
    """The module's output, and its requests to the API server."""

    def __init__(self, printed: str, requests: list[Request]) -> None:
        super().__init__(json.loads(printed))
        self.printed = printed
        self.requests = requests

    @property
    def written(self) -> list[Request]:
        """The requests that changed something."""
        return [request for request in self.requests if request.persists]

    def config_map(self, volume: str) -> str:
        """The ConfigMap that a volume of the pod template names."""
        volumes: list[dict[str, t.Any]] = self["manifests"][-1]["spec"]["template"]["spec"]["volumes"]
        return str(next(each["configMap"]["name"] for each in volumes if each["name"] == volume))

    @property
    def actions(self) -> list[tuple[str, str, str]]:
        return [(change["action"], change["kind"], change["name"]) for change in self["changes"]]


def run_module(
    *,
    module: ModuleType = mysql_cluster,
    check: bool = False,
    diff: bool = False,
    before_write: t.Callable[[], None] = lambda: None,
    after_write: t.Callable[[], None] = lambda: None,
    **options: t.Any,
) -> Result:
    """Run a module with ``options``; a failure is a result with ``failed``. ``before_write`` and ``after_write`` are called
    around each request that changes something.
    """
    requests: list[Request] = []
    send = HTTPConnectionPool.urlopen

    def noted(pool: HTTPConnectionPool, method: str, url: str, body: t.Any = None, **more: t.Any) -> t.Any:
        # A deletion says in its body that it is a dry run.
        dry = "?dryRun=All" if method == "DELETE" and b'"dryRun"' in _bytes(body) else ""
        requests.append(Request(method, url + dry))
        if not requests[-1].persists:
            return send(pool, method, url, body=body, **more)
        before_write()
        answer = send(pool, method, url, body=body, **more)
        after_write()
        return answer

    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff}
    printed, begin = io.StringIO(), time.monotonic()
    with (
        patch_module_args(arguments),
        mock.patch.object(HTTPConnectionPool, "urlopen", noted),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    spent[module.__name__.rpartition(".")[2]] += time.monotonic() - begin
    return Result(printed.getvalue(), requests)


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
