# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches GTIDs on without an interruption, in the order of MySQL's manual:
https://dev.mysql.com/doc/refman/8.4/en/replication-mode-change-online-enable-gtids.html

The modes last until a server restarts; the configuration of this collection sets the same from then on. An interrupted switch
continues from the mode that each server has.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..errors import SqlError, WaitFailed
from ..mysql.instance import SessionPool
from ..mysql.port import Instance
from ..mysql.values import LogPosition
from ..parallel import map_parallel
from ..wait import Clock
from .engine import Step, run_steps, unchanged

__all__ = ["MODES", "switch_gtids_on"]

# A server goes from one to the next only, and only when all servers have at least the one before.
MODES = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")
_INTERVAL = 0.2
V = t.TypeVar("V")


@dataclass(frozen=True)
class _State:
    """The mode of each server; None is not known yet, and counts as missing.

    ``anonymous`` is the number of transactions without a GTID on each server. ``position`` is where the primary was after the
    last of them, and ``reached`` holds the replicas that are there.
    """

    modes: Mapping[str, str]
    consistent: bool = False
    anonymous: Mapping[str, int] | None = None
    position: LogPosition | None = None
    reached: frozenset[str] = frozenset()

    def behind(self, mode: str) -> tuple[str, ...]:
        return tuple(name for name, now in self.modes.items() if MODES.index(now) < MODES.index(mode))


def switch_gtids_on(pool: SessionPool, primary: str, replicas: tuple[str, ...], *, timeout: float, clock: Clock) -> None:
    """Return when every server has ``gtid_mode`` ON and has all that was committed without a GTID.

    Raises ``SqlError`` if a server refuses a step, ``WaitTimeout`` if a transaction without a GTID does not end or a replica
    does not get so far within ``timeout`` seconds, and ``WaitFailed`` if it cannot.
    """
    servers = _Servers(pool, primary, replicas)
    run = run_steps(_steps(servers, timeout), servers.read_modes(_State({})), clock=clock)
    if run.error is not None:
        raise run.error


def _steps(servers: _Servers, timeout: float) -> tuple[Step[_State], ...]:
    def step(
        name: str, missing: Callable[[_State], str | None], act: Callable[[_State], _State], look: Callable[[_State], _State]
    ) -> Step[_State]:
        return Step(name, missing, act, look, timeout, interval=_INTERVAL)

    def advance(mode: str) -> Step[_State]:
        return step(f"gtid_mode {mode}", partial(_mode_missing, mode), partial(servers.advance, mode), servers.read_modes)

    return (
        step("GTID consistency", _consistency_missing, servers.enforce_consistency, unchanged),
        *(advance(mode) for mode in MODES[1:-1]),
        step("transactions without a GTID", _anonymous_ongoing, servers.count_anonymous, servers.count_anonymous),
        step("replicas", partial(_replica_behind, servers.replicas), servers.reach_position, servers.reach_position),
        advance(MODES[-1]),
    )


def _consistency_missing(state: _State) -> str | None:
    return "all servers to refuse what cannot have a GTID" if state.behind(MODES[-1]) and not state.consistent else None


def _mode_missing(mode: str, state: _State) -> str | None:
    behind = state.behind(mode)
    return f"{', '.join(behind)} to have gtid_mode {mode}" if behind else None


def _anonymous_ongoing(state: _State) -> str | None:
    if not state.behind(MODES[-1]):
        return None
    if state.anonymous is None:
        return "transactions without a GTID to end"
    ongoing = (f"{count} transactions without a GTID on {name} to end" for name, count in state.anonymous.items() if count)
    return next(ongoing, None)


def _replica_behind(replicas: tuple[str, ...], state: _State) -> str | None:
    if not state.behind(MODES[-1]):
        return None
    behind = ", ".join(name for name in replicas if name not in state.reached)
    return f"{behind} to get to {_goal(state.position)}" if behind else None


def _goal(position: LogPosition | None) -> str:
    return "the position of the primary" if position is None else f"{position[0]}:{position[1]} of the primary"


@dataclass(frozen=True)
class _Servers:
    """The servers whose modes are switched."""

    pool: SessionPool
    primary: str
    replicas: tuple[str, ...]

    def read_modes(self, state: _State) -> _State:
        return replace(state, modes=self._each(_mode))

    def enforce_consistency(self, state: _State) -> _State:
        self._each(lambda server: server.enforce_gtid_consistency())
        return replace(state, consistent=True)

    def advance(self, mode: str, state: _State) -> _State:
        map_parallel(lambda name: self.pool.run(name, lambda server: server.set_gtid_mode(mode)), state.behind(mode))
        return self.read_modes(state)

    def count_anonymous(self, state: _State) -> _State:
        return replace(state, anonymous=self._each(lambda server: server.anonymous_transactions()))

    def reach_position(self, state: _State) -> _State:
        """Wait for the replicas to get where the primary is after its last transaction without a GTID."""
        position = state.position or self.pool.run(self.primary, lambda server: server.log_position())
        waiting = [name for name in self.replicas if name not in state.reached]
        reached = map_parallel(partial(self._reaches, position), waiting)
        return replace(state, position=position, reached=state.reached | {name for name in waiting if reached[name]})

    def _reaches(self, position: LogPosition, replica: str) -> bool:
        reached = self.pool.run(replica, lambda server: server.wait_for_position(position, _INTERVAL))
        if reached is None:
            goal = _goal(position)
            raise WaitFailed(f"{replica} does not get to {goal}: its applier does not run. GTIDs were not switched on")
        return reached

    def _each(self, call: Callable[[Instance], V]) -> dict[str, V]:
        return map_parallel(lambda name: self.pool.run(name, call), (self.primary, *self.replicas))


def _mode(server: Instance) -> str:
    mode = server.status().gtid_mode
    if mode not in MODES:
        raise SqlError(f"gtid_mode is {mode!r}; expected one of {', '.join(MODES)}")
    return mode
