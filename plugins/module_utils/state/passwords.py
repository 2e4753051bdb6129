# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the passwords in a live Secret; ``manifests/secret.py`` renders it."""

from __future__ import annotations

import base64

from ..constants import SECRET_KEYS
from ..errors import SpecError
from ..kube.manifest import Manifest

__all__ = ["parse_password", "parse_passwords"]


def parse_passwords(live: Manifest | None) -> dict[str, str]:
    """The passwords in a live Secret, by key, without a newline at the end: the pods read them so, too.

    Other keys, such as a certificate, are left out.
    """
    found = {key: parse_password(live, key) for key in SECRET_KEYS}
    return {key: password for key, password in found.items() if password is not None}


def parse_password(live: Manifest | None, key: str) -> str | None:
    """The password under any key of a live Secret, as above; None if there is none."""
    data = {} if live is None else live.get("data") or {}
    return _text(live["metadata"]["name"], key, data[key]) if live is not None and data.get(key) else None


def _text(secret: str, key: str, value: str) -> str:
    try:
        return base64.b64decode(value).decode().rstrip("\n")
    except UnicodeDecodeError as error:
        raise SpecError("secret_name", f"{key} of Secret {secret!r} is not UTF-8 text, so it cannot be a password") from error
