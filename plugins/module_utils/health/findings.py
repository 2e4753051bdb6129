# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All findings: code, severity, predicate and remedy.

The documentation's table is made of this enum.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

__all__ = ["Definition", "Finding", "FindingKind", "Severity"]

# ``unknown`` is a check that could not be made. It is never better than ``warning``: what cannot be seen is not healthy.
Severity = t.Literal["ok", "warning", "critical", "unknown"]


@dataclass(frozen=True)
class Definition:
    """The meaning of a finding. ``needs_action``: the condition does not clear by itself."""

    severity: Severity
    predicate: str
    remedy: str
    needs_action: bool = False


class FindingKind(Enum):
    """One named fact each; the code in results and options is the name in lower case."""

    STATEFUL_SET_MISSING = Definition(
        "critical", "The namespace has no StatefulSet of the cluster's name.",
        "Check the options name and namespace, or deploy the cluster.",
    )  # fmt: skip
    TOPOLOGY_UNKNOWN = Definition(
        "unknown", "The topology ConfigMap is missing or names no primary, and the collection's pods read it, or not exactly "
        "one instance is writable.",
        "Run the deployment again: it takes the topology back from the pods, or its message has the command that restores it.",
    )  # fmt: skip
    TOPOLOGY_NOT_ACKNOWLEDGED = Definition(
        "critical", "The pod has read another topology than the ConfigMap's. Ready pods are asked unless a deployment has "
        "recorded that all pods have read it.",
        "Run the deployment again: it makes the pods read it. If this one does not, restart its container replication.",
    )  # fmt: skip
    PRIMARY_NOT_EXPECTED = Definition(
        "critical", "The topology's primary is none of the StatefulSet's instances.",
        "Raise the number of replicas until the primary is among them, or name another primary.",
    )  # fmt: skip
    POD_MISSING = Definition(
        "critical", "The StatefulSet wants the instance and there is no such pod.",
        "See the StatefulSet's events (kubectl describe statefulset): quota, admission or scheduling.",
    )  # fmt: skip
    POD_NOT_READY = Definition(
        "critical", "The pod's condition Ready is not True, or the pod is being deleted.",
        "See the pod's events and its containers' logs.",
    )  # fmt: skip
    PROVISIONING = Definition(
        "critical", "An init container of the pod is at work: the instance's data are being prepared.",
        "Wait for it; the log of that container shows the progress of a clone.",
    )  # fmt: skip
    CONTAINER_RESTARTED = Definition(
        "warning", "A container of the pod ended and was started again within the last ten minutes.",
        "See its log before that: kubectl logs --previous.",
    )  # fmt: skip
    POD_UNEXPECTED = Definition(
        "warning", "The cluster's selector finds a pod that the StatefulSet does not want.",
        "Wait for a scale-down to end, or take the cluster's labels off that pod.",
    )  # fmt: skip
    PODS_ON_ONE_NODE = Definition(
        "warning", "All pods, and there are several, are on the same node.",
        "Add nodes, or look why the pods cannot be spread (affinity, node_selector, local volumes).",
    )  # fmt: skip
    CLAIM_RESIZING = Definition(
        "warning", "The instance's claim is smaller than its request, or its resizing has not ended.",
        "See the claim's conditions and events; some volumes grow only when the pod restarts.",
    )  # fmt: skip
    PRIMARY_SERVICE_MISROUTED = Definition(
        "critical", "The primary Service leads to another pod than the primary, or not to the primary although that is ready.",
        "Compare the Service's selector with the topology's primary; deploying again writes both.",
    )  # fmt: skip
    READ_SERVICE_MISROUTED = Definition(
        "critical", "The pods that the read Service leads to are not exactly the ready ones.",
        "If it lasts, compare the Service's selector with the pods' labels, and see whether the endpoints controller runs.",
    )  # fmt: skip
    API_FORBIDDEN = Definition(
        "unknown", "The API server refuses to show Services' endpoints or claims.",
        "Grant the rights of docs/permissions.md, or ignore this finding.",
    )  # fmt: skip
    INSTANCE_UNREACHABLE = Definition(
        "critical", "No MySQL session with the instance came about, or it broke, within connect_timeout.",
        "See the log of the pod's mysql container; a server that recovers or is overloaded answers late.",
    )  # fmt: skip
    ACCESS_DENIED = Definition(
        "critical", "The instance of a ready pod refuses the administration user's credentials.",
        "Compare the admin password in the cluster's Secret with the user's password in MySQL.", needs_action=True,
    )  # fmt: skip
    ACCESS_PENDING = Definition(
        "critical", "The instance of a pod that is not ready refuses the administration user's credentials.",
        "Wait: the user is created before the pod becomes ready.",
    )  # fmt: skip
    INSTANCE_UNREADABLE = Definition(
        "unknown", "The instance answers but refused one of the statements that read its state.",
        "Grant the account the rights that the option user lists (ansible-doc kubemysql.replication.mysql_cluster_verify).",
    )  # fmt: skip
    NO_WRITABLE_INSTANCE = Definition(
        "critical", "Every instance was read, and none accepts writes.",
        "Find out why the primary is read-only: see the log of its pod's replication container.",
    )  # fmt: skip
    MULTIPLE_WRITABLE_INSTANCES = Definition(
        "critical", "More than one instance has read_only off.",
        "SET GLOBAL super_read_only=ON on all but the topology's primary, then look for errant transactions.",
    )  # fmt: skip
    PRIMARY_READ_ONLY = Definition(
        "critical", "The primary has read_only or super_read_only on.",
        "See the log of the primary's replication container; it makes the topology's primary writable.",
    )  # fmt: skip
    PRIMARY_HAS_SOURCE = Definition(
        "critical", "The primary is itself configured to replicate from a server.",
        "If it is the right primary: STOP REPLICA; RESET REPLICA ALL on it.",
    )  # fmt: skip
    REPLICA_NOT_REGISTERED = Definition(
        "critical", "The replica's receiver runs, and the primary does not list its server_id among its replicas.",
        "The receiver follows another server, or a dead connection: STOP REPLICA IO_THREAD; START REPLICA IO_THREAD.",
    )  # fmt: skip
    UNKNOWN_REPLICA = Definition(
        "warning", "The primary lists a replica with a server_id that none of the instances has.",
        "Somebody else replicates from it. It counts for semi-synchronous replication and holds no data of the cluster's pods.",
    )  # fmt: skip
    SEMI_SYNC_WAITING = Definition(
        "critical", "A commit on the primary has been waiting for a replica's acknowledgement for two seconds or more.",
        "Mend the replicas that do not acknowledge; until then clients hang (rpl_semi_sync_source_timeout).",
    )  # fmt: skip
    REPLICA_WRITABLE = Definition(
        "critical", "An instance that is not the primary has read_only off.",
        "SET GLOBAL super_read_only=ON on it, then look for errant transactions.",
    )  # fmt: skip
    REPLICA_SUPER_READ_ONLY_OFF = Definition(
        "critical", "A replica has read_only on but super_read_only off, so administrators can write.",
        "SET GLOBAL super_read_only=ON on it.",
    )  # fmt: skip
    REPLICA_NOT_CONFIGURED = Definition(
        "critical", "An instance that is not the primary has no replication source.",
        "See the log of its pod's replication container; it configures the source.",
    )  # fmt: skip
    WRONG_SOURCE = Definition(
        "critical", "The replica's source is not the topology's primary: another server_uuid, or another instance's host.",
        "Let the replica's replication container run again (restart the container), or CHANGE REPLICATION SOURCE.",
    )  # fmt: skip
    SOURCE_UNKNOWN = Definition(
        "unknown", "The source's server_uuid cannot be compared with the primary's, and its host is no instance's.",
        "Make the primary answer, and the replica connect to its source.",
    )  # fmt: skip
    RECEIVER_STOPPED = Definition(
        "critical", "Replica_IO_Running is No, without an error number.",
        "START REPLICA IO_THREAD, once it is known why it was stopped.",
    )  # fmt: skip
    RECEIVER_FAILED = Definition(
        "critical", "Replica_IO_Running is No, and Last_IO_Errno is not 0: the thread gave up.",
        "Remove the cause in the error. After 13114 (source purged what is missing) the instance must be cloned again.",
        needs_action=True,
    )  # fmt: skip
    RECEIVER_CONNECTING = Definition(
        "critical", "Replica_IO_Running is Connecting, which is not running.",
        "See whether the primary answers on the network and accepts the replication user's password.",
    )  # fmt: skip
    APPLIER_STOPPED = Definition(
        "critical", "Replica_SQL_Running is No, without an error number.",
        "START REPLICA SQL_THREAD, once it is known why it was stopped.",
    )  # fmt: skip
    APPLIER_FAILED = Definition(
        "critical", "Replica_SQL_Running is No, and Last_SQL_Errno is not 0: a transaction cannot be applied.",
        "The replica's data differs from the primary's. Clone the instance again, or repair the row and START REPLICA.",
        needs_action=True,
    )  # fmt: skip
    STALE_REPLICATION_ERROR = Definition(
        "warning", "Both threads run, and Last_IO_Errno or Last_SQL_Errno is not 0.",
        "Watch whether it comes back; STOP REPLICA; START REPLICA clears it.",
    )  # fmt: skip
    LAG_UNKNOWN = Definition(
        "unknown", "Both threads run, and neither commit timestamps nor Seconds_Behind_Source give a lag.",
        "Look again; if it stays, see whether performance_schema is on.",
    )  # fmt: skip
    LAG_HIGH = Definition(
        "critical", "What the replica receives, or the oldest that it has not applied yet, was committed over max_lag ago.",
        "See what it is applying (performance_schema.replication_applier_status_by_worker), and how fast the network is.",
    )  # fmt: skip
    NOT_CAUGHT_UP = Definition(
        "critical", "Both threads run without lag, yet what the primary has committed does not arrive within a second, "
        "and the newest transaction that did was committed over max_lag ago.",
        "The receiver may hang on a dead connection: STOP REPLICA IO_THREAD; START REPLICA IO_THREAD.",
    )  # fmt: skip
    ERRANT_TRANSACTIONS = Definition(
        "critical", "gtid_executed of a replica, less the primary's read afterwards, less the primary's own, is not empty; "
        "on MariaDB, gtid_binlog_state has a server_id other than the primary's further than the primary has it.",
        "Find out what they did (mysqlbinlog), then clone the instance again or commit empty transactions with "
        "these GTIDs on the primary.", needs_action=True,
    )  # fmt: skip
    GTID_UNKNOWN = Definition(
        "unknown", "The GTID sets of replica and primary could not be compared.",
        "Make both answer, with gtid_mode=ON.",
    )  # fmt: skip
    GTID_OFF = Definition(
        "warning", "gtid_mode is not ON; or a replica on MariaDB writes no binary log (log_bin, log_slave_updates).",
        "Turn it on: without it neither errant transactions nor missing ones can be seen.",
    )  # fmt: skip
    AUTO_POSITION_OFF = Definition(
        "warning", "The replica uses a binary log file and position instead of GTID auto-positioning.",
        "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION=1.",
    )  # fmt: skip
    INSTANCE_EMPTY = Definition(
        "critical", "The instance has never committed a transaction, while another one has.",
        "It lost its data or never received any: delete its claim and pod, and it is cloned again.",
    )  # fmt: skip
    NEEDED_BINLOGS_PURGED = Definition(
        "critical", "The primary's gtid_purged holds transactions that the replica has not.",
        "The replica can never receive them: clone the instance again.", needs_action=True,
    )  # fmt: skip
    CLONE_INCOMPLETE = Definition(
        "critical", "performance_schema.clone_status holds a clone into this instance whose state is not Completed.",
        "If it is not in progress: delete the instance's claim and pod, and it is cloned again.",
    )  # fmt: skip
    SERVER_ID_DUPLICATE = Definition(
        "critical", "Two instances have the same server_id.",
        "Give each instance its own server_id; of two replicas with one, the primary serves only one at a time.",
        needs_action=True,
    )  # fmt: skip
    SERVER_UUID_DUPLICATE = Definition(
        "critical", "Two instances have the same server_uuid.",
        "Stop one instance, remove auto.cnf from its data directory, and start it.", needs_action=True,
    )  # fmt: skip
    REPLICA_OLDER = Definition(
        "warning", "The replica's server version is older than the primary's.",
        "Upgrade replicas before their source.",
    )  # fmt: skip
    REPLICATION_NOT_ENCRYPTED = Definition(
        "warning", "Source_SSL_Allowed is not Yes: the replication channel is not encrypted.",
        "CHANGE REPLICATION SOURCE TO SOURCE_SSL=1.",
    )  # fmt: skip
    ACCOUNTS_OUTDATED = Definition(
        "warning", "The collection's accounts are those of an older version, open to the network and without today's rights.",
        "Deploy the cluster with this collection. If that was done, see the log of the primary's container replication.",
    )  # fmt: skip
    CERTIFICATE_EXPIRED = Definition(
        "critical", "The server's certificate (Ssl_server_not_after) has expired.",
        "Renew the certificate files and ALTER INSTANCE RELOAD TLS.",
    )  # fmt: skip
    CERTIFICATE_EXPIRING = Definition(
        "warning", "The server's certificate (Ssl_server_not_after) expires within 30 days.",
        "Renew the certificate files and ALTER INSTANCE RELOAD TLS.",
    )  # fmt: skip
    VOLUME_FULL = Definition(
        "critical", "At least 95 % of the instance's volume, which holds data and binary logs, is in use.",
        "Make room now: PURGE BINARY LOGS that every replica has, or grow the claim. A full volume stops all writes.",
    )  # fmt: skip
    VOLUME_FILLING = Definition(
        "warning", "At least 80 % of the instance's volume, which holds data and binary logs, is in use.",
        "See what grows (SHOW BINARY LOGS; the tables), shorten binlog_expire_logs_seconds, or grow the claim.",
    )  # fmt: skip
    CANARY_TIMED_OUT = Definition(
        "critical", "A row written on the primary could not be read on the replica within canary_timeout.",
        "The replica does not apply what the primary commits; see its other findings and its replication filters.",
    )  # fmt: skip
    CANARY_UNKNOWN = Definition(
        "unknown", "The canary row could not be written on the primary, or could not be looked for on a replica.",
        "See the reason in the message.",
    )  # fmt: skip
    CANARY_NOT_REMOVED = Definition(
        "warning", "The canary's table could not be removed from the primary.",
        "DROP SCHEMA kubemysql_canary; nothing else is kept there.",
    )  # fmt: skip

    @property
    def code(self) -> str:
        return self.name.lower()

    @property
    def severity(self) -> Severity:
        return self.value.severity


@dataclass(frozen=True)
class Finding:
    """``kind`` holds, for ``instance`` or for the whole cluster if None; ``message`` gives the evidence.

    ``since`` is when it began to hold, in seconds since 1970; None if that is unknown.
    """

    kind: FindingKind
    message: str
    instance: str | None = None
    since: float | None = None

    @property
    def healthy(self) -> bool:
        """Whether a cluster with this finding can still be called healthy."""
        return self.kind.severity in ("ok", "warning")
