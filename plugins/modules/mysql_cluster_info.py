#!/usr/bin/python

# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring of the module; what it does is in module_utils."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_cluster_info
short_description: Read the state of a MySQL cluster on Kubernetes
version_added: 1.0.0
description:
  - Reads every instance in parallel, once, and returns what was found. Nothing is written.
  - A sick cluster is a fact and no failure. The module fails only if it cannot look at all.
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
  diff_mode:
    support: none
    details: Nothing of the cluster is changed.
seealso:
  - module: kubemysql.replication.mysql_cluster_verify
"""

EXAMPLES = r"""
- name: Look at the cluster
  kubemysql.replication.mysql_cluster_info:
    namespace: shop
  register: cluster

- name: Look at the cluster of the Kubernetes tutorial, which was deployed by other means
  kubemysql.replication.mysql_cluster_info:
    name: mysql
    selector:
      app: mysql
    primary: mysql-0
    user: root
    password: ""
    tls: false

- name: Which replicas lag?
  ansible.builtin.debug:
    msg: "{{ cluster.instances | selectattr('lag_seconds', 'gt', 1) | map(attribute='name') }}"
"""

RETURN = r"""
state:
  description:
    - The assessment, V(healthy), V(degraded), V(failed), V(lost), V(incomplete) or V(offline).
  returned: success
  type: str
  sample: healthy
healthy:
  description: Whether the cluster is healthy.
  returned: success
  type: bool
primary:
  description: The primary's name, as the topology has it.
  returned: success
  type: str
  sample: mysql-0
endpoints:
  description:
    - The instances to which the Services for writes (C(primary)) and reads (C(read)) lead; null if there is no such Service, or
      it may not be looked at.
  returned: success
  type: dict
  sample:
    primary: [mysql-0]
    read: [mysql-0, mysql-1, mysql-2]
instances:
  description: What each instance answered. A value that is not known is null.
  returned: success
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
  returned: success
  type: list
  elements: dict
summary:
  description: One paragraph for a person.
  returned: success
  type: str
table:
  description: Lines of a table with instance, role, state, source and lag.
  returned: success
  type: list
  elements: str
duration:
  description: Seconds that it took.
  returned: success
  type: float
"""

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.argspec import info_options
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.edge import run
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.mysql_cluster_info import act


def main() -> None:
    run(info_options(), act)


if __name__ == "__main__":
    main()
