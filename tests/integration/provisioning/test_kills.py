# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica that is killed again and again while it is cloned ends up with every row, and nobody writes into a torn copy."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import pytest
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster_verify
from chaos import random_choices, share
from integration.api.module import run_module
from integration.provisioning.deployment import ProvisionedCluster
from integration.writer import Writer
from waiting import eventually, scaled, until

pytestmark = pytest.mark.chaos
KILLS = share(4, full=20)
# So many moments may come after the clone, which takes a little less or more each time.
LATE = 20
REPLICA = "mysql-1"


@dataclass
class Killer:
    """Kills the replica at random moments of its clone, and knows how often it came in time."""

    deployment: ProvisionedCluster
    choices: random.Random
    # Seconds of the last whole clone; they change with the load of the machine.
    whole: float = scaled(120.0)
    in_time: int = 0
    late: int = 0

    def measure(self) -> None:
        """Let one clone come to its end."""
        took = self._clone_ends(self.whole)
        assert took, "the first clone, which nobody disturbs, has not ended"
        self.whole = took
        self.deployment.start_over(REPLICA, 2)

    def kill(self) -> None:
        """Kill the replica, or let it begin anew if its clone is over before the moment comes."""
        # The end of a clone is told a second late, so that moments shortly after it are among these.
        moment = self.choices.uniform(0, self.whole)
        took = self._clone_ends(moment)
        if self.deployment.found_complete(REPLICA):
            self.in_time -= 1  # The kill before this came between the end of the clone and its being told.
            self._too_late()
        elif took:
            self.whole = took
            self._too_late()
        else:
            self.in_time += 1
            self.deployment.kill(REPLICA)
        print(f"moment {moment:.1f} s, whole clone {self.whole:.1f} s: {self.in_time} kills in time, {self.late} late")

    def _too_late(self) -> None:
        self.late += 1
        self.deployment.start_over(REPLICA, 2)

    def _clone_ends(self, patience: float) -> float | None:
        """Seconds that the clone took; None if it has not ended after ``patience`` seconds."""
        eventually("the clone to begin", lambda: self._running() or self._over())
        begin = time.monotonic()
        return time.monotonic() - begin if until(begin + patience, self._over) else None

    def _running(self) -> bool:
        return self.deployment.provisioning(REPLICA)

    def _over(self) -> bool:
        return self.deployment.provisioned(REPLICA)


def test_kills_at_random_moments(deployment: ProvisionedCluster) -> None:
    killer = Killer(deployment, random_choices())
    with Writer(lambda: deployment.session("mysql-0")) as writer:
        deployment.scale(2)
        killer.measure()
        while killer.in_time < KILLS:
            killer.kill()
            assert killer.late < LATE, f"{killer.late} moments came after the clone, {killer.in_time} before its end"
        verified = run_module(module=mysql_cluster_verify, namespace=deployment.namespace.name, wait_timeout=scaled(180))
        assert verified.get("state") == "healthy", verified
    deployment.wait_for_writes(REPLICA)
    assert deployment.checksums(REPLICA) == deployment.checksums("mysql-0")
    assert len(writer.acknowledged) > 100
    for instance in ("mysql-0", REPLICA):
        ids = set(map(int, deployment.root(instance, "SELECT id FROM shop.written").split()))
        assert set(writer.acknowledged) <= ids, f"rows that were acknowledged are missing on {instance}"
