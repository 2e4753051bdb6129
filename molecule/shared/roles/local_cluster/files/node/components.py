"""What the cluster's processes are: how each is called, what it needs before it, and how to see that it serves."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ready:
    """How to see that a process serves: a socket, or an HTTP path on it."""

    host: str = ""
    port: int = 0
    path: str = ""
    unix: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def check(self) -> bool:
        """Ask once; a process that serves nobody is ready when it runs."""
        try:
            if not self.unix and not self.port:
                return True
            if self.unix:
                with socket.socket(socket.AF_UNIX) as stream:
                    stream.settimeout(1)
                    stream.connect(self.unix)
                return True
            if not self.path:
                with socket.create_connection((self.host, self.port), timeout=1):
                    return True
            return self.status() == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def status(self) -> int:
        """Return the HTTP status of the path."""
        connection: http.client.HTTPConnection
        if self.ca:
            context = ssl.create_default_context(cafile=self.ca)
            context.load_cert_chain(self.certificate, self.key)
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=2, context=context)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", self.path)
            return connection.getresponse().status


@dataclass(frozen=True)
class Component:
    """One process of the cluster as it should run."""

    name: str
    argv: tuple[str, ...]
    ready: Ready
    after: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    timeout: float = 60.0

    @classmethod
    def load(cls, entry: dict[str, Any]) -> Component:
        """Read one entry of the components file."""
        return cls(
            name=entry["name"],
            argv=tuple(str(word) for word in entry["argv"]),
            ready=Ready(**entry["ready"]),
            after=tuple(entry.get("after", ())),
            files=tuple(entry.get("files", ())),
            env=entry.get("env", {}),
            timeout=entry.get("timeout", 60.0),
        )

    @property
    def digest(self) -> str:
        """Everything that decides how the process behaves, but not the folder its program lies in.

        Another clone brings another interpreter and cache folder with the same content; that is no reason to restart.
        """
        digest = hashlib.sha256(json.dumps([self.argv[1:], self.env]).encode())
        for name in self.files:
            digest.update(Path(name).read_bytes())
        return digest.hexdigest()


def load(path: Path) -> list[Component]:
    """Read the components file."""
    return [Component.load(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
