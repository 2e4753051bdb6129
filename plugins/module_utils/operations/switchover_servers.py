# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two servers of a switchover: the old primary and the new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from ..constants import ADMIN_USER, CLONE_USER, REPLICATION_USER
from ..errors import SqlError, StaleVersion, WaitFailed, WaitTimeout
from ..mysql.instance import SessionPool
from ..mysql.port import Instance
from ..mysql.values import ClientSession, Epoch, ReadOnly
from ..parallel import map_parallel
from ..spec import Handover
from ..wait import Clock, poll, wait_until

__all__ = ["Servers", "TargetState", "describe", "prove_replicas"]

_LOCK = "kubemysql_switchover"
# How long the session of a killed run may live on: its end has to come through the API server and the kubelet.
_LOCK_SECONDS = 15.0
_LOCK_INTERVAL = 0.2
# ER_LOCK_WAIT_TIMEOUT
_LOCK_WAIT_TIMEOUT = 1205
_SETTLING = 0.01
_OUR_USERS = (ADMIN_USER, CLONE_USER, REPLICATION_USER)
# How long ended sessions may take to be gone.
_SESSIONS_SECONDS = 5.0
_SESSIONS_INTERVAL = 0.05


@dataclass(frozen=True)
class TargetState:
    """The new primary: who can write, whether it has a channel, and whether its data hold the row of its epoch."""

    mode: ReadOnly
    replicating: bool
    begun: bool


class Servers:
    """``closed_at``: the clock's time just before the old primary was closed; ``opened_at``: just after the new one was open.

    None unless this run did that.
    """

    def __init__(self, pool: SessionPool, handover: Handover, clock: Clock, max_pause: float) -> None:
        self._pool, self._clock, self._max_pause = pool, clock, max_pause
        self.old, self.new = handover.source, handover.target
        self._epoch = Epoch(handover.epoch, handover.target)
        self._position = ""
        self._recording = False
        self.closed_at: float | None = None
        self.opened_at: float | None = None

    # --- look ---------------------------------------------------------------------------------------------------------

    def lock(self, name: str) -> None:
        """Make sure that no other run works on this server, until this session ends. The session of a run that was killed
        holds the lock until the server has noticed, so it is waited for.
        """

        def look() -> bool:
            return self._pool.run(name, lambda server: server.lock(_LOCK))

        def pending(locked: bool) -> str | None:
            return None if locked else f"the lock {_LOCK}"

        polled = poll(look, pending=pending, timeout=_LOCK_SECONDS, interval=_LOCK_INTERVAL, clock=self._clock)
        if polled.timed_out is not None:
            raise StaleVersion(
                f"another run moves the primary now: it holds the lock {_LOCK} on {name}. Run again when it ended", 409
            )

    def look_at_new(self) -> TargetState:
        def read(server: Instance) -> TargetState:
            return TargetState(server.read_only(), bool(server.status().channels), server.newest_epoch() == self._epoch)

        return self._pool.run(self.new, read)

    def look_at_old(self) -> ReadOnly:
        return self._pool.run(self.old, lambda server: server.read_only())

    def executed(self, name: str) -> str:
        """Everything that the server has committed by now."""
        executed = self._pool.run(name, lambda server: server.history().executed)
        if not executed:
            raise WaitFailed(f"{name} has no set of executed GTIDs")
        return executed

    def reach(self, name: str, position: str, timeout: float) -> None:
        if not self._pool.run(name, lambda server: server.wait_for_executed(position, timeout)):
            raise WaitTimeout(f"gave up after {timeout:.1f} s waiting for {name} to execute {position}")

    # --- the pause ----------------------------------------------------------------------------------------------------

    def close_old(self) -> None:
        self.closed_at = self._clock.now()
        try:
            self._pool.run(self.old, lambda server: server.set_read_only("super", 1))
        except SqlError as error:
            if error.errno != _LOCK_WAIT_TIMEOUT:
                raise
            raise WaitFailed(f"{self.old} cannot be closed for writes, since {self._offenders()}") from error

    def _offenders(self) -> str:
        writers = self._pool.run(self.old, lambda server: server.writing_sessions())
        return f"these statements write: {describe(writers)}" if writers else "a statement that has ended by now was writing"

    def catch_up(self) -> None:
        """Let the new one execute everything that the old one has. What was committing when that was closed may end later."""
        position = self.executed(self.old)
        while (again := self.executed(self.old)) != position:
            self._check_pause(f"{self.old} to stand still")
            self._clock.sleep(_SETTLING)
            position = again
        self.reach(self.new, position, self._pause_left())
        self._position = position

    def detach_new(self) -> None:
        def forget_source(server: Instance) -> None:
            server.stop_replica()
            server.reset_replica()

        self._pool.run(self.new, forget_source)

    def begin_epoch(self) -> None:
        """The old primary is looked at once more, on the session that has seen it closed. Its pod opens one that has restarted
        only while the new one replicates, and that has ended by now.
        """
        seen = self._pool.run(self.old, lambda server: (server.read_only(), server.history().executed))
        if seen != ("super", self._position):
            raise WaitFailed(f"somebody has opened {self.old} for writes meanwhile")
        self._check_pause(f"{self.new} to begin its epoch")
        self._recording = True
        try:
            self._pool.run(self.new, partial(_record, self._epoch))
        except SqlError:
            if not self.has_begun():
                raise

    def has_begun(self) -> bool:
        """True if the new primary has the row of its epoch. It is closed first, so a late write of the row fails."""
        if not self._recording:
            return False
        try:
            return self._pool.run(self.new, partial(_closed_and_begun, self._epoch))
        except SqlError as error:
            raise WaitFailed(
                f"{self.new} does not answer ({error.message}), so whether it has begun its epoch is not known. "
                f"{self.old} stays read-only"
            ) from error

    def open_new(self) -> None:
        self._pool.run(self.new, lambda server: server.set_read_only("off"))
        self.opened_at = self._clock.now()

    def open_old(self) -> None:
        self._pool.run(self.old, lambda server: server.set_read_only("off"))

    def _pause_left(self) -> float:
        return self._max_pause if self.closed_at is None else self._max_pause - (self._clock.now() - self.closed_at)

    def _check_pause(self, what: str) -> None:
        if self._pause_left() <= 0:
            raise WaitTimeout(f"gave up after max_pause, {self._max_pause:g} s, waiting for {what}")

    # --- clients ------------------------------------------------------------------------------------------------------

    def end_sessions(self) -> int:
        """End the clients' sessions that the old primary has now, and return their number when they are gone."""
        return self._pool.run(self.old, self._end)

    def _end(self, server: Instance) -> int:
        first = {each.id for each in _clients(server)}

        def look() -> list[ClientSession]:
            return [each for each in _clients(server) if each.id in first]

        def pending(left: list[ClientSession]) -> str | None:
            return f"sessions to end: {describe(left)}" if left else None

        for number in first:
            server.kill_session(number)
        wait_until(look, pending=pending, timeout=_SESSIONS_SECONDS, interval=_SESSIONS_INTERVAL, clock=self._clock)
        return len(first)


def prove_replicas(pool: SessionPool, primary: str, replicas: Iterable[str], timeout: float) -> None:
    """Wait until every replica has executed what the primary has committed by now."""
    position = pool.run(primary, lambda server: server.history().executed) or ""

    def reach(name: str) -> None:
        if not pool.run(name, lambda server: server.wait_for_executed(position, timeout)):
            raise WaitTimeout(f"gave up after {timeout:g} s waiting for {name} to execute {position}")

    map_parallel(reach, replicas)


def describe(sessions: Iterable[ClientSession]) -> str:
    return "; ".join(f"session {each.id} of {each.user} from {each.host}, for {each.seconds} s" for each in sessions)


def _record(epoch: Epoch, server: Instance) -> None:
    """Administrators can write now, and nobody else."""
    server.set_read_only("on")
    server.record_epoch(epoch, "promotion")


def _closed_and_begun(epoch: Epoch, server: Instance) -> bool:
    server.set_read_only("super")
    return server.newest_epoch() == epoch


def _clients(server: Instance) -> list[ClientSession]:
    """Neither the collection's own accounts, nor the pod itself, which comes through the socket."""
    return [each for each in server.client_sessions() if each.user not in _OUR_USERS and each.host != "localhost"]
