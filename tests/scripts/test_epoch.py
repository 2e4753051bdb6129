# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Epochs in the data and on the claims: what is recorded, and what a pod concludes from it."""

from __future__ import annotations

import os

import pytest
from scripts.cluster import CLUSTER
from scripts.pods import Pair, Pod
from waiting import eventually

BOTH = pytest.mark.parametrize("servers", ["pair", "mariadb_pair"], indirect=True)
RECORDED = "SELECT CONCAT_WS(' ', epoch, primary_name, reason) FROM kubemysql.epochs ORDER BY epoch"


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Pair:
    """A primary and a replica of the flavour that the test names, of which nobody else knows."""
    pair: Pair = request.getfixturevalue(request.param)
    return pair


def recorded(pod: Pod) -> list[str]:
    return pod.sql(RECORDED).splitlines()


def mark(pod: Pod) -> str:
    file = pod.volume / ".kubemysql-cluster"
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


@BOTH
def test_every_epoch_is_recorded_once_on_its_primary(servers: Pair) -> None:
    primary, replica = servers
    for pod in servers:
        assert recorded(pod) == ["1 mysql-0 initialisation"]
        assert mark(pod) == f"{CLUSTER} 1"
    ports = [pod.ready_port_pid() for pod in servers]
    primary.cluster.write_topology(epoch=2)
    for pod in servers:
        eventually(
            f"epoch 2 on {pod.name}", lambda pod=pod: recorded(pod) == ["1 mysql-0 initialisation", "2 mysql-0 promotion"]
        )
        eventually(f"the mark of {pod.name}", lambda pod=pod: mark(pod) == f"{CLUSTER} 2")
        eventually(f"the role of {pod.name}", lambda pod=pod: (found := pod.asked()) and found.role)
    assert [pod.ready_port_pid() for pod in servers] == ports
    found = eventually("an answer", primary.asked)
    assert (found.data, found.data_epoch, found.role) == (True, 2, "primary")
    primary.restart_mysql()
    primary.wait_ready()
    replica.wait_ready()
    assert len(recorded(primary)) == 2


@BOTH
def test_an_old_topology_makes_no_primary(servers: Pair) -> None:
    """It was restored from a backup, or from Git: the data know of a later term."""
    primary, _replica = servers
    primary.cluster.write_topology(epoch=5)
    eventually("epoch 5", lambda: "5 mysql-0 promotion" in recorded(primary))
    primary.cluster.write_topology(epoch=4)
    primary.restart_mysql()
    reason = "the topology's epoch is 4, and this instance has seen 5"
    eventually("the refusal", lambda: reason in primary.readiness)
    assert primary.sql("SELECT @@read_only") == "1"
    assert not primary.ready()
    # The mark alone is enough, when the data were restored as well.
    primary.cluster.write_topology(epoch=5)
    primary.wait_ready()


def test_data_of_before_there_were_epochs(pair: Pair) -> None:
    primary, replica = pair
    primary.sql("DROP DATABASE kubemysql")
    for pod in pair:
        (pod.volume / ".kubemysql-cluster").unlink()
        pod.restart_mysql()
    eventually("the record", lambda: "1 mysql-0 upgrade" in primary.try_sql(RECORDED))
    for pod in pair:
        eventually(f"the mark of {pod.name}", lambda pod=pod: mark(pod) == f"{CLUSTER} 1")
        pod.wait_ready()
    assert recorded(replica) == ["1 mysql-0 upgrade"]


def test_a_topology_without_an_epoch_records_nothing(pair: Pair) -> None:
    """One that a release without epochs has written, or that is held in Git."""
    primary, _replica = pair
    before = recorded(primary)
    for key in ("epoch", "cluster"):
        (primary.cluster.base / "topology" / key).unlink()
    primary.restart_mysql()
    primary.wait_ready()
    assert recorded(primary) == before


def test_a_claim_of_another_cluster_is_left_alone(pair: Pair) -> None:
    _primary, replica = pair
    replica.stop()
    (replica.volume / ".kubemysql-cluster").write_text("another 7\n", encoding="utf-8")
    before = sorted(os.listdir(replica.data))
    refused = replica.run("provision", expect=1)
    assert f"claim belongs to the cluster another, and the topology is that of the cluster {CLUSTER}" in refused.log
    assert "what to do" in refused.log
    assert sorted(os.listdir(replica.data)) == before
    assert mark(replica) == "another 7"
    assert "belongs to the cluster another" in (replica.last_words("provision").reason or "")
