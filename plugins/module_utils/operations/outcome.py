# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of an operation that changes a cluster: what it changed, and the error that stopped it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import CollectionError
from .diff import Change

__all__ = ["Outcome", "StalledRollout"]


@dataclass(frozen=True)
class StalledRollout:
    """A rollout without progress for its whole timeout.

    ``pods`` holds the last log line of pods that are not ready. ``reached`` grows with each pod that becomes ready and with
    the data that arrive.
    """

    message: str
    pods: Mapping[str, str]
    reached: int


@dataclass(frozen=True)
class Outcome:
    """``error`` is None if the operation was completed; otherwise ``changes`` are those that were made before it.

    ``unlisted``: something else may have been changed as well. ``stalled`` if the error is a rollout's timeout.
    ``warnings`` are for the user, whatever the end was.
    """

    changes: tuple[Change, ...]
    error: CollectionError | None = None
    unlisted: bool = False
    stalled: StalledRollout | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.unlisted or any(change.action != "none" for change in self.changes)
