# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Constants that manifests, pod scripts, SQL and results share: ports, paths, users, labels.

``tests/generate_constants.py`` generates those of the pod scripts from them.

Object names depend on the cluster's name and are spelled in ``names.py`` alone.
"""

from __future__ import annotations

__all__ = [
    "ACK_PORT",
    "ADMIN_USER",
    "CANARY_SCHEMA",
    "CLONE_USER",
    "COMPONENT",
    "CONFIG_DIR",
    "CONF_DIR",
    "CONTAINER_CLONE",
    "CONTAINER_DONOR",
    "CONTAINER_MYSQL",
    "CONTAINER_PROVISION",
    "CONTAINER_REPLICATION",
    "DATA_DIR",
    "DATA_VOLUME",
    "DONOR_PORT",
    "FIELD_MANAGER",
    "FS_GROUP",
    "INTENT_ANNOTATION",
    "KEY_ADMIN",
    "KEY_CLONE",
    "KEY_REPLICATION",
    "KEY_ROOT",
    "LABEL_COMPONENT",
    "LABEL_INSTANCE",
    "LABEL_MANAGED_BY",
    "LABEL_NAME",
    "LABEL_POD_NAME",
    "MANAGED_BY",
    "MAX_REPLICATION_PASSWORD",
    "MYSQL_GID",
    "MYSQL_PORT",
    "MYSQL_UID",
    "OWN_SCHEMA",
    "READY_PORT",
    "REPLICATION_USER",
    "RUN_DIR",
    "SCRATCH_DIR",
    "SCRIPTS_DIR",
    "SECRET_DIR",
    "SECRET_KEYS",
    "SOCKET",
    "THRESHOLDS_DIR",
    "THRESHOLD_CLONE_THROTTLE",
    "THRESHOLD_MAX_LAG",
    "TLS_DIR",
    "TOPOLOGY_BOOTSTRAPPED",
    "TOPOLOGY_CLUSTER",
    "TOPOLOGY_DIR",
    "TOPOLOGY_EPOCH",
    "TOPOLOGY_HANDOVER",
    "TOPOLOGY_PRIMARY",
    "VOLUME_DIR",
]

FIELD_MANAGER = "kubemysql.replication"

# The recommended labels: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
COMPONENT = "database"
MANAGED_BY = FIELD_MANAGER
# Set by the StatefulSet controller on every pod; the primary Service selects by it.
LABEL_POD_NAME = "statefulset.kubernetes.io/pod-name"

MYSQL_PORT = 3306
# Where a pod serves backups to the pods that clone from it, as in the tutorial.
DONOR_PORT = 3307
# Open while the instance is ready: see pod_scripts/lib-readiness.sh.
READY_PORT = 3308
# Where a pod acknowledges, on its loopback address only: see pod_scripts/lib-acknowledge.sh.
ACK_PORT = 3309
# The official image's own user; its data directories must not depend on the image that wrote them.
MYSQL_UID = 999
MYSQL_GID = 999
FS_GROUP = MYSQL_GID

CONTAINER_PROVISION = "provision"
CONTAINER_MYSQL = "mysql"
CONTAINER_REPLICATION = "replication"
CONTAINER_CLONE = "clone"
CONTAINER_DONOR = "donor"

# The volume's root holds the data directory, a clone that is still arriving, and the marks that distinguish them.
# The data directory is called `mysql` because the tutorial mounts its claims with `subPath: mysql`.
DATA_VOLUME = "data"
VOLUME_DIR = "/volume"
DATA_DIR = f"{VOLUME_DIR}/mysql"
SCRATCH_DIR = "/scratch"
CONF_DIR = "/etc/mysql/conf.d"
RUN_DIR = "/var/run/mysqld"
SOCKET = f"{RUN_DIR}/mysqld.sock"
SCRIPTS_DIR = "/kubemysql/scripts"
CONFIG_DIR = "/kubemysql/config"
THRESHOLDS_DIR = "/kubemysql/thresholds"
TOPOLOGY_DIR = "/kubemysql/topology"
SECRET_DIR = "/kubemysql/secret"
TLS_DIR = "/kubemysql/tls"

# The pods read them again and again, so a change restarts nothing.
THRESHOLD_MAX_LAG = "max_lag"
THRESHOLD_CLONE_THROTTLE = "clone_throttle"

TOPOLOGY_PRIMARY = "primary"
TOPOLOGY_BOOTSTRAPPED = "bootstrapped"
TOPOLOGY_CLUSTER = "cluster"
TOPOLOGY_EPOCH = "epoch"
# While the primary is being moved.
TOPOLOGY_HANDOVER = "handover"
# Holds the digest of an intent: on a pod of the one that was delivered to it, on the topology of the one that every pod has
# acknowledged.
INTENT_ANNOTATION = "kubemysql.replication/intent"

REPLICATION_USER = "kubemysql_replication"
CLONE_USER = "kubemysql_clone"
# Logs in from the pod's loopback address only, where port-forward arrives.
ADMIN_USER = "kubemysql_admin"
CANARY_SCHEMA = "kubemysql_canary"
# Holds what the collection records in the data: epochs, and the version of the accounts.
OWN_SCHEMA = "kubemysql"

KEY_ROOT = "root-password"
KEY_REPLICATION = "replication-password"
KEY_CLONE = "clone-password"
KEY_ADMIN = "admin-password"
SECRET_KEYS = (KEY_ROOT, KEY_REPLICATION, KEY_CLONE, KEY_ADMIN)

# CHANGE REPLICATION SOURCE TO accepts no more: https://dev.mysql.com/doc/refman/8.4/en/change-replication-source-to.html
MAX_REPLICATION_PASSWORD = 32
