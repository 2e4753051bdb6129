# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as people and templates give them, before anything else reads them."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ..errors import SpecError

__all__ = ["contents_in_place_of_paths", "normalised"]

# An empty password is one: an account may have none.
_EMPTY_COUNTS = {"password"}


def normalised(params: Mapping[str, t.Any], options: Mapping[str, Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """The options, None in place of empty text where there is no default: a template makes it of a variable that is not set.

    Empty text for an option with a default stays, and is refused: an empty namespace must not become another one.

    Raises ``SpecError`` if a path is none. The error does not repeat the value, which may hold a key.
    """
    for name in contents_in_place_of_paths(params, options):
        raise SpecError(name, "holds content, not a path; write it into a file, and give the file's path")
    return {name: None if value == "" and _is_optional(name, options) else value for name, value in params.items()}


def contents_in_place_of_paths(params: Mapping[str, t.Any], options: Mapping[str, Mapping[str, t.Any]]) -> dict[str, str]:
    """Values of path options that are no path: a dict that was turned into text, or a whole file."""
    paths = (name for name, option in options.items() if option.get("type") == "path" and params.get(name))
    return {name: params[name] for name in paths if "\n" in params[name] or params[name].lstrip().startswith(("{", "["))}


def _is_optional(name: str, options: Mapping[str, Mapping[str, t.Any]]) -> bool:
    return name not in _EMPTY_COUNTS and options.get(name, {}).get("default") is None
