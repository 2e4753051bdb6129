# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that a pod uses, and no others: a change of any other script must not restart it."""

from __future__ import annotations

import re

from .embedded import SCRIPTS

__all__ = ["used_scripts"]

# A script by its name: in a manifest, in a `source`, or as the argument of another program.
_NAME = re.compile(r"(?<![\w-])(?:run|lib|dialect)-[a-z-]+\.sh\b")


def used_scripts(text: str, *, flavour: str, clone_method: str) -> dict[str, str]:
    """The scripts that ``text``, a pod template, names, and those that they source or run in turn.

    ``flavour`` and ``clone_method`` are the values of the pod's variables, which are part of some names.
    """
    found: dict[str, str] = {}
    unread = [text]
    while unread:
        expanded = unread.pop().replace("$FLAVOUR", flavour).replace("$CLONE_METHOD", clone_method)
        for name in sorted(set(_NAME.findall(expanded)) - found.keys()):
            found[name] = SCRIPTS[name]
            unread.append(found[name])
    return dict(sorted(found.items()))
