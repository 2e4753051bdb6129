# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For each finding the test that makes it happen on a real server, or why nothing can make it happen here.

The documentation has this as a table; tests/unit/test_evidence.py holds it to the findings and to the tests.
"""

from __future__ import annotations

__all__ = ["IMPOSSIBLE", "TESTS"]

_CLUSTER = "tests/integration/cluster"
_MYSQLD = "tests/integration/mysqld"

# Code -> file::test.
TESTS: dict[str, str] = {
    "stateful_set_missing": f"{_CLUSTER}/test_kubernetes.py::test_stateful_set_missing",
    "topology_unknown": f"{_CLUSTER}/test_kubernetes.py::test_topology_lost",
    "topology_not_acknowledged": f"{_CLUSTER}/test_kubernetes.py::test_topology_not_acknowledged",
    "primary_not_expected": f"{_CLUSTER}/test_tutorial.py::test_nobody_knows_the_primary",
    "pod_missing": f"{_CLUSTER}/test_tutorial.py::test_pod_gone",
    "pod_not_ready": f"{_CLUSTER}/test_primary.py::test_primary_pod_gone",
    "provisioning": f"{_CLUSTER}/test_kubernetes.py::test_provisioning",
    "container_restarted": f"{_CLUSTER}/test_replicas.py::test_source_elsewhere",
    "pod_unexpected": f"{_CLUSTER}/test_kubernetes.py::test_pod_unexpected",
    "pods_on_one_node": f"{_CLUSTER}/test_kubernetes.py::test_healthy",
    "claim_resizing": f"{_CLUSTER}/test_kubernetes.py::test_claim_resizing",
    "primary_service_misrouted": f"{_CLUSTER}/test_kubernetes.py::test_primary_service_misrouted",
    "read_service_misrouted": f"{_CLUSTER}/test_kubernetes.py::test_read_service_misrouted",
    "api_forbidden": f"{_CLUSTER}/test_kubernetes.py::test_rights_withheld",
    "instance_unreachable": f"{_CLUSTER}/test_primary.py::test_primary_stopped",
    "access_denied": f"{_CLUSTER}/test_kubernetes.py::test_credentials_refused",
    "access_pending": f"{_CLUSTER}/test_kubernetes.py::test_credentials_refused",
    "instance_unreadable": f"{_MYSQLD}/test_instances.py::test_too_few_rights",
    "no_writable_instance": f"{_MYSQLD}/test_instances.py::test_primary_read_only",
    "multiple_writable_instances": f"{_CLUSTER}/test_replicas.py::test_replica_writable",
    "primary_read_only": f"{_MYSQLD}/test_instances.py::test_primary_read_only",
    "primary_has_source": f"{_MYSQLD}/test_instances.py::test_primary_that_follows_somebody",
    "replica_not_registered": f"{_MYSQLD}/test_conditions.py::test_replica_that_the_primary_has_forgotten",
    "unknown_replica": f"{_CLUSTER}/test_kubernetes.py::test_registered_stranger",
    "semi_sync_waiting": f"{_MYSQLD}/test_conditions.py::test_commit_that_nobody_acknowledges",
    "replica_writable": f"{_CLUSTER}/test_replicas.py::test_replica_writable",
    "replica_super_read_only_off": f"{_CLUSTER}/test_replicas.py::test_super_read_only_off",
    "replica_not_configured": f"{_MYSQLD}/test_channels.py::test_replica_without_a_source",
    "wrong_source": f"{_CLUSTER}/test_replicas.py::test_source_elsewhere",
    "source_unknown": f"{_MYSQLD}/test_channels.py::test_source_that_was_never_reached",
    "receiver_stopped": f"{_CLUSTER}/test_replicas.py::test_receiver_stopped",
    "receiver_failed": f"{_CLUSTER}/test_replicas.py::test_needed_binlogs_purged",
    "receiver_connecting": f"{_CLUSTER}/test_replicas.py::test_wrong_password",
    "applier_stopped": f"{_CLUSTER}/test_replicas.py::test_applier_stopped",
    "applier_failed": f"{_CLUSTER}/test_replicas.py::test_duplicate_key",
    "lag_high": f"{_CLUSTER}/test_readiness.py::test_lag_over_the_limit_leaves_and_returns",
    "not_caught_up": f"{_CLUSTER}/test_replicas.py::test_network_to_the_source_cut",
    "errant_transactions": f"{_CLUSTER}/test_replicas.py::test_errant_transaction_under_write_load",
    "gtid_unknown": f"{_CLUSTER}/test_primary.py::test_primary_stopped",
    "gtid_off": f"{_CLUSTER}/test_tutorial.py::test_healthy",
    "auto_position_off": f"{_CLUSTER}/test_tutorial.py::test_healthy",
    "instance_empty": f"{_MYSQLD}/test_instances.py::test_empty_replica",
    "needed_binlogs_purged": f"{_CLUSTER}/test_replicas.py::test_needed_binlogs_purged",
    "clone_incomplete": f"{_MYSQLD}/test_conditions.py::test_clone_that_failed",
    "server_id_duplicate": f"{_MYSQLD}/test_instances.py::test_same_server_id",
    "server_uuid_duplicate": f"{_CLUSTER}/test_replicas.py::test_duplicate_server_uuid",
    "replication_not_encrypted": f"{_CLUSTER}/test_tutorial.py::test_healthy",
    "accounts_outdated": f"{_MYSQLD}/test_instances.py::test_accounts_of_an_older_collection",
    "certificate_expired": f"{_MYSQLD}/test_conditions.py::test_certificate_that_ends",
    "certificate_expiring": f"{_MYSQLD}/test_conditions.py::test_certificate_that_ends_soon",
    "volume_full": f"{_CLUSTER}/test_full_volume.py::test_volume_fills_up",
    "volume_filling": f"{_CLUSTER}/test_full_volume.py::test_volume_fills_up",
    "canary_timed_out": f"{_CLUSTER}/test_replicas.py::test_network_to_the_source_cut",
    "canary_unknown": f"{_CLUSTER}/test_primary.py::test_primary_pod_gone",
    "canary_not_removed": f"{_MYSQLD}/test_canary.py::test_primary_that_does_not_let_the_table_go",
}

# Code -> why no real server here does that.
IMPOSSIBLE: dict[str, str] = {
    "stale_replication_error": "MySQL 9.7 and MariaDB 10.11 clear the error of a thread that runs again.",
    "lag_unknown": "With both threads running, MySQL 9.7 and MariaDB 10.11 always tell a lag.",
    "replica_older": "Debian has one version of each server.",
}
