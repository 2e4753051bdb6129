# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a switchover: topology, primary Service, and the two servers; and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import CollectionError, StaleVersion, Unreachable, WaitFailed
from ..spec import Handover
from .engine import Step
from .switchover_objects import ClusterObjects, Limits, Situation, follow_steps, step
from .switchover_servers import Servers

__all__ = ["Mover"]

# kube-proxy follows a changed Service within a second:
# https://kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy/
_PROXY_SECONDS = 1.2


class Mover:
    """The steps of one run."""

    def __init__(self, objects: ClusterObjects, handover: Handover, limits: Limits) -> None:
        self._objects, self._handover, self._limits = objects, handover, limits
        self._old, self._new = handover.source, handover.target
        self._routed_at: float | None = None
        self.servers = Servers(objects.pool, handover, objects.clock, limits.max_pause)
        self.sessions = 0

    def take_locks(self) -> None:
        """On both servers, so all sessions are open before anything is changed. Once the new primary has begun, the old one may
        be gone; `look` finds that out.
        """
        self.servers.lock(self._new)
        self._if_reachable(lambda: self.servers.lock(self._old))

    def look(self, state: Situation) -> Situation:
        """The servers and the Service as they are."""
        new = self.servers.look_at_new()
        state = replace(state, routed=self._objects.routed(), new=new.mode, replicating=new.replicating, begun=new.begun)
        try:
            return replace(state, old=self.servers.look_at_old())
        except Unreachable:
            if state.begun:
                return state
            raise

    def steps(self) -> tuple[Step[Situation], ...]:
        """All steps in their order. The point of no return is the row that `begin_epoch` writes. After an error `begin_epoch`
        itself finds out whether the row is there; from `open_new_primary` on it is.
        """
        timeout = self._limits.wait_timeout
        follow, prove = follow_steps(self._objects, self._new, timeout)
        return (
            step("announce", self._not_announced, self._announce, timeout),
            step("synchronise", self._not_synchronised, self._synchronise, timeout),
            step("route", self._not_routed, self._route, timeout),
            step("close_old_primary", self._not_closed, self._close, timeout),
            step("catch_up", self._not_caught_up, self._catch_up, timeout),
            step("detach", self._not_detached, self._detach, timeout),
            step("begin_epoch", self._not_begun, self._begin, timeout),
            step("open_new_primary", self._not_open, self._open, timeout, commits=True),
            step("end_sessions", self._sessions, self._end_sessions, timeout),
            step("conclude", self._not_concluded, self._conclude, timeout),
            follow,
            step("end_late_sessions", self._late_sessions, self._end_late_sessions, timeout),
            prove,
        )

    def _not_announced(self, state: Situation) -> str | None:
        done = state.begun or (state.announced and state.topology.handover is not None)
        return None if done else f"announce to every pod that the primary moves from {self._old} to {self._new}"

    def _announce(self, state: Situation) -> Situation:
        """From now on the pods judge by the state of their servers, and open none that has restarted without proof."""
        topology = state.topology
        if topology.handover is None:
            topology = self._objects.write(replace(topology, handover=self._handover, acknowledged=False))
        self._objects.deliver(topology)
        self._objects.wait_for_pods(topology, self._limits.wait_timeout)
        return replace(state, topology=topology, announced=True)

    def _not_synchronised(self, state: Situation) -> str | None:
        done = state.begun or state.synchronised or state.old == "super"
        return None if done else f"wait until {self._new} has executed what {self._old} has committed by now"

    def _synchronise(self, state: Situation) -> Situation:
        """So that little is left for the time in which nobody can write."""
        self.servers.reach(self._new, self.servers.executed(self._old), self._limits.wait_timeout)
        return replace(state, synchronised=True)

    def _not_routed(self, state: Situation) -> str | None:
        return None if state.routed == self._new else f"point the primary Service to {self._new}"

    def _route(self, state: Situation) -> Situation:
        """New sessions meet the new primary, which is read-only for a moment; old ones still write on the old one."""
        self._routed_at = self._objects.clock.now()
        self._objects.route(self._new)
        return replace(state, routed=self._new)

    def _not_closed(self, state: Situation) -> str | None:
        return None if state.begun or state.old == "super" else f"close {self._old} for writes"

    def _close(self, state: Situation) -> Situation:
        self.servers.close_old()
        return replace(state, old="super")

    def _not_caught_up(self, state: Situation) -> str | None:
        done = state.begun or state.caught_up
        return None if done else f"wait until {self._new} has executed everything that {self._old} has committed"

    def _catch_up(self, state: Situation) -> Situation:
        self.servers.catch_up()
        return replace(state, caught_up=True)

    def _not_detached(self, state: Situation) -> str | None:
        return None if state.begun or not state.replicating else f"end the replication of {self._new}"

    def _detach(self, state: Situation) -> Situation:
        self.servers.detach_new()
        return replace(state, replicating=False)

    def _not_begun(self, state: Situation) -> str | None:
        return None if state.begun else f"record in the data of {self._new} that its epoch {self._handover.epoch} begins"

    def _begin(self, state: Situation) -> Situation:
        self.servers.begin_epoch()
        return replace(state, begun=True, new="on")

    def _not_open(self, state: Situation) -> str | None:
        return None if state.new == "off" else f"open {self._new} for writes"

    def _open(self, state: Situation) -> Situation:
        self.servers.open_new()
        return replace(state, new="off")

    def _sessions(self, state: Situation) -> str | None:
        return None if state.sessions_ended else f"end the clients' sessions on {self._old}"

    def _end_sessions(self, state: Situation) -> Situation:
        self._end_clients()
        return replace(state, sessions_ended=True)

    def _not_concluded(self, state: Situation) -> str | None:
        done = state.topology.primary == self._new
        return None if done else f"make {self._new} the primary in the topology, with epoch {self._handover.epoch}"

    def _conclude(self, state: Situation) -> Situation:
        new = replace(state.topology, primary=self._new, epoch=self._handover.epoch, handover=None, acknowledged=False)
        topology = self._objects.write(new)
        self._objects.deliver(topology)
        return replace(state, topology=topology)

    def _late_sessions(self, state: Situation) -> str | None:
        return None if state.late_sessions_ended else f"end the sessions that clients have opened on {self._old} meanwhile"

    def _end_late_sessions(self, state: Situation) -> Situation:
        """Until kube-proxy had followed the Service, new sessions still met the old primary."""
        left = 0.0 if self._routed_at is None else self._routed_at + _PROXY_SECONDS - self._objects.clock.now()
        if left > 0:
            self._objects.clock.sleep(left)
        self._end_clients()
        return replace(state, late_sessions_ended=True)

    def _end_clients(self) -> None:
        """A server that does not answer has no sessions that anybody could end."""
        try:
            self.sessions += self.servers.end_sessions()
        except Unreachable as error:
            self._objects.warnings.append(f"the clients' sessions on {self._old} could not be ended: {error.message}")

    # --- the way back -------------------------------------------------------------------------------------------------

    def revert(self, state: Situation, _error: CollectionError) -> Situation:
        """Let the old primary take writes again. The topology comes first: with it the pods do the rest, whatever happens to
        this run, and a run that has taken over is noticed. The new one's pod lets it replicate again.
        """
        topology = self._objects.written
        if topology is None or topology.handover is None:
            return state
        if self.servers.has_begun():
            raise WaitFailed(f"{self._new} has begun its epoch")
        self._if_reachable(lambda: self.servers.lock(self._old))
        topology = self._objects.write(replace(topology, handover=None, acknowledged=False))
        self._if_reachable(self.servers.open_old)
        self._objects.route(self._old)
        self._objects.deliver(topology)
        return replace(state, topology=topology)

    def _if_reachable(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Unreachable as error:
            self._objects.warnings.append(f"{self._old} does not answer: {error.message}")

    def explained(self, error: CollectionError, *, reverted: bool) -> str:
        """The error's message, with what it left and the way out."""
        written = self._objects.written
        if written is None:
            left = "Nothing was changed" if isinstance(error, StaleVersion) else "Run again"
        elif reverted:
            left = f"{self._old} stays the primary and takes writes again"
        else:
            left = f"Run again with instance: {self._new}; that completes the move or goes back"
        return f"{error.message.rstrip('.')}. {left}"
