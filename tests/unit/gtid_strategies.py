# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GTID sets for property tests."""

from __future__ import annotations

import random

from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from hypothesis import strategies as st

__all__ = ["UUIDS", "gtid_sets", "written"]

UUIDS = tuple(f"{n:08x}-0000-4000-8000-00000000000{n}" for n in range(1, 4))
lanes = st.tuples(st.sampled_from(UUIDS), st.sampled_from(["", "tag", "_other1"]))
intervals = st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
gtid_sets = st.dictionaries(lanes, st.lists(intervals, min_size=1, max_size=5), max_size=5).map(GtidSet.of)


def written(gtids: GtidSet, seed: int) -> str:
    """The set as a person or an older server might write it: members in any order, on lines, each interval by itself."""
    chaos = random.Random(seed)  # noqa: S311 - a test's own disorder
    members = []
    for (uuid, tag), found in gtids.lanes:
        for first, last in found:
            numbers = str(first) if first == last else f"{first}-{last}"
            members.append(":".join(filter(None, (chaos.choice([uuid, uuid.upper()]), tag, numbers))))
    chaos.shuffle(members)
    return chaos.choice([",", ",\n", " , "]).join(members)
