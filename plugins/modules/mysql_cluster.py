#!/usr/bin/python

# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring of the module; what it does is in module_utils."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_cluster
short_description: A replicating MySQL or MariaDB cluster on Kubernetes
version_added: 1.0.0
description:
  - Puts a MySQL or MariaDB primary with replicas on Kubernetes from a plain image, changes it, or takes it down.
  - Needs no operator, no custom resource and no right outside the namespace.
  - Objects are applied on the server side with the field manager C(kubemysql.replication). Fields that others set are left
    alone.
author:
  - The kubemysql.replication authors (@kubemysql)
extends_documentation_fragment:
  - kubemysql.replication.attributes
  - kubemysql.replication.identity
  - kubemysql.replication.kubernetes_auth
attributes:
  check_mode:
    support: full
    details: The API server makes a dry run of every change.
  diff_mode:
    support: full
    details: Values of Secrets are shown as digests that are worth nothing outside the run.
options:
  state:
    description:
      - V(present) applies the cluster's objects and removes those that are not wanted any more.
      - V(absent) removes the cluster. Its claims, its Secret and its topology stay, unless O(delete_data) is set.
      - V(rendered) returns the manifests and talks to no cluster, for C(kubectl apply) and GitOps. The Secret is not among
        them. Create one with the keys C(root-password), C(replication-password), C(clone-password) and C(admin-password),
        called O(name) or O(secret_name).
    type: str
    default: present
    choices: [present, absent, rendered]
  replicas:
    description:
      - Number of instances, the primary among them, as a StatefulSet counts.
    type: int
    default: 3
  config:
    description:
      - Options of C([mysqld]) for all instances, such as C(max_connections). A list gives an option several times.
      - They win over the collection's defaults. Options which replication depends on, such as C(server_id), C(gtid_mode) and
        C(log_bin), are set by the collection and refused here.
      - Refused as well are filters such as C(replicate_do_db) and C(binlog_ignore_db), options that skip errors, and values
        that break the pods, such as a path that cannot be written. All that is refused is reported at once.
      - A change restarts the instances one by one.
    type: dict
    default: {}
  primary_config:
    description:
      - Further options for the primary; they win over O(config).
    type: dict
    default: {}
  replica_config:
    description:
      - Further options for replicas; they win over O(config).
    type: dict
    default: {}
  server_id_base:
    description:
      - The first instance's C(server_id); each further instance has the next number.
      - Clusters that will ever replicate from each other need ranges that do not overlap.
    type: int
    default: 100
  max_lag:
    description:
      - Seconds which a replica may lag behind its source before it stops serving reads.
      - The pods read it again and again. A change restarts nothing, and holds in all pods within two minutes.
    type: int
    default: 30
  clone_method:
    description:
      - How a new instance gets its data. V(auto) chooses by the server, for each of which one way is supported.
      - V(clone_plugin) is MySQL's own C(CLONE INSTANCE), for MySQL 8.0.17 and newer.
      - V(xtrabackup) is a backup that is streamed from another instance and prepared, for MySQL 5.7 (C(xtrabackup), see
        O(xtrabackup_image)) and MariaDB (C(mariadb-backup)). Each pod then serves backups on port 3307 to the other pods of
        the cluster, encrypted, one at a time, and only to those that know the password of C(kubemysql_clone).
    type: str
    default: auto
    choices: [auto, clone_plugin, xtrabackup]
  clone_throttle:
    description:
      - Reads which a donor makes per second at most while it streams a backup. Not limited by default.
      - A change restarts nothing. It holds for backups that begin later.
      - A read takes up to 1 MiB; a small file takes one of its own, and a fresh server has some hundred of them.
      - For O(clone_method=xtrabackup). MySQL's clone plugin is limited by C(clone_max_data_bandwidth) in O(config).
    type: int
  storage_size:
    description:
      - Size of each instance's volume, as a Kubernetes quantity. Volumes cannot shrink.
    type: str
    default: 1Gi
  storage_class:
    description:
      - StorageClass of the volumes; the namespace's default class if not set.
    type: str
  delete_data:
    description:
      - With O(state=absent), also delete the claims with all data, the Secret and the topology. There is no way back.
      - Claims that nothing proves to be the cluster's are refused.
    type: bool
    default: false
  image:
    description:
      - Image of all containers, the official C(mysql) or C(mariadb) image or one that keeps its contract.
      - Supported are MySQL 5.7, MySQL 8.0.17 to 9, and MariaDB 10.11 to 11. An image with C(mariadb) in its name holds MariaDB.
    type: str
    default: docker.io/library/mysql:9.7
  image_pull_policy:
    description:
      - When the image is pulled.
    type: str
    default: IfNotPresent
    choices: [Always, IfNotPresent, Never]
  image_pull_secrets:
    description:
      - Names of Secrets with credentials for the registry.
    type: list
    elements: str
    default: []
  registry:
    description:
      - Registry to pull O(image) and O(xtrabackup_image) from instead of their own, for example
        C(registry.example.com:5000/mirror).
    type: str
  server_version:
    description:
      - Version of the server in O(image), for example V(8.4) or V(mariadb-10.11). Needed only if the image's name and tag do
        not contain it.
    type: str
  xtrabackup_image:
    description:
      - Image of what streams backups with O(clone_method=xtrabackup). It holds C(bash), C(flock), C(socat) or C(ncat), and
        Percona XtraBackup in a version for the server.
      - Needed for MySQL 5.7. By default O(image), as MariaDB's own image holds C(mariadb-backup).
    type: str
  resources:
    description:
      - Requests and limits of the container C(mysql), and of the init container that clones.
    type: dict
    default:
      requests:
        cpu: 100m
        memory: 512Mi
  node_selector:
    description:
      - Labels of the nodes that may run instances.
    type: dict
    default: {}
  tolerations:
    description:
      - Tolerations of the pods.
    type: list
    elements: dict
    default: []
  affinity:
    description:
      - Affinity of the pods. By default each instance prefers a node without another instance of the cluster.
    type: dict
  pod_labels:
    description:
      - Further labels of the pods.
    type: dict
    default: {}
  pod_annotations:
    description:
      - Annotations of the pods.
    type: dict
    default: {}
  secret_name:
    description:
      - Name of an existing Secret with the keys C(root-password), C(replication-password), C(clone-password) and
        C(admin-password). It is read and never changed.
      - Without it, a Secret called as O(name) is made, with passwords generated once.
    type: str
  root_password:
    description:
      - Password of C(root), who can log in over the socket inside a pod only. Generated if not set.
    type: str
  replication_password:
    description:
      - Password of C(kubemysql_replication), of at most 32 bytes. Generated if not set.
    type: str
  clone_password:
    description:
      - Password of C(kubemysql_clone). Generated if not set.
    type: str
  admin_password:
    description:
      - Password of C(kubemysql_admin), the account of these modules. Generated if not set.
    type: str
  read_service_type:
    description:
      - Type of the Service for reads.
    type: str
    default: ClusterIP
    choices: [ClusterIP, NodePort, LoadBalancer]
  primary_service_type:
    description:
      - Type of the Service for writes.
    type: str
    default: ClusterIP
    choices: [ClusterIP, NodePort, LoadBalancer]
  service_labels:
    description:
      - Further labels of the Services.
    type: dict
    default: {}
  read_service_annotations:
    description:
      - Annotations of the Service for reads.
    type: dict
    default: {}
  primary_service_annotations:
    description:
      - Annotations of the Service for writes, such as the host name that external-dns registers for it.
    type: dict
    default: {}
  network_policy:
    description:
      - Whether to have a NetworkPolicy that opens MySQL's port alone.
    type: bool
    default: true
  pod_disruption_budget:
    description:
      - Whether to have a PodDisruptionBudget that lets node maintenance evict one instance at a time.
    type: bool
    default: true
  adopt:
    description:
      - Take over a cluster that was deployed by other means under this O(name) and that could be of this collection, such
        as the Kubernetes tutorial's. Without it such a cluster is refused.
      - The cluster has to be healthy, its claims have to be called C(data) with the data in their folder C(mysql), and
        O(image), O(replicas), O(storage_size) and O(server_id_base) have to fit what is there. Everything is checked before
        anything is changed, in check mode too.
      - On MySQL, GTIDs are switched on first if they are not, while everybody goes on working. A statement that GTIDs do not
        allow fails from then on.
      - Claims and data stay, and nothing is cloned. The StatefulSet is deleted without its pods and made anew; then all pods
        are replaced at the same time, so that the cluster cannot be used until they are ready.
      - Fields of the Services that the previous owner had set, and the collection does not, go.
      - C(root@localhost) gets O(root_password), or one that is generated. All other accounts stay as they are.
      - A cluster that is the collection's own is not changed by it, and where there is no cluster nothing is taken over.
      - Needed as well for a cluster whose objects another tool has applied from O(state=rendered).
    type: bool
    default: false
  adopt_user:
    description:
      - Account to look at the servers with before they are adopted. It needs the rights of the C(user) that verifies, and on
        MySQL without GTIDs the right to set global variables.
    type: str
    default: root
  adopt_password:
    description:
      - Password of O(adopt_user). None by default, as in the tutorial.
    type: str
    default: ''
  kubernetes_version:
    description:
      - With O(state=rendered), the oldest Kubernetes the manifests are for, for example V(1.20). The newest by default.
    type: str
  force_conflicts:
    description:
      - Take over fields that another field manager has set.
    type: bool
    default: false
  wait:
    description:
      - Wait until all instances run the newest template and are ready, or with O(state=absent) until they are gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait without progress; a pod that becomes ready, or data that arrive in one, are progress.
      - Waiting ends earlier when it cannot help.
      - After 30 seconds the last log line of each pod that is not ready is printed every 10 seconds.
    type: int
    default: 600
seealso:
  - module: kubemysql.replication.mysql_cluster_verify
"""

EXAMPLES = r"""
- name: A primary with two replicas
  kubemysql.replication.mysql_cluster:
    namespace: shop

- name: The same, larger and tuned
  kubemysql.replication.mysql_cluster:
    namespace: shop
    replicas: 5
    storage_size: 50Gi
    config:
      max_connections: 500
      innodb_buffer_pool_size: 4G
    resources:
      requests: {cpu: "2", memory: 6Gi}
      limits: {memory: 6Gi}

- name: MariaDB
  kubemysql.replication.mysql_cluster:
    namespace: shop
    image: docker.io/library/mariadb:10.11

- name: MySQL 5.7, cloned as the Kubernetes tutorial does
  kubemysql.replication.mysql_cluster:
    namespace: shop
    image: docker.io/library/mysql:5.7
    xtrabackup_image: gcr.io/google-samples/xtrabackup:1.0

- name: Take over the cluster of the Kubernetes tutorial
  kubemysql.replication.mysql_cluster:
    namespace: shop
    image: docker.io/library/mariadb:10.11
    adopt: true

- name: Manifests for a Git repository
  kubemysql.replication.mysql_cluster:
    state: rendered
    namespace: shop
    secret_name: shop-mysql-passwords
  register: rendered

- name: Take it down and keep the data
  kubemysql.replication.mysql_cluster:
    namespace: shop
    state: absent
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in order.
  returned: when O(state) is V(present) or V(absent)
  type: list
  elements: dict
  contains:
    action:
      description:
        - V(create), V(update), V(delete), or V(adopt) for a foreign object.
      type: str
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
    fields:
      description: Paths of the fields that differ.
      type: list
      elements: str
    restarts:
      description: Instances that restart in consequence, one after the other in this order.
      type: list
      elements: str
  sample: [{action: update, kind: StatefulSet, name: mysql, fields: [spec.replicas], restarts: []}]
names:
  description: Names of the cluster's objects and hosts.
  returned: success
  type: dict
  sample:
    namespace: shop
    stateful_set: mysql
    headless_service: mysql
    read_service: mysql-read
    primary_service: mysql-primary
    read_host: mysql-read.shop.svc
    primary_host: mysql-primary.shop.svc
    secret: mysql
    thresholds: mysql-thresholds
    topology: mysql-topology
    instances: [mysql-0, mysql-1, mysql-2]
manifests:
  description: The manifests in apply order, without the Secret.
  returned: when O(state) is V(present) or V(rendered)
  type: list
  elements: dict
topology:
  description: Which instance is the primary, and since when the cluster has data.
  returned: when O(state) is V(present) or V(rendered)
  type: dict
  contains:
    primary:
      description: The primary's name.
      type: str
    bootstrapped:
      description: Time at which the primary was first ready; null until then.
      type: str
    epoch:
      description: Number that grows each time that another instance becomes the primary.
      type: int
  sample: {primary: mysql-0, bootstrapped: "2026-01-01T12:00:00Z", epoch: 1}
duration:
  description: Seconds that the module took.
  returned: success
  type: float
"""

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.argspec import cluster_options
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.edge import run
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.mysql_cluster import act


def main() -> None:
    run(cluster_options(), act)


if __name__ == "__main__":
    main()
