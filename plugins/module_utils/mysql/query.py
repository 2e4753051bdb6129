# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A statement as a value: text with placeholders, and the arguments which only the driver puts in."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

__all__ = ["Argument", "Query", "identifier"]

Argument: t.TypeAlias = "str | int | float | None"


def identifier(name: str) -> str:
    """Quote a schema, table or column name. https://dev.mysql.com/doc/refman/8.4/en/identifiers.html"""
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be the name of anything in MySQL")
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


@dataclass(frozen=True)
class Query:
    """``sql`` with one ``%s`` for each of ``args``; the driver quotes them, in the connection's own character set.

    The text is always a format, with or without arguments: a percent sign that is meant is written twice.
    """

    sql: str
    args: tuple[Argument, ...] = field(default=(), repr=False)

    @property
    def masked(self) -> str:
        """The statement as it may appear in messages and logs: arguments stay placeholders."""
        return " ".join(self.sql.split()).replace("%%", "%")

    def __str__(self) -> str:
        return self.masked
