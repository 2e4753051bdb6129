#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Epochs in the data and on the claim. An epoch is a primary's term: its number is part of the topology, and only grows.
#   the table EPOCH_TABLE       one row for each epoch, written on its primary before that opens for writes, and replicated like
#                               all data. It survives a lost topology and a restore.
#   CLUSTER_MARK on the claim   the cluster and the newest epoch that this instance took part in.
# A primary whose data or claim know a newer epoch than the topology stays read-only: the topology is an old one. A claim of
# another cluster is left alone.

# shellcheck source=lib-acknowledge.sh
source /kubemysql/scripts/lib-acknowledge.sh

readonly CLUSTER_MARK=$VOLUME_DIR/.kubemysql-cluster
readonly EPOCH_TABLE=$OWN_SCHEMA.epochs

# --- the claim ------------------------------------------------------------------------------------------------------

# The cluster and the epoch that the claim's mark names, both empty without a mark.
MARKED_CLUSTER=
MARKED_EPOCH=
read_cluster_mark() {
  MARKED_CLUSTER=
  MARKED_EPOCH=
  [[ -r $CLUSTER_MARK ]] || return 0
  read -r MARKED_CLUSTER MARKED_EPOCH <"$CLUSTER_MARK" || true
  is_epoch "$MARKED_EPOCH" || MARKED_EPOCH=
}

is_epoch() { # TEXT
  [[ $1 =~ ^[1-9][0-9]{0,17}$ ]]
}

refuse_foreign_claim() {
  read_cluster_mark
  [[ -z $MARKED_CLUSTER || -z $CLUSTER || $MARKED_CLUSTER == "$CLUSTER" ]] ||
    die "this pod's claim belongs to the cluster $MARKED_CLUSTER, and the topology is that of the cluster $CLUSTER" \
      "restore the topology ConfigMap with cluster: $MARKED_CLUSTER if its data are wanted; delete the claim and the pod if they are worthless"
}

# Marks the claim, unless it knows this epoch or a newer one. Topologies without a cluster or an epoch leave no mark.
mark_claim() {
  [[ $CLUSTER ]] && is_epoch "$EPOCH" || return 0
  read_cluster_mark
  [[ $MARKED_CLUSTER != "$CLUSTER" ]] || ((${MARKED_EPOCH:-0} < EPOCH)) || return 0
  place_mark "$CLUSTER_MARK.new" "$CLUSTER $EPOCH"
  mv -f -- "$CLUSTER_MARK.new" "$CLUSTER_MARK"
  sync "$VOLUME_DIR"
}

# --- the table ------------------------------------------------------------------------------------------------------

# Reads the newest epoch in the data; empty if there is none yet.
read_data_epoch() {
  query_local "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '$OWN_SCHEMA' AND table_name = 'epochs'" || return 1
  if [[ $ANSWER != 1 ]]; then
    DATA_EPOCH=
    return
  fi
  query_local "SELECT COALESCE(MAX(epoch), 0) FROM $EPOCH_TABLE" || return 1
  DATA_EPOCH=$ANSWER
  is_epoch "$DATA_EPOCH" || DATA_EPOCH=
}

# Statements that record the topology's epoch; none if it has none.
record_epoch_sql() { # REASON
  local name
  is_epoch "$EPOCH" || return 0
  sql_quote "$POD_NAME"
  name=$REPLY
  cat <<SQL
CREATE DATABASE IF NOT EXISTS $OWN_SCHEMA;
CREATE TABLE IF NOT EXISTS $EPOCH_TABLE (
  epoch BIGINT UNSIGNED NOT NULL, primary_name VARCHAR(253) NOT NULL, began_at DATETIME(6) NOT NULL, reason VARCHAR(64) NOT NULL,
  PRIMARY KEY (epoch, primary_name)
) ENGINE = InnoDB;
INSERT INTO $EPOCH_TABLE (epoch, primary_name, began_at, reason)
  SELECT $EPOCH, $name, UTC_TIMESTAMP(6), '$1' FROM (SELECT 1) one
  WHERE NOT EXISTS (SELECT * FROM $EPOCH_TABLE recorded WHERE recorded.epoch = $EPOCH AND recorded.primary_name = $name);
SQL
}

# Why this epoch begins, in REPLY.
reason_of_epoch() {
  local how=''
  read_line "$DATA_DIR/$COMPLETE_MARK" && how=$REPLY
  REPLY=promotion
  [[ -z $DATA_EPOCH ]] || return 0
  REPLY=upgrade
  [[ $how != adopted* ]] || REPLY=adoption
}
