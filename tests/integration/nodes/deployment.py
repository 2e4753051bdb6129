# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose nodes fail: what the modules report of it in which time, and the rows of an application."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from integration.api.module import Result
from integration.cluster import deployment
from integration.provisioning.deployment import MYSQL, ProvisionedCluster
from integration.writer import Writer
from waiting import scaled

__all__ = ["NodesDeployment"]

CONNECT_TIMEOUT = scaled(3)
WAIT_TIMEOUT = scaled(2)


@dataclass
class NodesDeployment(deployment.Deployment):
    """The cluster ``mysql`` of a namespace, and all that was ever written into it."""

    writers: list[Writer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.application = ProvisionedCluster(self.namespace, MYSQL)
        self.options = {"connect_timeout": CONNECT_TIMEOUT}

    def node_of(self, instance: str) -> str:
        return str(self.namespace.live("Pod", instance)["spec"]["nodeName"])

    def on(self, node: str) -> set[str]:
        """The instances on a node."""
        return {each.name for each in self.instances if self.node_of(each.name) == node}

    # --- what the modules report ------------------------------------------------------------------------------------

    def report(self, findings: deployment.Found, *, state: str) -> Result:
        """Verify and info come to report exactly this; each ends in the time it was given."""
        self.until(findings, patience=120)
        verified = self.refused()
        told = self._bounded(self.info, 0)
        for result in (verified, told):
            assert (result["state"], deployment.found(result)) == (state, findings), result["summary"]
        return verified

    def refused(self) -> Result:
        """Verify waits in vain, and ends in the time it was given."""
        result = self._bounded(lambda: self.verify(wait_timeout=WAIT_TIMEOUT), WAIT_TIMEOUT)
        assert result["failed"], result["summary"]
        return result

    @staticmethod
    def _bounded(run: Callable[[], Result], patience: float) -> Result:
        """Beside its patience it takes the time of a few sessions that do not come about; 10 s are for all else."""
        begin = time.monotonic()
        result = run()
        took = time.monotonic() - begin
        assert took < patience + 4 * CONNECT_TIMEOUT + scaled(10), f"it took {took:.1f} s"
        return result

    # --- rows -------------------------------------------------------------------------------------------------------

    def writer(self) -> Writer:
        """One with a table of its own."""
        table = f"shop.written{len(self.writers)}"
        self.application.root("mysql-0", f"CREATE TABLE {table} (id INT PRIMARY KEY, text VARCHAR(200))")
        self.writers.append(Writer(lambda: self.application.session("mysql-0", CONNECT_TIMEOUT), table))
        return self.writers[-1]

    def nothing_lost(self) -> None:
        """Every row that was acknowledged is on every instance."""
        for instance in self.instances:
            self.application.wait_for_writes(instance.name)
            for writer in self.writers:
                ids = set(map(int, self.application.root(instance.name, f"SELECT id FROM {writer.table}").split()))
                assert set(writer.acknowledged) <= ids, f"rows that were acknowledged are missing on {instance.name}"
