# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors, one class for each reaction to them.

Every message names the option or object, the value found, the value expected and the way out. Adapters raise these classes
and none of their libraries' own; ``entry/edge.py`` catches them. An error holds what describes it, never a result.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AccessDenied",
    "ApiConflict",
    "ApiError",
    "ApiForbidden",
    "ApiUnavailable",
    "CollectionError",
    "ImmutableChange",
    "MissingLibrary",
    "SpecError",
    "SqlError",
    "StaleVersion",
    "Unreachable",
    "WaitFailed",
    "WaitTimeout",
]


# HTTP statuses: too many requests, and failures of the server or of a proxy before it.
_TRANSIENT = (429, 500, 502, 503, 504)


class CollectionError(Exception):
    """Base of all errors. The message holds no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SpecError(CollectionError):
    """An option's value cannot be used. ``option`` is the path of the option, e.g. ``config.mysqld.server_id``."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option


class MissingLibrary(CollectionError):
    """A Python library is not installed on the host that runs the module."""

    def __init__(self, library: str, traceback: str | None = None) -> None:
        super().__init__(library)
        self.library = library
        self.traceback = traceback


class ImmutableChange(CollectionError):
    """A change that Kubernetes refuses on a living object, found while planning and before anything was changed."""


class ApiError(CollectionError):
    """The API server answered with an error. ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def transient(self) -> bool:
        """True if the same request may succeed a moment later: the API server restarts or is overloaded."""
        return self.status in _TRANSIENT


class ApiConflict(ApiError):
    """Another field manager owns the fields ``conflicts``, which would be changed (HTTP 409)."""

    def __init__(self, message: str, status: int | None = None, conflicts: Sequence[str] = ()) -> None:
        super().__init__(message, status)
        self.conflicts = tuple(conflicts)


class StaleVersion(ApiError):
    """The object has changed since it was read (HTTP 409)."""


class ApiForbidden(ApiError):
    """The credentials lack a right (HTTP 403) or are not accepted (HTTP 401)."""


class ApiUnavailable(ApiError):
    """No answer from the API server. Not ``transient`` if its address or the credentials cannot be used at all."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self._transient = transient

    @property
    def transient(self) -> bool:
        return self._transient


class SqlError(CollectionError):
    """A server refused a statement. ``errno`` is MySQL's error number."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class Unreachable(SqlError):
    """No session: the instance does not answer, or not in time."""


class AccessDenied(SqlError):
    """The instance answers but refuses the credentials."""


class WaitTimeout(CollectionError):
    """The time ran out. The message names the condition that was waited for."""


class WaitFailed(CollectionError):
    """Waiting longer cannot help: something failed that does not recover by itself."""
