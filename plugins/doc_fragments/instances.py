# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options for observing instances."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that log in to instances."""

    DOCUMENTATION = r"""
options:
  max_lag:
    description:
      - Seconds which a replica may lag behind its source. The lag is measured as the pods do it for their readiness.
    type: int
    default: 30
  connect_timeout:
    description:
      - Seconds in which an instance must answer.
    type: int
    default: 5
  selector:
    description:
      - Labels of the cluster's pods, for a StatefulSet that this collection did not deploy.
      - By default those which M(kubemysql.replication.mysql_cluster) gives to its pods.
    type: dict
  primary:
    description:
      - The name of the instance that has to be the primary, such as V(mysql-0), where no topology ConfigMap names one.
      - By default, and without a topology, the only writable instance counts as the primary.
    type: str
  connection:
    description:
      - V(port_forward) reaches the instances through the API server.
      - V(direct) connects to the pods' addresses, for a controller from which they are routed. It needs a O(user) of your own.
    type: str
    choices: [port_forward, direct]
    default: port_forward
  port:
    description:
      - The port of MySQL in the pods.
    type: int
    default: 3306
  tls:
    description:
      - Whether sessions are encrypted. Only a server that cannot encrypt needs V(false).
      - Through O(connection=port_forward) the way into the pod is encrypted all the same.
    type: bool
    default: true
  user:
    description:
      - The account to log in with. It needs C(REPLICATION CLIENT) and C(REPLICATION SLAVE), on MariaDB instead C(PROCESS),
        C(SLAVE MONITOR) and C(REPLICATION MASTER ADMIN); on both C(SELECT) on C(performance_schema.*), and for the canary
        C(ALL) on C(kubemysql_canary.*).
      - The default is bound to the pod's loopback address, where O(connection=port_forward) arrives.
    type: str
    default: kubemysql_admin
  password:
    description:
      - The account's password; V("") for none at all. By default it is read from a Secret.
    type: str
  secret_name:
    description:
      - Name of the Secret that holds the account's password; called as O(name) by default. Not read if O(password) is given.
    type: str
  secret_key:
    description:
      - The key of O(secret_name) under which the password is.
    type: str
    default: admin-password
requirements:
  - PyMySQL >= 1.0.0
  - cryptography
"""
