# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports to Kubernetes. ``client.py`` implements them; tests use a fake."""

from __future__ import annotations

import socket
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .manifest import Manifest

__all__ = ["Applied", "Diagnostics", "Event", "ObjectStore", "PodTunnel"]


@dataclass(frozen=True)
class Applied:
    """The object after an apply, or in a dry run as it would be; ``created`` if there was none before."""

    manifest: Manifest
    created: bool


class ObjectStore(t.Protocol):
    """Objects of one namespace. A store for check mode returns the same answers and changes nothing."""

    def server_version(self) -> tuple[int, int]:
        """The API server's version as (major, minor)."""

    def get(self, kind: str, name: str) -> Manifest | None:
        """The live object, or None if there is none. Also None in a namespace that does not exist."""

    def list(self, kind: str, selector: Mapping[str, str]) -> list[Manifest]:
        """The live objects whose labels match ``selector``."""

    def apply(self, manifest: Manifest) -> Applied:
        """Server-side apply. Raises ``ApiConflict`` naming the other manager.

        A manifest with a resourceVersion is applied to that version of the object only; else ``StaleVersion`` is raised.
        """

    def take_over(self, manifest: Manifest) -> Applied:
        """Apply, and become the owner of all fields of the object: those that are not applied are removed."""

    def amend(self, kind: str, name: str, patch: Manifest) -> Applied:
        """Apply what this collection has applied to the object before, with ``patch`` merged in; all else stays as it is.

        Raises ``ApiError`` with the status 404 if there is no such object.
        """

    def annotate(self, kind: str, name: str, annotations: Mapping[str, str]) -> None:
        """Set annotations, and nothing else. An object that is gone is no error."""

    def delete(self, kind: str, name: str, *, orphan: bool = False) -> None:
        """Delete the object and, in the background, what it owns; with ``orphan`` that stays without an owner.

        An object that is already gone is no error.
        """


@dataclass(frozen=True)
class Event:
    """An event that a controller or the kubelet recorded about an object; ``last_seen`` is an RFC 3339 time."""

    reason: str
    message: str
    last_seen: str


class Diagnostics(t.Protocol):
    """Logs and events, to find out why an object is not in its desired state."""

    def log(self, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        """The last ``lines`` lines of a container's log, of its previous life if ``previous``; empty if there is none."""

    def warnings(self, kind: str, name: str) -> Sequence[Event]:
        """The events of type Warning about an object, the latest last."""


class PodTunnel(t.Protocol):
    """Connections into pods through the API server."""

    def connect(self, pod: str, port: int, timeout: float) -> socket.socket:
        """A connected stream socket to ``port`` of ``pod``; raises ``Unreachable`` after ``timeout`` seconds."""
