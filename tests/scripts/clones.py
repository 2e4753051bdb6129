# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of clones have alike, whichever way the data come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
