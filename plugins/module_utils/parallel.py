# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking many servers at the same time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["map_parallel"]

K = t.TypeVar("K")
V = t.TypeVar("V")
# Threads only wait for sockets; more instances than this take turns.
_MOST = 32


def map_parallel(function: Callable[[K], V], items: Iterable[K]) -> dict[K, V]:
    """``{item: function(item)}`` with all calls running at the same time; an exception of one is raised at the end."""
    keys = list(items)
    if len(keys) < 2:
        return {key: function(key) for key in keys}
    with ThreadPoolExecutor(min(len(keys), _MOST)) as threads:
        return dict(zip(keys, threads.map(function, keys), strict=True))
