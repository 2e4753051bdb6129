# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Secret with the passwords of the cluster's own accounts."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from ..constants import SECRET_KEYS
from ..errors import SpecError
from ..kube.port import Manifest
from ..names import Names
from .common import manifest

__all__ = ["decode", "secret"]


def secret(names: Names, passwords: Mapping[str, str]) -> Manifest:
    """A Secret with ``passwords`` by key."""
    data = {key: base64.b64encode(password.encode()).decode() for key, password in passwords.items()}
    return manifest(names, "v1", "Secret", names.secret, {"type": "Opaque", "data": data})


def decode(live: Manifest | None) -> dict[str, str]:
    """The passwords in a live Secret, read as the pods read them: a newline at the end does not count.

    What else somebody keeps in it, such as a certificate, is left aside.
    """
    if live is None:
        return {}
    data = live.get("data") or {}
    return {key: _text(live["metadata"]["name"], key, data[key]) for key in SECRET_KEYS if data.get(key)}


def _text(secret: str, key: str, value: str) -> str:
    try:
        return base64.b64decode(value).decode().rstrip("\n")
    except UnicodeDecodeError as error:
        raise SpecError("secret_name", f"{key} of Secret {secret!r} is not UTF-8 text, so it cannot be a password") from error
