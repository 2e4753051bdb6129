# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The supported servers and the clone method of each."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import SpecError
from ..kube.image import ImageReference
from .version import Flavour, ServerVersion

__all__ = ["SUPPORTED", "CloneMethod", "Server", "Support"]

CloneMethod = t.Literal["clone_plugin", "xtrabackup"]

_GIVEN = re.compile(r"(mysql|mariadb)-(.*)")
_NAMES: t.Mapping[Flavour, str] = {"mysql": "MySQL", "mariadb": "MariaDB"}


@dataclass(frozen=True)
class Support:
    """Servers of one flavour from ``since`` on and older than ``below``, and how they clone.

    ``complete_image``: whether the official image holds the programs for that.
    """

    flavour: Flavour
    since: tuple[int, int, int]
    below: tuple[int, int]
    clone_method: CloneMethod
    complete_image: bool = True

    def __str__(self) -> str:
        since = ".".join(map(str, self.since[: 3 if self.since[2] else 2]))
        last = f"{self.below[0]}.{self.below[1] - 1}" if self.below[1] else f"{self.below[0] - 1}"
        return f"{_NAMES[self.flavour]} {since}" + ("" if since == last else f" to {last}")


# The clone plugin came with 8.0.17: https://dev.mysql.com/doc/refman/8.0/en/clone-plugin.html
SUPPORTED: tuple[Support, ...] = (
    Support("mysql", (5, 7, 0), (5, 8), "xtrabackup", complete_image=False),
    Support("mysql", (8, 0, 17), (10, 0), "clone_plugin"),
    Support("mariadb", (10, 11, 0), (12, 0), "xtrabackup"),
)


@dataclass(frozen=True)
class Server:
    """The server in an image."""

    version: ServerVersion

    @classmethod
    def of(cls, image: ImageReference, given: str | None) -> Server:
        """The server in ``image`` by its repository and tag, or by ``given``, the option ``server_version``.

        Raises ``SpecError`` if the version cannot be read, or if the server is not supported.
        """
        option = "server_version" if given else "image"
        flavour: Flavour = "mariadb" if "mariadb" in image.repository else "mysql"
        text = given or image.tag or ""
        if match := _GIVEN.fullmatch(text):
            flavour, text = t.cast(Flavour, match[1]), match[2]
        try:
            server = cls(ServerVersion.of_tag(text, flavour))
        except ValueError as error:
            if given:
                raise SpecError(option, str(error)) from error
            problem = f"the version of the server in {str(image)!r} cannot be read from its tag; set server_version"
            raise SpecError(option, problem) from error
        if not server.supported:
            known = ", ".join(map(str, SUPPORTED))
            raise SpecError(
                option, f"{server} is not supported; supported are {known}. server_version can name the server, too"
            )
        return server

    def __str__(self) -> str:
        return f"{_NAMES[self.flavour]} {self.version.number}"

    @property
    def flavour(self) -> Flavour:
        return self.version.flavour

    @property
    def supported(self) -> bool:
        return any(self._is_in(row) for row in SUPPORTED)

    @property
    def support(self) -> Support:
        """The row of the table for this server, which must be a supported one."""
        return next(row for row in SUPPORTED if self._is_in(row))

    def _is_in(self, row: Support) -> bool:
        return row.flavour == self.flavour and self.version.at_least(*row.since) and not self.version.at_least(*row.below)
