# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of global transaction identifiers, as MySQL writes them: ``uuid[:tag]:first[-last][:first-last]…[, …]``.

The server breaks long sets into lines, writes intervals in any order where a person typed them, and since 8.3 puts an
optional tag before the numbers: ``uuid:1-5:tag:7-9``. https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["GtidSet", "Interval", "Lane"]

# First and last transaction number, both included.
Interval = tuple[int, int]
# A sequence of numbers: a server's UUID and a tag, empty if none.
Lane = tuple[str, str]

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
_INTERVAL = re.compile(r"([0-9]+)(?:\s*-\s*([0-9]+))?")


def _merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Sorted, without overlaps, neighbours joined."""
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _without(kept: Iterable[Interval], removed: tuple[Interval, ...]) -> Iterator[Interval]:
    """The parts of the sorted ``kept`` that are in none of the sorted ``removed``."""
    start = 0
    for first, last in kept:
        while start < len(removed) and removed[start][1] < first:
            start += 1
        position = start
        while position < len(removed) and removed[position][0] <= last:
            gap_end = removed[position][0] - 1
            if first <= gap_end:
                yield first, gap_end
            first = removed[position][1] + 1
            position += 1
        if first <= last:
            yield first, last


def _interval(text: str, whole: str) -> Interval | None:
    """Read ``5`` or ``5-7``; None for an empty interval, which the server accepts and drops."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is neither an interval nor a tag in the GTID set {whole!r}")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if first < 1:
        raise ValueError(f"transaction numbers begin with 1, not {first}, in the GTID set {whole!r}")
    return (first, last) if first <= last else None


@dataclass(frozen=True)
class GtidSet:
    """A normalised set: lanes sorted, intervals merged. Equal sets are equal objects."""

    lanes: tuple[tuple[Lane, tuple[Interval, ...]], ...] = ()

    @classmethod
    def of(cls, intervals: Mapping[Lane, Iterable[Interval]]) -> GtidSet:
        """The set of these intervals, in whatever order they come."""
        merged = {lane: _merged(found) for lane, found in intervals.items()}
        return cls(tuple(sorted((lane, found) for lane, found in merged.items() if found)))

    @classmethod
    def parse(cls, text: str) -> GtidSet:
        """Read a set as the server shows it; raises ``ValueError`` for any other text."""
        found: dict[Lane, list[Interval]] = {}
        for member in filter(None, (part.strip() for part in text.split(","))):
            uuid, *rest = (part.strip() for part in member.lower().split(":"))
            if not _UUID.fullmatch(uuid):
                raise ValueError(f"{uuid!r} is no UUID in the GTID set {text!r}")
            if not rest:
                raise ValueError(f"no transaction numbers follow {uuid} in the GTID set {text!r}")
            tag = ""
            for part in rest:
                if _TAG.fullmatch(part):
                    tag = part
                elif (interval := _interval(part, text)) is not None:
                    found.setdefault((uuid, tag), []).append(interval)
        return cls.of(found)

    def __str__(self) -> str:
        """The set in the server's own notation, on one line."""
        members: dict[str, list[str]] = {}
        for (uuid, tag), intervals in self.lanes:
            parts = members.setdefault(uuid, [])
            if tag:
                parts.append(tag)
            parts += [str(first) if first == last else f"{first}-{last}" for first, last in intervals]
        return ",".join(":".join([uuid, *parts]) for uuid, parts in members.items())

    def __bool__(self) -> bool:
        return bool(self.lanes)

    def __len__(self) -> int:
        """The number of transactions in the set."""
        return sum(last - first + 1 for _lane, intervals in self.lanes for first, last in intervals)

    def __or__(self, other: GtidSet) -> GtidSet:
        both: dict[Lane, list[Interval]] = {}
        for lane, intervals in (*self.lanes, *other.lanes):
            both.setdefault(lane, []).extend(intervals)
        return GtidSet.of(both)

    def __sub__(self, other: GtidSet) -> GtidSet:
        """As ``GTID_SUBTRACT(self, other)``."""
        removed = dict(other.lanes)
        return GtidSet.of({lane: _without(intervals, removed.get(lane, ())) for lane, intervals in self.lanes})

    def __le__(self, other: GtidSet) -> bool:
        """As ``GTID_SUBSET(self, other)``."""
        return not self - other

    @property
    def uuids(self) -> frozenset[str]:
        """The servers on which transactions of this set were first committed."""
        return frozenset(uuid for (uuid, _tag), _intervals in self.lanes)

    def without_uuid(self, uuid: str) -> GtidSet:
        """The set less everything that was first committed on the server with this UUID."""
        return GtidSet(tuple(item for item in self.lanes if item[0][0] != uuid.lower()))
