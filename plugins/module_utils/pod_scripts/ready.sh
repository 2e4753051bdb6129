#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Readiness: is the instance in its role and fit for clients? One statement, one answer; prints the reason if not.
# A value that cannot be known counts as "not ready".
set -euo pipefail
# shellcheck source=lib.sh
source /kubemysql/scripts/lib.sh

LIMIT=${PROBE_TIMEOUT:-4}

# Lag, in seconds, is the greater of two:
# - the receiver's: the age of what is arriving now. Old transactions arriving mean a backlog at the primary; 3 s of
#   silence, or a heartbeat, mean that there is no more of it.
# - the applier's: the age of the oldest transaction that was received and is not applied yet.
# Seconds_Behind_Source knows nothing of the first, and drops to 0 while the receiver has a backlog.
readonly READY_SQL="
WITH delay AS (
  SELECT s.channel_name,
    CASE
      WHEN s.queueing_transaction <> '' THEN
        UNIX_TIMESTAMP(NOW(6)) - UNIX_TIMESTAMP(s.queueing_transaction_original_commit_timestamp)
      WHEN UNIX_TIMESTAMP(s.last_queued_transaction_end_queue_timestamp) > UNIX_TIMESTAMP(NOW(6)) - 3
           AND s.last_heartbeat_timestamp <= s.last_queued_transaction_end_queue_timestamp THEN
        UNIX_TIMESTAMP(s.last_queued_transaction_start_queue_timestamp)
          - UNIX_TIMESTAMP(s.last_queued_transaction_original_commit_timestamp)
      ELSE 0
    END AS receiver,
    IF(GTID_SUBSET(s.received_transaction_set, @@global.gtid_executed), 0,
      UNIX_TIMESTAMP(NOW(6)) - COALESCE(
        (SELECT MIN(NULLIF(UNIX_TIMESTAMP(w.applying_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_worker w WHERE w.channel_name = s.channel_name),
        (SELECT MIN(NULLIF(UNIX_TIMESTAMP(k.processing_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_coordinator k WHERE k.channel_name = s.channel_name),
        NULLIF(UNIX_TIMESTAMP(s.last_queued_transaction_original_commit_timestamp), 0))) AS applier
  FROM performance_schema.replication_connection_status s
), failure AS (
  SELECT channel_name, last_error_number, last_error_message
    FROM performance_schema.replication_applier_status_by_worker WHERE last_error_number <> 0
  UNION ALL
  SELECT channel_name, last_error_number, last_error_message
    FROM performance_schema.replication_applier_status_by_coordinator WHERE last_error_number <> 0
)
SELECT 'ready', @@skip_networking, @@read_only, @@super_read_only, @@performance_schema,
  COALESCE(NULLIF(c.host, ''), '-'), COALESCE(s.service_state, '-'), COALESCE(a.service_state, '-'),
  COALESCE(s.last_error_number, 0), COALESCE(NULLIF(s.last_error_message, ''), '-'),
  COALESCE((SELECT MAX(last_error_number) FROM failure e WHERE e.channel_name = one.channel_name), 0),
  COALESCE((SELECT MAX(last_error_message) FROM failure e WHERE e.channel_name = one.channel_name), '-'),
  COALESCE(FLOOR(GREATEST(delay.receiver, delay.applier, 0)), 'NULL')
FROM (SELECT '' AS channel_name) one
LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
LEFT JOIN performance_schema.replication_applier_status a USING (channel_name)
LEFT JOIN delay USING (channel_name);"

not_ready() { # REASON
  printf 'not ready: %s\n' "$1"
  exit 1
}

judge_primary() {
  [[ $R_HOST == - ]] || not_ready "the topology names $POD_NAME the primary, but it has replica configuration (source $R_HOST)"
  [[ $R_READ_ONLY == 0 && $R_SUPER_READ_ONLY == 0 ]] || not_ready "the primary is read-only (yet)"
}

judge_replica() {
  [[ $R_HOST != - ]] || not_ready "the replica has no replica configuration (yet)"
  [[ $R_HOST == "$(primary_host)" ]] || not_ready "the replica's source is $R_HOST, the topology's primary is $(primary_host)"
  [[ $R_SUPER_READ_ONLY == 1 ]] || not_ready "the replica is writable (super_read_only is OFF)"
  [[ $R_IO_ERRNO == 0 ]] || not_ready "the receiver thread is $R_IO, error $R_IO_ERRNO: $R_IO_ERROR"
  [[ $R_SQL_ERRNO == 0 ]] || not_ready "the applier thread is $R_SQL, error $R_SQL_ERRNO: $R_SQL_ERROR"
  [[ $R_IO == ON ]] || not_ready "the receiver thread is $R_IO"
  [[ $R_SQL == ON ]] || not_ready "the applier thread is $R_SQL"
  [[ $R_LAG =~ ^[0-9]+$ ]] || not_ready "the lag is unknown ($R_LAG)"
  ((R_LAG <= MAX_LAG)) || not_ready "the replica is $R_LAG s behind, more than $MAX_LAG s"
}

main() {
  read_topology
  [[ $PRIMARY ]] || not_ready "the topology names no primary"
  ask_local "$READY_SQL" || not_ready "${ANSWER:-no answer within $LIMIT s}"
  IFS=$'\t' read -r kind R_TEMPORARY R_READ_ONLY R_SUPER_READ_ONLY R_PERFORMANCE_SCHEMA R_HOST R_IO R_SQL \
    R_IO_ERRNO R_IO_ERROR R_SQL_ERRNO R_SQL_ERROR R_LAG <<<"$ANSWER"
  [[ $kind == ready ]] || not_ready "the server's answer cannot be understood: $ANSWER"
  [[ $R_TEMPORARY == 0 ]] || not_ready "the first initialisation is under way"
  if read_all "$STATE_FILE"; then not_ready "$REPLY"; fi
  [[ $R_PERFORMANCE_SCHEMA == 1 ]] || not_ready "performance_schema is OFF: nothing can be known about replication"
  if i_am_primary; then judge_primary; else judge_replica; fi
}

main
