# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the tests of both ways to clone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.golden import ROWS
from scripts.pods import Pair, Pod


@contextmanager
def newcomer_beside(pair: Pair) -> Iterator[Pod]:
    """A pod with an empty volume beside a running pair, which is as it was when the pod has gone."""
    try:
        with pair[0].cluster.newcomer() as pod:
            yield pod
    finally:
        for other in pair:
            other.wait_ready()


def set_up_twice(pod: Pod) -> dict[str, str]:
    """Clone, and kill the container `replication` when it has set up the channel; the channel as the next one finds it."""
    pod.run("provision")
    pod.start_mysql()
    replication = pod.start("replication", path=pod.fault("rm", "'-f -- /volume/mysql/.kubemysql-cloned '*"))
    pod.wait_for_fault()
    left = pod.row("SHOW REPLICA STATUS")
    replication.stop()
    pod.start("replication")
    return left


def slow_down(pod: Pod, mebibytes: int = 1) -> None:
    """Make the pod clone at so many MiB/s: at 1, it takes a minute even for this little data."""
    set_options(pod, f"loose_clone_max_data_bandwidth = {mebibytes}", "loose_clone_autotune_concurrency = OFF")


def set_options(pod: Pod, *options: str) -> None:
    """Give the pod's next server these options; without any, it is as fast as others."""
    lines = ["[mysqld]", f"bind_address = {pod.address}", *options]
    (pod.base / "conf" / "aa-test.cnf").write_text("\n".join(lines) + "\n", encoding="utf-8")


def assert_whole(pod: Pod, primary: Pod) -> None:
    """The pod serves everything the primary has."""
    pod.wait_ready()
    assert pod.sql("CHECKSUM TABLE shop.t") == primary.sql("CHECKSUM TABLE shop.t")
    assert int(pod.sql("SELECT COUNT(*) FROM shop.t")) >= ROWS
    assert sorted(path.name for path in pod.volume.iterdir()) == [".kubemysql-cluster", "mysql"]
