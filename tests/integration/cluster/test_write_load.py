# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No false alarm: under write load every look finds the cluster healthy, and every canary row arrives.

Writers that are not held back commit more than the replicas of a small machine can apply: these then lag indeed, and the
alarm is a true one.
"""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from chaos import share
from integration.cluster.deployment import Deployment, found
from machine import factor

pytestmark = [pytest.mark.alone, pytest.mark.chaos]
SECONDS = share(20.0, full=600.0)
WRITERS = 2
# Transactions per second that each writer commits; a slower machine carries fewer.
RATE = 100 / factor()


def write(cluster: Deployment, over: threading.Event, written: list[int]) -> None:
    """Small transactions at an even rate, and larger ones now and then."""
    begin = time.monotonic()
    with cluster[0].session() as session, session.cursor() as cursor:
        for number in itertools.count(1):
            if over.wait(max(0.0, begin + number / RATE - time.monotonic())):
                return
            cursor.execute("INSERT INTO shop.load_test (note) VALUES (REPEAT('x', 200))")
            if number % 1000 == 0:
                cursor.execute("UPDATE shop.load_test SET note = REPEAT('y', 200) ORDER BY id DESC LIMIT 500")
                cursor.execute("DELETE FROM shop.load_test ORDER BY id LIMIT 900")
            written.append(1)


def test_no_false_alarm_under_write_load(cluster: Deployment) -> None:
    columns = "id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(200)"
    cluster[0].run(f"CREATE TABLE shop.load_test ({columns})")
    over, written = threading.Event(), list[int]()
    writers = [threading.Thread(target=write, args=(cluster, over, written)) for _round in range(WRITERS)]
    for writer in writers:
        writer.start()
    looks, worst_lag, worst_canary, begin = 0, 0.0, 0.0, time.monotonic()
    try:
        while time.monotonic() - begin < SECONDS:
            result = cluster.look(canary=True)
            looks += 1
            assert (result["state"], found(result)) == ("healthy", set()), result["summary"]
            assert result["canary"]["arrived"]
            worst_lag = max(worst_lag, *(each["lag_seconds"] for each in result["instances"] if each["role"] == "replica"))
            worst_canary = max(worst_canary, *result["canary"]["delays_ms"].values())
    finally:
        over.set()
        for writer in writers:
            writer.join()
        cluster[0].run("DROP TABLE shop.load_test")
    seconds = time.monotonic() - begin
    print(
        f"{seconds:.0f} s: {looks} looks, each with a canary; {len(written) / seconds:.0f} transactions/s; "
        f"worst lag {worst_lag:.3f} s, worst canary {worst_canary:.0f} ms"
    )
    assert len(written) / seconds > WRITERS * RATE * 0.9, "the machine does not carry the load that was meant"
    cluster.settle()
