# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lag of a replica as one SQL text, for MySQL 8.0.1 and newer. The pods get it as well: tests/generate_constants.py.

The lag is the greater of two ages, in seconds; NULL unless both threads run and all times are known.

- The receiver's: the age of what is arriving now. Old transactions that arrive mean a backlog on the source. Silence of 3 s, or
  a heartbeat, means that there is no more of it.
- The applier's: the age of the oldest transaction that was received and is not applied. Between two transactions of a backlog
  none is in work, and then the one counts that was applied within the last second; after a pause, the newest that was received,
  since counting from the one applied last would turn an hour without writes into an hour of lag.

Times are those of the commit on the server that wrote a transaction first. Seconds_Behind_Source knows nothing of the
receiver's backlog, and drops to 0 while there is one. It is the lag where this text gives NULL: on MySQL 5.7 and MariaDB, which
have no times of transactions, with a source that sends none, after a restart that forgot them, and without GTIDs, where the
newest transaction is called ANONYMOUS.
https://dev.mysql.com/doc/refman/8.4/en/performance-schema-replication-tables.html
"""

from __future__ import annotations

__all__ = ["LAG_SQL"]

# One row for each channel: its name, and the lag as `seconds`. It stands in double quotes in bash.
LAG_SQL = """
SELECT channel_name, IF(running, GREATEST(receiver, applier, 0), NULL) AS seconds
FROM (
  SELECT s.channel_name, s.service_state = 'ON' AND a.service_state = 'ON' AS running,
    CASE
      WHEN s.queueing_transaction <> '' THEN
        UNIX_TIMESTAMP(NOW(6)) - NULLIF(UNIX_TIMESTAMP(s.queueing_transaction_original_commit_timestamp), 0)
      WHEN UNIX_TIMESTAMP(s.last_queued_transaction_end_queue_timestamp) > UNIX_TIMESTAMP(NOW(6)) - 3
           AND s.last_heartbeat_timestamp <= s.last_queued_transaction_end_queue_timestamp THEN
        UNIX_TIMESTAMP(s.last_queued_transaction_start_queue_timestamp)
          - NULLIF(UNIX_TIMESTAMP(s.last_queued_transaction_original_commit_timestamp), 0)
      ELSE 0
    END AS receiver,
    CASE
      WHEN s.last_queued_transaction = 'ANONYMOUS' THEN NULL
      WHEN GTID_SUBSET(s.received_transaction_set, @@global.gtid_executed) THEN 0
      ELSE UNIX_TIMESTAMP(NOW(6)) - COALESCE(
        (SELECT MIN(NULLIF(UNIX_TIMESTAMP(w.applying_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_worker w WHERE w.channel_name = s.channel_name),
        (SELECT MIN(NULLIF(UNIX_TIMESTAMP(k.processing_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_coordinator k WHERE k.channel_name = s.channel_name),
        (SELECT MAX(NULLIF(UNIX_TIMESTAMP(l.last_applied_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_worker l
          WHERE l.channel_name = s.channel_name
            AND UNIX_TIMESTAMP(l.last_applied_transaction_end_apply_timestamp) > UNIX_TIMESTAMP(NOW(6)) - 1),
        NULLIF(UNIX_TIMESTAMP(s.last_queued_transaction_original_commit_timestamp), 0))
    END AS applier
  FROM performance_schema.replication_connection_status s
  JOIN performance_schema.replication_applier_status a USING (channel_name)
) delays"""
