"""The little of the Kubernetes API that the cluster's own add-ons need: read, write, and follow a kind."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Object = dict[str, Any]
WATCH_SECONDS = 600
RETRY_SECONDS = 0.1
# In a pod that starts before the service addresses are translated, a connection that was begun then never comes about.
CONNECT_SECONDS = 2
log = logging.getLogger("kube_watch")


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the HTTP status apart, for callers that can do something about it."""
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclass(frozen=True)
class KubeApi:
    """A connection's parameters; every request opens its own, so a restarted server is no special case."""

    host: str
    port: int
    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    token: Path | None = None

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options that say where the server is and who asks."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, required=True)
        for name in ("ca", "certificate", "key"):
            parser.add_argument(f"--{name}", type=Path, required=True)

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> KubeApi:
        """Return the connection that options describe."""
        return cls(options.host, options.port, options.ca, options.certificate, options.key)

    def connect(self, timeout: float) -> http.client.HTTPSConnection:
        """Open a connection."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=CONNECT_SECONDS, context=context)
        connection.connect()
        connection.sock.settimeout(timeout)
        return connection

    def headers(self) -> dict[str, str]:
        """Return what every request carries; a token is read anew, as the kubelet renews it."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token.read_text(encoding='ascii')}"
        return headers

    def request(self, method: str, path: str, body: Object | None = None) -> Object:
        """Send one request and return the object it answers with."""
        with contextlib.closing(self.connect(timeout=10)) as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, self.headers())
            response = connection.getresponse()
            text = response.read().decode()
        if response.status >= http.client.BAD_REQUEST:
            raise ApiError(response.status, text)
        answer: Object = json.loads(text)
        return answer

    def events(self, path: str, version: str) -> Iterator[Object]:
        """Yield watch events until the server ends the stream."""
        query = urlencode({"watch": "1", "resourceVersion": version, "timeoutSeconds": WATCH_SECONDS})
        with contextlib.closing(self.connect(timeout=WATCH_SECONDS + 30)) as connection:
            connection.request("GET", f"{path}?{query}", headers=self.headers())
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise ApiError(response.status, response.read().decode())
            for line in response:
                event: Object = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 0), event["object"].get("message", ""))
                yield event


def key_of(item: Object) -> str:
    """Return what tells an object from others of its kind."""
    meta = item["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def follow(
    api: KubeApi,
    path: str,
    replace: Callable[[dict[str, Object]], None],
    update: Callable[[str, Object | None], None],
) -> None:
    """Follow a kind for ever: the whole list first, then every change, again from the list when the stream breaks.

    A list replaces what was known, so that nothing deleted while nobody watched stays.
    """
    while True:
        try:
            listing = api.request("GET", path)
            replace({key_of(item): item for item in listing["items"]})
            for event in api.events(path, listing["metadata"]["resourceVersion"]):
                gone = event["type"] == "DELETED"
                update(key_of(event["object"]), None if gone else event["object"])
        except (OSError, http.client.HTTPException, ValueError, ApiError) as error:
            log.warning("watch of %s starts anew: %s", path, error)
            time.sleep(RETRY_SECONDS)
