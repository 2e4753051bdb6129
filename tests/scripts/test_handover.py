# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""While the primary is moved: what pods acknowledge, and what a server that restarts in the middle of it may do.

The tests take the part of the module: they write the topology, and act on the servers.
"""

from __future__ import annotations

import pytest
from scripts.cluster import Cluster
from scripts.golden import ROWS, catch_up
from scripts.pods import Pair, Pod
from waiting import eventually

READ_ONLY = "SELECT @@read_only + @@super_read_only"
CLOSED, OPEN = "2", "0"
RECORD = "INSERT INTO kubemysql.epochs VALUES (2, 'mysql-1', UTC_TIMESTAMP(6), 'promotion')"


def announce(cluster: Cluster, *pods: Pod) -> None:
    """Write the handover, and wait until the pods have seen it and are in the roles that they had."""
    cluster.write("topology", {"handover": "from=mysql-0 to=mysql-1 epoch=2"})
    for pod in pods:
        acknowledges(pod, "primary" if pod.name == "mysql-0" else "replica")


def restart(pod: Pod) -> None:
    """Until the next server answers: the acknowledgement and the port for readiness may still be those of the one before."""
    pod.restart_mysql()
    eventually(f"the next server of {pod.name}", lambda: pod.try_sql("SELECT 1") == "1")


def acknowledges(pod: Pod, role: str | None, *, handover: bool = True) -> None:
    def matches() -> bool:
        found = pod.asked()
        return found is not None and found.role == role and ("handover" in found.intent) is handover

    eventually(f"{pod.name} to acknowledge the role {role}", matches)


def give_up(cluster: Cluster) -> None:
    (cluster.base / "topology" / "handover").unlink()


def close(pod: Pod) -> None:
    pod.sql("SET GLOBAL super_read_only = ON")


def detach(pod: Pod) -> None:
    pod.sql("STOP REPLICA; RESET REPLICA ALL")


def begin(pod: Pod) -> None:
    pod.sql(f"SET GLOBAL super_read_only = OFF; {RECORD}")


def stays_closed(pod: Pod, reason: str) -> None:
    eventually(f"{reason!r} from {pod.name}", lambda: reason in pod.readiness)
    assert pod.sql(READ_ONLY) == CLOSED
    assert not pod.ready()


def stays_ready(pod: Pod) -> None:
    """Two whole looks find it ready, and its port is the same process."""
    pod.wait_ready()


def test_the_primary_moves_and_no_pod_leaves_its_readiness(pair: Pair, cluster: Cluster) -> None:
    old, new = pair
    ports = [pod.ready_port_pid() for pod in pair]
    announce(cluster, *pair)
    close(old)
    stays_ready(old)
    catch_up(new, old)
    detach(new)
    stays_ready(new)
    begin(new)
    new.sql("SET GLOBAL read_only = OFF")
    acknowledges(new, "primary")
    acknowledges(old, "primary")
    assert [pod.ready_port_pid() for pod in pair] == ports
    new.sql("INSERT INTO shop.t VALUES (1000, '')")
    # The kubelet changes all keys at once; here nothing may look as if the handover had been given up.
    cluster.write_topology(primary="mysql-1", epoch=2)
    give_up(cluster)
    acknowledges(new, "primary", handover=False)
    acknowledges(old, "replica", handover=False)
    old.wait_ready()
    new.wait_ready()
    assert new.ready_port_pid() == ports[1]
    catch_up(old, new)
    assert old.sql("SELECT COUNT(*) FROM shop.t") == str(ROWS + 1)
    assert (old.sql(READ_ONLY), new.sql(READ_ONLY)) == (CLOSED, OPEN)


def test_it_is_given_up_and_the_pods_restore_everything(pair: Pair, cluster: Cluster) -> None:
    old, new = pair
    announce(cluster, *pair)
    close(old)
    detach(new)
    give_up(cluster)
    acknowledges(old, "primary", handover=False)
    acknowledges(new, "replica", handover=False)
    old.sql("INSERT INTO shop.t VALUES (1000, '')")
    catch_up(new, old)


def test_pods_leave_servers_alone_that_have_not_restarted(pair: Pair, cluster: Cluster) -> None:
    """Only their own container has: what the module has closed stays closed, and what it has detached stays so."""
    old, new = pair
    announce(cluster, *pair)
    close(old)
    detach(new)
    for pod, role in ((old, "primary"), (new, "replica")):
        pod.container("replication").stop()
        pod.start("replication")
        eventually("its look", lambda pod=pod: "is left as it is" in pod.container("replication").log)
        acknowledges(pod, role)
        pod.wait_ready()
        assert pod.sql(READ_ONLY) == CLOSED
    assert new.sql("SELECT COUNT(*) FROM performance_schema.replication_connection_configuration") == "0"


def test_the_old_primary_restarts_before_the_new_one_has_begun(pair: Pair, cluster: Cluster) -> None:
    """The new one answers, is read-only, replicates, and has nothing of its own: that is the proof."""
    old, new = pair
    announce(cluster, *pair)
    close(old)
    restart(old)
    acknowledges(old, "primary")
    eventually("writes", lambda: old.sql(READ_ONLY) == OPEN)
    assert new.sql(READ_ONLY) == CLOSED
    old.wait_ready()
    new.wait_ready()


@pytest.mark.parametrize("phase", ["silent", "detached", "begun", "open"])
def test_the_old_primary_restarts_without_proof(pair: Pair, cluster: Cluster, phase: str) -> None:
    old, new = pair
    announce(cluster, *pair)
    close(old)
    catch_up(new, old)
    if phase == "silent":
        new.stop()
        reason = "it does not answer"
    else:
        detach(new)
        reason = "it does not replicate"
    if phase in ("begun", "open"):
        begin(new)
    if phase == "open":
        new.sql("SET GLOBAL read_only = OFF")
        reason = "mysql-1.mysql is writable"
    restart(old)
    stays_closed(old, reason)
    found = old.asked()
    assert found is not None and found.role is None
    if phase != "open":
        assert "run mysql_cluster_primary again" in old.readiness


def test_a_new_primary_with_a_transaction_of_its_own_is_no_proof(pair: Pair, cluster: Cluster) -> None:
    old, new = pair
    announce(cluster, *pair)
    new.sql("SET GLOBAL super_read_only = OFF; INSERT INTO shop.t VALUES (1000, ''); SET GLOBAL super_read_only = ON")
    close(old)
    restart(old)
    stays_closed(old, "it has transactions that mysql-0 lacks")


def test_the_new_primary_restarts_before_it_has_begun(pair: Pair, cluster: Cluster) -> None:
    old, new = pair
    announce(cluster, *pair)
    close(old)
    detach(new)
    restart(new)
    acknowledges(new, "replica")
    eventually(
        "its source", lambda: new.sql("SELECT COUNT(*) FROM performance_schema.replication_connection_configuration") == "1"
    )
    assert new.sql(READ_ONLY) == CLOSED
    new.wait_ready()


@pytest.mark.parametrize("opened", [False, True])
def test_the_new_primary_restarts_after_it_has_begun(pair: Pair, cluster: Cluster, opened: bool) -> None:
    """Its own data prove it: nobody has to be asked for permission, but nobody else may be writable."""
    old, new = pair
    announce(cluster, *pair)
    close(old)
    catch_up(new, old)
    detach(new)
    begin(new)
    if opened:
        new.sql("SET GLOBAL read_only = OFF")
    restart(new)
    acknowledges(new, "primary")
    eventually("writes", lambda: new.sql(READ_ONLY) == OPEN)
    new.wait_ready()
    assert old.sql(READ_ONLY) == CLOSED


def test_the_new_primary_stays_closed_beside_a_writable_one(pair: Pair, cluster: Cluster) -> None:
    old, new = pair
    announce(cluster, *pair)
    detach(new)
    begin(new)
    restart(new)
    stays_closed(new, "mysql-0.mysql is writable")
    close(old)
    acknowledges(new, "primary")


def test_an_instance_is_not_ready_for_ever_without_a_role(pair: Pair, cluster: Cluster) -> None:
    """A run that was cut off leaves a closed primary. Its data are as old as that is."""
    old, _new = pair
    with cluster.threshold("max_lag", 3):
        announce(cluster, *pair)
        close(old)
        eventually("it to be too old", lambda: "neither taken writes nor replicated for more than 3 s" in old.readiness)
        assert not old.ready()


def test_a_handover_that_cannot_be_read_opens_nothing(pair: Pair, cluster: Cluster) -> None:
    old, _new = pair
    cluster.write("topology", {"handover": "to mysql-1"})
    restart(old)
    stays_closed(old, "to an unknown instance")


def test_the_options_follow_the_role(pair: Pair, cluster: Cluster) -> None:
    """Those that can be set are set at once, the others with the next start; plugins are left alone."""
    old, new = pair
    quoted = r'init_connect = "SET @x = \"y\""'
    options = {
        "primary": f"max_connections = 150\n{quoted}\nmax_allowed_packet = 32M\ninnodb_page_cleaners = 1\n",
        "replica": "max_connections = 77\nplugin_load_add = another.so\n",
    }
    cluster.write("config", {f"{role}.cnf": cluster.config[f"{role}.cnf"] + more for role, more in options.items()})
    cluster.write_topology(primary="mysql-1", epoch=2)
    detach(new)
    new.wait_ready()
    old.wait_ready()
    seen = "SELECT @@global.max_allowed_packet, @@global.max_connections, @@global.init_connect"
    set_by_now = (str(32 << 20), "150", 'SET @x = "y"')
    eventually("the primary's options", lambda: tuple(new.sql(seen).split("\t")) == set_by_now)
    eventually("the replica's options", lambda: old.sql("SELECT @@global.max_connections") == "77")
    assert "innodb_page_cleaners takes effect when the server starts anew" in new.container("replication").log
    changed = {
        line.split("the role has changed: ")[1] for line in new.container("replication").log.splitlines() if "role has" in line
    }
    # What both roles share is left alone.
    names = sorted(each.removeprefix("set ").split(" ")[0] for each in changed)
    assert names == ["init_connect", "innodb_page_cleaners", "max_allowed_packet", "max_connections"]
    restart(new)
    new.wait_ready()
    assert new.sql("SELECT @@global.max_connections") == "150"
