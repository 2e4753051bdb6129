# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of single options that several modules share."""

from __future__ import annotations

from collections.abc import Mapping

from .constants import KEY_ADMIN, KEY_CLONE, KEY_REPLICATION, KEY_ROOT, MAX_REPLICATION_PASSWORD
from .errors import SpecError

__all__ = ["PASSWORD_OPTIONS", "at_least", "check_password"]

# Option name -> key of the Secret.
PASSWORD_OPTIONS: Mapping[str, str] = {
    "root_password": KEY_ROOT,
    "replication_password": KEY_REPLICATION,
    "clone_password": KEY_CLONE,
    "admin_password": KEY_ADMIN,
}


def at_least(option: str, value: int, minimum: int) -> int:
    """Return ``value``, or raise ``SpecError`` naming ``option`` if it is less than ``minimum``."""
    if value < minimum:
        raise SpecError(option, f"found {value}, expected at least {minimum}")
    return value


def check_password(option: str, password: str) -> None:
    """Raise ``SpecError`` for a password that a server, a file or CHANGE REPLICATION SOURCE TO cannot carry."""
    if not password:
        raise SpecError(option, "is empty")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in password):
        raise SpecError(option, "holds a control character, such as a newline; only printable characters can be used")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in password):
        raise SpecError(option, "is not UTF-8")
    if option == "replication_password" and len(password.encode()) > MAX_REPLICATION_PASSWORD:
        raise SpecError(
            option, f"has more than {MAX_REPLICATION_PASSWORD} bytes, the most that CHANGE REPLICATION SOURCE TO takes"
        )
