# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises to clients: no reads from a replica that is not fit for them, reads as long as the primary is ready, and no
restart because of replication.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from integration.cluster.conftest import MAX_LAG, REFERENCE_LAG
from integration.cluster.deployment import Deployment, found
from integration.cluster.instance import Instance
from waiting import scaled

# Its promises are seconds.
pytestmark = pytest.mark.alone
READ = "mysql-read"
EVERYBODY = {"mysql-0", "mysql-1", "mysql-2"}
# Seconds of the reference machine in which a replica has left the read Service, from the moment at which it became unfit.
LEAVES = 5.0
# Seconds in which it is back, from the moment at which it was fit again.
RETURNS = 10.0


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        (["STOP REPLICA SQL_THREAD"], ["START REPLICA SQL_THREAD"]),
        (["STOP REPLICA IO_THREAD"], ["START REPLICA IO_THREAD"]),
        # Nobody listens there: the receiver is connecting, and the lag is unknown.
        (
            ["STOP REPLICA IO_THREAD", "CHANGE REPLICATION SOURCE TO SOURCE_PORT = 1", "START REPLICA IO_THREAD"],
            ["STOP REPLICA IO_THREAD", "CHANGE REPLICATION SOURCE TO SOURCE_PORT = 3306", "START REPLICA IO_THREAD"],
        ),
    ],
    ids=["applier", "receiver", "unknown lag"],
)
def test_leaves_and_returns(breaks: list[str], mends: list[str], cluster: Deployment) -> None:
    cluster[1].run(*breaks)
    try:
        left = cluster.routed_within(LEAVES, READ, EVERYBODY - {"mysql-1"})
    finally:
        cluster[1].run(*mends)
    back = cluster.routed_within(RETURNS, READ, EVERYBODY)
    print(f"left after {left:.1f} s, back after {back:.1f} s")


@contextmanager
def held(replica: Instance) -> Iterator[None]:
    """A client of the replica keeps the applier from one row."""
    with replica.session() as client, client.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM shop.orders WHERE id = 1 FOR SHARE")
        yield
        cursor.execute("COMMIT")


def test_lag_over_the_limit_leaves_and_returns(cluster: Deployment) -> None:
    """Behind a long transaction of a client."""
    with held(cluster[1]):
        begin = time.monotonic()
        cluster[0].run("UPDATE shop.orders SET note = 'behind' WHERE id = 1")
        over = time.monotonic() + MAX_LAG
        cluster.routed_within(REFERENCE_LAG + LEAVES, READ, EVERYBODY - {"mysql-1"})
        left = time.monotonic() - over
        assert left > 0, "it left before its lag was over the limit"
        result = cluster.until({("lag_high", "mysql-1"), ("pod_not_ready", "mysql-1")})
        assert result["state"] == "degraded"
        (lag,) = [each["lag_seconds"] for each in result["instances"] if each["name"] == "mysql-1"]
        assert MAX_LAG < lag < time.monotonic() - begin
    back = cluster.routed_within(RETURNS, READ, EVERYBODY)
    print(f"left {left:.1f} s after the limit, back after {back:.1f} s")


def test_reads_go_on_while_all_replicas_lag(cluster: Deployment) -> None:
    with ExitStack() as holding:
        for replica in cluster.instances[1:]:
            holding.enter_context(held(replica))
        cluster[0].run("UPDATE shop.orders SET note = 'behind everywhere' WHERE id = 1")
        cluster.routed_within(REFERENCE_LAG + LEAVES + 1, READ, {"mysql-0"})
        lagging = {(code, name) for code in ("lag_high", "pod_not_ready") for name in ("mysql-1", "mysql-2")}
        result = cluster.until(lagging)
        assert (result["state"], result["endpoints"]["read"]) == ("degraded", ["mysql-0"])
    cluster.routed_within(RETURNS, READ, EVERYBODY)


def test_replication_is_none_of_the_liveness_probes_business(cluster: Deployment) -> None:
    """The probe's own command, asked while both replicas are broken."""
    before = cluster.restarts()
    replicas = cluster.instances[1:]
    for replica in replicas:
        replica.run("STOP REPLICA")
    try:
        cluster.routed_within(LEAVES + 1, READ, {"mysql-0"})
        for replica in replicas:
            (server,) = [each for each in replica.pod["spec"]["containers"] if each["name"] == "mysql"]
            probe = replica.inside("mysql", *server["livenessProbe"]["exec"]["command"])
            assert subprocess.run(probe, check=False, timeout=scaled(30)).returncode == 0
        assert {code for code, _instance in found(cluster.look())} == {"receiver_stopped", "applier_stopped", "pod_not_ready"}
        assert cluster.restarts() == before
    finally:
        for replica in replicas:
            replica.run("START REPLICA")
