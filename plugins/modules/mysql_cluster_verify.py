#!/usr/bin/python

# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring of the module; what it does is in module_utils."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_cluster_verify
short_description: Prove that a MySQL cluster on Kubernetes replicates
version_added: 1.0.0
description:
  - Reads every instance in parallel and judges whether each does what the topology wants.
  - Then writes a row on the primary and reads it on every replica.
  - Waits until the cluster is healthy, and fails with the findings otherwise. A value that cannot be read counts as a fault.
  - Instances are reached through the API server, so no address of a pod needs to be routed to where the module runs.
author:
  - The kubemysql.replication authors (@kubemysql)
extends_documentation_fragment:
  - kubemysql.replication.attributes
  - kubemysql.replication.identity
  - kubemysql.replication.instances
  - kubemysql.replication.kubernetes_auth
attributes:
  check_mode:
    support: full
    details: Without O(canary), which writes and is left out in check mode.
  diff_mode:
    support: none
    details: Nothing of the cluster is changed.
options:
  canary:
    description:
      - Whether to write a row on the primary and wait for it on every replica. It has a schema of its own, which is removed
        afterwards.
    type: bool
    default: true
  canary_timeout:
    description:
      - Seconds in which the row must arrive.
    type: int
    default: 10
  accept_states:
    description:
      - States besides V(healthy) that are good enough.
    type: list
    elements: str
    default: []
    choices: [degraded, incomplete, offline]
  ignore_findings:
    description:
      - Codes of findings that do not count, for example V(replication_not_encrypted). They are reported all the same.
    type: list
    elements: str
    default: []
  wait:
    description:
      - Wait until the cluster is healthy. Otherwise judge what is found at once.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait at most. Waiting ends earlier when it cannot help.
    type: int
    default: 120
seealso:
  - module: kubemysql.replication.mysql_cluster
  - module: kubemysql.replication.mysql_cluster_info
"""

EXAMPLES = r"""
- name: Is the cluster healthy, now?
  kubemysql.replication.mysql_cluster_verify:
    namespace: shop
    wait: false

- name: Wait until new replicas have caught up
  kubemysql.replication.mysql_cluster_verify:
    namespace: shop
    wait_timeout: 600
  register: verified

- name: Show the table
  ansible.builtin.debug:
    msg: "{{ verified.table }}"
"""

RETURN = r"""
state:
  description:
    - The assessment, V(healthy), V(degraded), V(failed), V(lost), V(incomplete) or V(offline). The module fails unless it
      is V(healthy) or one of O(accept_states), and returns all of these keys then as well.
  returned: always, once the cluster was looked at
  type: str
  sample: healthy
healthy:
  description: Whether the cluster is healthy.
  returned: always, once the cluster was looked at
  type: bool
primary:
  description: The primary's name, as the topology has it.
  returned: always, once the cluster was looked at
  type: str
  sample: mysql-0
endpoints:
  description:
    - The instances to which the Services for writes (C(primary)) and reads (C(read)) lead; null if there is no such Service, or
      it may not be looked at.
  returned: always, once the cluster was looked at
  type: dict
  sample:
    primary: [mysql-0]
    read: [mysql-0, mysql-1, mysql-2]
instances:
  description: What each instance answered. A value that is not known is null.
  returned: always, once the cluster was looked at
  type: list
  elements: dict
  sample:
    - name: mysql-1
      role: replica
      reachable: true
      ready: true
      problem:
      version: 9.7.4
      server_id: 101
      server_uuid: 5b0c7a3e-0000-11f1-9c0a-0242ac110002
      read_only: true
      super_read_only: true
      gtid_executed: 4f6a2b1c-0000-11f1-8f0e-0242ac110003:1-42
      source: mysql-0.mysql:3306
      io_running: "Yes"
      sql_running: "Yes"
      lag_seconds: 0.0
      replication_encrypted: true
      volume_used_ratio: 0.42
      node: worker-1
      restarts: 0
findings:
  description:
    - What was found, each with its C(code), C(severity), C(instance), C(message), since when it holds if that is known
      (C(since), RFC 3339), C(remedy) and whether it is C(ignored).
  returned: always, once the cluster was looked at
  type: list
  elements: dict
canary:
  description: Whether the row arrived, and after how many milliseconds on which replica; null without O(canary).
  returned: always, once the cluster was looked at
  type: dict
  sample: {attempted: true, arrived: true, reason: null, delays_ms: {mysql-1: 12.5, mysql-2: 13.1}}
summary:
  description: One paragraph for a person.
  returned: always, once the cluster was looked at
  type: str
table:
  description: Lines of a table with instance, role, state, source and lag.
  returned: always, once the cluster was looked at
  type: list
  elements: str
duration:
  description: Seconds that it took.
  returned: success
  type: float
"""

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.argspec import verify_options
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.edge import run
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.mysql_cluster_verify import act


def main() -> None:
    run(verify_options(), act)


if __name__ == "__main__":
    main()
