# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches GTIDs on without an interruption, in the order of MySQL's manual:
https://dev.mysql.com/doc/refman/8.4/en/replication-mode-change-online-enable-gtids.html

The modes last until a server restarts; the configuration of this collection sets the same from then on. An interrupted switch
continues from the mode that each server has.
"""

from __future__ import annotations

from functools import partial

from ..errors import SqlError, WaitFailed
from ..mysql.instance import SessionPool
from ..mysql.port import Instance
from ..mysql.values import LogPosition
from ..parallel import map_parallel
from ..wait import Clock, wait_until

__all__ = ["MODES", "switch_gtids_on"]

# A server goes from one to the next only, and only when all servers have at least the one before.
MODES = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")
_INTERVAL = 0.2


def switch_gtids_on(pool: SessionPool, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
    """Return when every server has ``gtid_mode`` ON and has all that was committed without a GTID.

    Raises ``SqlError`` if a server refuses a step, ``WaitTimeout`` if a transaction without a GTID does not end or a replica
    does not get so far within ``timeout`` seconds, and ``WaitFailed`` if it cannot.
    """
    everyone = (primary, *replicas)
    map_parallel(lambda name: pool.run(name, lambda server: server.enforce_gtid_consistency()), everyone)
    for mode in MODES[1:-1]:
        map_parallel(partial(_advance_to, pool, mode), everyone)
    for name in everyone:
        _let_anonymous_transactions_end(pool, name, timeout, clock)
    position = pool.run(primary, lambda server: server.log_position())
    map_parallel(lambda name: _reach(pool, name, position, timeout, clock), replicas)
    map_parallel(partial(_advance_to, pool, MODES[-1]), everyone)


def _advance_to(pool: SessionPool, mode: str, name: str) -> None:
    pool.run(name, lambda server: _advance(server, mode))


def _advance(server: Instance, mode: str) -> None:
    now = server.status().gtid_mode
    if now not in MODES:
        raise SqlError(f"gtid_mode is {now!r}; expected one of {', '.join(MODES)}")
    if MODES.index(now) < MODES.index(mode):
        server.set_gtid_mode(mode)


def _let_anonymous_transactions_end(pool: SessionPool, name: str, timeout: float, clock: Clock) -> None:
    def ongoing() -> int:
        return pool.run(name, lambda server: server.anonymous_transactions())

    def pending(count: int) -> str | None:
        return f"{count} transactions without a GTID on {name} to end" if count else None

    wait_until(ongoing, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)


def _reach(pool: SessionPool, replica: str, position: LogPosition, timeout: float, clock: Clock) -> None:
    goal = f"{position[0]}:{position[1]} of the primary"

    def reached() -> bool | None:
        return pool.run(replica, lambda server: server.wait_for_position(position, _INTERVAL))

    def pending(reached: bool | None) -> str | None:
        if reached is None:
            raise WaitFailed(f"{replica} does not get to {goal}: its applier does not run. GTIDs were not switched on")
        return None if reached else f"{replica} to get to {goal}"

    wait_until(reached, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)
