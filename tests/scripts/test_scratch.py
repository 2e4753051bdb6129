# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scratch server that runs CLONE, with the configuration of users."""

from __future__ import annotations

from scripts.clones import newcomer_beside
from scripts.pods import Pair


def test_a_named_time_zone_keeps_nobody_from_being_cloned(shared_pair: Pair) -> None:
    """A server without tables of time zones does not start with one."""
    cluster = shared_pair[0].cluster
    named = {file: f"{text}default_time_zone = Europe/Berlin\n" for file, text in cluster.config.items()}
    with newcomer_beside(shared_pair) as pod:
        cluster.write("config", named)
        try:
            pod.run("provision")
        finally:
            cluster.write("config", cluster.config)
        assert (pod.data / ".kubemysql-complete").exists()
