# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Randomness and the calendar, for ``operations/deploy.py``."""

from __future__ import annotations

import hashlib
import os
import secrets
import string
import time

from ..times import format_time

__all__ = ["SystemRuntime"]

_PASSWORD_LENGTH = 24
# The servers' password plugins, validate_password and simple_password_check, require one of each by default.
# None of the special characters means anything to a shell, YAML or a URL's user part.
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-._")


class SystemRuntime:
    """The real ``Runtime``."""

    def __init__(self) -> None:
        self._salt = os.urandom(16)

    def password(self) -> str:
        rest = _PASSWORD_LENGTH - len(_CLASSES)
        characters = [secrets.choice(each) for each in (*_CLASSES, *["".join(_CLASSES)] * rest)]
        secrets.SystemRandom().shuffle(characters)
        return "".join(characters)

    def digest(self, value: str) -> str:
        return f"<hidden {hashlib.blake2b(value.encode(), key=self._salt, digest_size=4).hexdigest()}>"

    def cluster_id(self) -> str:
        return secrets.token_hex(8)

    def timestamp(self) -> str:
        return format_time(time.time())
