#!/usr/bin/python

# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring of the module; what it does is in module_utils."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_cluster_primary
short_description: Move the primary of a MySQL cluster on Kubernetes
version_added: 1.0.0
description:
  - Makes a replica of a healthy cluster the primary. Nobody can write for some ten milliseconds, and nothing that was committed
    is lost.
  - The new primary has everything that the old one has committed before it takes writes; two instances never take writes at the
    same time. If that cannot be completed in time, the old primary takes writes again, and the module fails with the reason.
  - A run that was cut off is completed, or taken back, by the next one. Until then M(kubemysql.replication.mysql_cluster)
    refuses to change the cluster.
  - Clients' sessions on the old primary are ended, so that their pools connect to the new one. A client should connect again
    and repeat its transaction after a lost connection, and after error 1290, by which a read-only server refuses writes.
  - For MySQL only, as yet; clusters of MariaDB are refused.
author:
  - The kubemysql.replication authors (@kubemysql)
extends_documentation_fragment:
  - kubemysql.replication.attributes
  - kubemysql.replication.identity
  - kubemysql.replication.kubernetes_auth
attributes:
  check_mode:
    support: full
    details: Returns the steps, and changes nothing.
  diff_mode:
    support: full
    details: Shows the topology and the Service for writes.
  idempotent:
    support: partial
    details: With O(instance). Without it each run moves the primary to another instance.
options:
  action:
    description:
      - V(switchover) moves the primary of a healthy cluster.
    type: str
    required: true
    choices: [switchover]
  instance:
    description:
      - The instance that is to be the primary, for example V(mysql-1). If it is the primary already, nothing is changed.
      - The replica with the least lag by default; RV(choice) says why it was chosen.
    type: str
  secret_name:
    description:
      - Name of the Secret with the cluster's passwords, as given to M(kubemysql.replication.mysql_cluster); called as O(name)
        by default.
    type: str
  max_pause:
    description:
      - Seconds in which nobody may be able to write. If the new primary does not have everything by then, the old one takes
        writes again.
    type: int
    default: 5
  wait_timeout:
    description:
      - Seconds that each other wait may take, such as that for the pods to acknowledge.
    type: int
    default: 60
requirements:
  - PyMySQL >= 1.0.0
  - cryptography
seealso:
  - module: kubemysql.replication.mysql_cluster
  - module: kubemysql.replication.mysql_cluster_verify
"""

EXAMPLES = r"""
- name: Make mysql-1 the primary
  kubemysql.replication.mysql_cluster_primary:
    namespace: shop
    action: switchover
    instance: mysql-1

- name: Show what a move to the best candidate would do
  kubemysql.replication.mysql_cluster_primary:
    namespace: shop
    action: switchover
  check_mode: true
  register: planned

- name: Show its steps
  ansible.builtin.debug:
    msg: "{{ planned.steps | map(attribute='description') }}"
"""

RETURN = r"""
primary:
  description: The primary by now, or in check mode the one that it would be.
  returned: always, once the cluster was looked at
  type: str
  sample: mysql-1
previous_primary:
  description: The instance from which the primary was moved; null if it is in its place already.
  returned: always, once the cluster was looked at
  type: str
  sample: mysql-0
epoch:
  description: The number of the primary's term.
  returned: always, once the cluster was looked at
  type: int
  sample: 2
choice:
  description: Why this instance.
  returned: always, once the cluster was looked at
  type: str
  sample: "mysql-1 is healthy and 0.0 s behind; the other candidates: mysql-2"
steps:
  description: The steps that were done, with C(name), C(description) and C(seconds), which is null in check mode.
  returned: always, once the cluster was looked at
  type: list
  elements: dict
  sample:
    - name: close_old_primary
      description: close mysql-0 for writes
      seconds: 0.004
pause_ms:
  description:
    - Milliseconds from closing the old primary to opening the new one, as the module has measured them; null if this run did
      not do both.
  returned: always, once the cluster was looked at
  type: float
  sample: 31.4
sessions_ended:
  description: The number of clients' sessions on the old primary that were ended; null in check mode.
  returned: always, once the cluster was looked at
  type: int
  sample: 12
failed_step:
  description: The name of the step that could not be done.
  returned: if a step failed
  type: str
  sample: catch_up
duration:
  description: Seconds that it took.
  returned: success
  type: float
"""

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.argspec import primary_options
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.edge import run
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.mysql_cluster_primary import act


def main() -> None:
    run(primary_options(), act)


if __name__ == "__main__":
    main()
