# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of servers and their versions."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

__all__ = ["Flavour", "ServerVersion"]

Flavour = t.Literal["mysql", "mariadb"]

_GREETING = re.compile(r"(?:5\.5\.5-(?=\d))?(\d+)\.(\d+)\.(\d+)")
_TAG = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:[^0-9.].*)?")
# The patch of a series such as 8.4, whose newest release is meant. No release has so high a number.
_NEWEST = 999


@dataclass(frozen=True, order=True)
class ServerVersion:
    """A server's version, or the newest release of a series. Only versions of one flavour can be compared."""

    major: int
    minor: int
    patch: int = _NEWEST
    flavour: Flavour = "mysql"

    @classmethod
    def parse(cls, text: str) -> ServerVersion:
        """Read ``8.0.36-28``, ``9.7.4-2`` or ``5.5.5-10.11.6-MariaDB-0+deb12u1``, as the server's greeting has them.

        MariaDB pretends to be 5.5.5 there, for the sake of replicas that would not follow a server 10.
        """
        match = _GREETING.match(text)
        if match is None:
            raise ValueError(f"{text!r} is no server version; an example is 9.7.4")
        major, minor, patch = (int(number) for number in match.groups())
        return cls(major, minor, patch, "mariadb" if "mariadb" in text.lower() else "mysql")

    @classmethod
    def of_tag(cls, text: str, flavour: Flavour) -> ServerVersion:
        """Read the version at the beginning of an image's tag, such as ``8.0.36-debian``, or a series such as ``9.7``."""
        match = _TAG.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} does not begin with a version such as 8.4 or 8.0.36")
        major, minor, patch = match.groups()
        return cls(int(major), int(minor), _NEWEST if patch is None else int(patch), flavour)

    @property
    def series(self) -> tuple[Flavour, int, int]:
        """Releases of one series differ in the patch only."""
        return self.flavour, self.major, self.minor

    @property
    def number(self) -> str:
        """``8.4`` for a series, ``8.4.6`` for a release."""
        return f"{self.major}.{self.minor}" + ("" if self.patch == _NEWEST else f".{self.patch}")

    def __str__(self) -> str:
        return f"MariaDB {self.number}" if self.flavour == "mariadb" else self.number

    def at_least(self, *number: int) -> bool:
        """Whether this version is ``number`` or newer, within its own flavour."""
        return (self.major, self.minor, self.patch) >= number
