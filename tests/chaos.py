# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of a random test runs: a small share in `make test`, all of it in `make chaos`.

``KUBEMYSQL_CHAOS=1`` asks for all. ``KUBEMYSQL_SEED`` repeats the random choices of an earlier run; each test prints its seed.
"""

from __future__ import annotations

import os
import random
import secrets
from typing import TypeVar

__all__ = ["random_choices", "share"]

Amount = TypeVar("Amount", int, float)


def share(small: Amount, *, full: Amount) -> Amount:
    """``full`` in `make chaos`, else ``small``."""
    return full if os.environ.get("KUBEMYSQL_CHAOS") == "1" else small


def random_choices() -> random.Random:
    """A generator whose seed is printed, so that the same choices can be made again."""
    seed = int(os.environ.get("KUBEMYSQL_SEED") or secrets.randbelow(2**32))
    print(f"seed {seed}: KUBEMYSQL_SEED={seed} makes the same choices")
    return random.Random(seed)  # noqa: S311 - no secret
