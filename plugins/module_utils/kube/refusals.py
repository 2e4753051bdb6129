# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translates the API server's error responses."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..errors import ApiConflict, ApiError, ApiForbidden, StaleVersion
from .manifest import Manifest

__all__ = ["refusal_of"]


def refusal_of(code: int, body: bytes | str, purpose: str, namespace: str) -> ApiError:
    """The error for an HTTP status and the response's body, with the options that lead out of it."""
    status, message = _status(body)
    causes = (status.get("details") or {}).get("causes") or []
    if code == 401:
        return ApiForbidden(f"cannot {purpose}: the API server does not accept the credentials (401 {message})", 401)
    if code == 403 and "exceeded quota" in message:
        return ApiError(f"cannot {purpose}: {message}. Raise the quota or ask for less with resources or replicas", 403)
    if code == 403:
        return ApiForbidden(f"cannot {purpose}: {message}. docs/permissions.md lists the rights that are needed", 403)
    if code == 404 and f'namespaces "{namespace}" not found' in message:
        return ApiError(f"namespace: {namespace!r} does not exist; create it with: kubectl create namespace {namespace}", 404)
    if code == 409:
        return _conflict(status, causes, message, purpose)
    return ApiError(f"cannot {purpose}: {message}", code)


def _conflict(status: Manifest, causes: Sequence[Manifest], message: str, purpose: str) -> ApiError:
    """Fields that others own, or a version of the object that is not its newest."""
    if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        fields = "; ".join(f"{cause.get('field')}: {cause.get('message')}" for cause in causes)
        return ApiConflict(
            f"cannot {purpose}: other field managers own fields that would change ({fields}). "
            "Remove these fields there, or take them over with force_conflicts: true",
            409,
            conflicts=[str(cause.get("field")) for cause in causes],
        )
    if status.get("reason") == "Conflict":
        found = f"cannot {purpose}: another run has changed it since this one has read it; nothing was changed there"
        return StaleVersion(f"{found}. Run again ({message})", 409)
    return ApiError(f"cannot {purpose}: {message}", 409)


def _status(body: bytes | str) -> tuple[Manifest, str]:
    """The ``Status`` object of an error response, and its message."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        status = json.loads(text)
    except ValueError:
        return {}, text.strip()
    return (status, status.get("message") or text) if isinstance(status, dict) else ({}, text)
