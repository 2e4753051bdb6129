# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica that is killed again and again while it is cloned ends up with every row, and nobody writes into a torn copy."""

from __future__ import annotations

import random
import secrets
import threading
import time

from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster_verify
from integration.api.module import run_module
from integration.provisioning.deployment import Deployment
from integration.writer import Writer
from waiting import eventually

KILLS = 20
REPLICA = "mysql-1"


def clone_seconds(deployment: Deployment) -> float:
    """How long a clone takes that nobody disturbs, from the start of the container to its end."""
    eventually("the clone to begin", lambda: deployment.provisioning(REPLICA) or deployment.provisioned(REPLICA), patience=60)
    begin = time.monotonic()
    eventually("the clone to end", lambda: deployment.provisioned(REPLICA), patience=120)
    return time.monotonic() - begin


def test_twenty_kills_at_random_moments(deployment: Deployment) -> None:
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")  # for whoever wants the same moments again
    chance = random.Random(seed)  # noqa: S311 - no secret
    with Writer(lambda: deployment.session("mysql-0")) as writer:
        deployment.scale(2)
        longest = clone_seconds(deployment)
        deployment.start_over(REPLICA, 2)
        completed = 0
        for number in range(KILLS):
            eventually("it to begin", lambda: deployment.provisioning(REPLICA) or deployment.provisioned(REPLICA), patience=60)
            # The moment is what is tested; a bit more than a clone takes, so that the end of it is hit as well.
            threading.Event().wait(chance.uniform(0, 1.15 * longest))
            complete = deployment.provisioned(REPLICA)
            print(f"kill {number}: {'after' if complete else 'during'} the clone")
            if complete:
                completed += 1
                deployment.start_over(REPLICA, 2)
            else:
                deployment.kill(REPLICA)
        verified = run_module(module=mysql_cluster_verify, namespace=deployment.namespace.name, wait_timeout=180)
        assert verified.get("state") == "healthy", verified
    assert completed < KILLS / 2, f"{completed} of {KILLS} kills came too late to matter"
    deployment.wait_for_writes(REPLICA)
    assert deployment.checksums(REPLICA) == deployment.checksums("mysql-0")
    assert len(writer.acknowledged) > 100
    for instance in ("mysql-0", REPLICA):
        ids = set(map(int, deployment.root(instance, "SELECT id FROM shop.written").split()))
        assert set(writer.acknowledged) <= ids, f"rows that were acknowledged are missing on {instance}"
