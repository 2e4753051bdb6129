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
  - Asks every instance at the same time whether it does what the topology says, and judges the answers.
  - Then writes a row on the primary and reads it on every replica.
  - Waits until all is well, and fails with what is wrong otherwise. What could not be checked does not count as well.
  - Instances are reached through the API server, so no address of a pod needs to be routed to where the module runs.
author:
  - The kubemysql.replication authors (@kubemysql)
extends_documentation_fragment:
  - kubemysql.replication.attributes
  - kubemysql.replication.identity
  - kubemysql.replication.kubernetes_auth
attributes:
  check_mode:
    support: full
    details: Without O(canary), which writes and is left out in check mode.
  diff_mode:
    support: none
    details: Nothing of the cluster is changed.
options:
  max_lag:
    description:
      - Seconds which a replica may lag behind its source.
    type: int
    default: 30
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
  connect_timeout:
    description:
      - Seconds in which an instance must answer.
    type: int
    default: 5
  secret_name:
    description:
      - Name of the Secret that holds C(admin-password); called as O(name) by default.
    type: str
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
requirements:
  - PyMySQL >= 1.0.0
  - cryptography
seealso:
  - module: kubemysql.replication.mysql_cluster
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
#
"""

from ansible_collections.kubemysql.replication.plugins.module_utils.edge import run_verify


def main() -> None:
    run_verify()


if __name__ == "__main__":
    main()
