# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a MariaDB binary log: for each domain and server the last of its transactions, ``0-1-5,0-2-6``.

They are not sets and cannot be subtracted: a number was reached, which does not imply that nothing before it is missing.
https://mariadb.com/kb/en/gtid/#gtid_binlog_state
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BinlogState"]

_GTID = re.compile(r"(\d+)-(\d+)-(\d+)")


@dataclass(frozen=True)
class BinlogState:
    """The last sequence number by (domain, server_id)."""

    last: Mapping[tuple[int, int], int]

    @classmethod
    def parse(cls, text: str) -> BinlogState:
        """Read what the server wrote; raises ``ValueError`` on anything else."""
        last: dict[tuple[int, int], int] = {}
        for part in filter(None, (each.strip() for each in text.split(","))):
            match = _GTID.fullmatch(part)
            if match is None:
                raise ValueError(f"{part!r} is no GTID of MariaDB's; an example is 0-1-5")
            domain, server, number = (int(group) for group in match.groups())
            last[domain, server] = number
        return cls(last)

    def beyond(self, other: BinlogState, *, but_for: int) -> tuple[str, ...]:
        """The GTIDs reached here and not in ``other``, without those of the server ``but_for``."""
        return tuple(
            f"{domain}-{server}-{number}"
            for (domain, server), number in sorted(self.last.items())
            if server != but_for and number > other.last.get((domain, server), 0)
        )
