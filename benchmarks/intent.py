# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how long a changed intent takes to be acknowledged by all pods, and write ``benchmarks/intent.md``.

Run it by ``make bench``, or alone by ``make bench-intent``. From the request that writes the topology to the last of three
acknowledgements, by the functions that ``mysql_cluster`` uses.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.session import read_acknowledgements
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.client import KubernetesClient, connect
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.intent import (
    deliver_intent,
    wait_for_acknowledgements,
    write_intent,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.state.reader import read_pods
from ansible_collections.kubemysql.replication.plugins.module_utils.state.topology import parse_topology
from ansible_collections.kubemysql.replication.plugins.module_utils.wait import SystemClock
from local import HOME, ROOT, namespace, playbook, spread

ROUNDS = 21
SLOW_ROUNDS = 3
TARGET = 2.0


def change(client: KubernetesClient, names: Names, *, deliver: bool) -> float:
    """Seconds from another epoch to the last acknowledgement; without ``deliver`` as if pods might not be patched."""
    topology = parse_topology(client.get("ConfigMap", names.topology))
    assert topology is not None
    begin = time.monotonic()
    topology = write_intent(client, names, replace(topology, epoch=topology.epoch + 1, acknowledged=False))
    pods = read_pods(client, names.selector)
    if deliver:
        assert deliver_intent(client, pods.values(), topology) is None
    read = read_acknowledgements(client)
    polled = wait_for_acknowledgements(read, topology, sorted(pods), timeout=300, clock=SystemClock())
    assert polled.timed_out is None, polled.timed_out
    return time.monotonic() - begin


def main() -> None:
    with namespace("bench-intent") as name:
        playbook("deploy-mysql.yml", name, 3)
        given = dict.fromkeys(KubernetesAuth.__dataclass_fields__)
        auth = KubernetesAuth.from_params({**given, "kubeconfig": os.fspath(HOME / "kubeconfig")})
        client, names = connect(auth, name, dry_run=False), Names.parse("mysql", name)
        delivered = [change(client, names, deliver=True) for _round in range(ROUNDS)]
        slow = [change(client, names, deliver=False) for _round in range(SLOW_ROUNDS)]
    (ROOT / "benchmarks" / "intent.md").write_text(f"""\
# From a changed intent to the last acknowledgement

Written by `make bench-intent`; do not edit. Three pods on the local cluster; seconds are the median, with minimum and \
maximum. Target with an annotation: {TARGET:g}.

| the pods are | rounds | seconds |
| --- | --- | --- |
| annotated | {ROUNDS} | {spread(delivered, 2)} |
| not annotated: without the right to patch pods | {SLOW_ROUNDS} | {spread(slow)} |
""")
    print((ROOT / "benchmarks" / "intent.md").read_text())


if __name__ == "__main__":
    main()
