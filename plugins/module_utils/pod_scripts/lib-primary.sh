#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes the instance the writable primary. It becomes writable only here, and only if
#   - the topology names it the primary,
#   - it has no replication channel of its own,
#   - no other instance is writable,
#   - no peer has transactions that began on this server and that it lacks,
#   - neither its data nor its claim know a newer epoch than the topology's.

# shellcheck source=lib-reconcile.sh
source /kubemysql/scripts/lib-reconcile.sh
# shellcheck source=lib-accounts.sh
source /kubemysql/scripts/lib-accounts.sh
# shellcheck source=lib-epoch.sh
source /kubemysql/scripts/lib-epoch.sh

reconcile_primary() {
  local source=${OWN[source_host]#-}
  if [[ ${OWN[channels]} != 0 || $source ]]; then
    defer "the topology names $POD_NAME the primary, but it has replica configuration (source $source): it stays read-only" \
      "promote it with the collection, or name another primary"
    return
  fi
  epoch_is_current || return
  if ((OWN[read_only] > 0)); then
    query_peers
    peers_allow_writes || return
    # In this state only administrators can write; nobody clones from an instance with read_only.
    run_local "SET GLOBAL super_read_only = OFF" || return
  fi
  discard_temporary_password || return
  ensure_accounts || return
  record_epoch || return
  run_local "SET GLOBAL read_only = OFF" || return
  role_reached primary "$POD_NAME is the primary and writable"
}

# Whether the topology is at least as new as what this instance has seen.
epoch_is_current() {
  local newest
  read_data_epoch || return
  read_cluster_mark
  newest=$((${DATA_EPOCH:-0} > ${MARKED_EPOCH:-0} ? ${DATA_EPOCH:-0} : ${MARKED_EPOCH:-0}))
  ! is_epoch "$EPOCH" || ((newest <= EPOCH)) ||
    defer "the topology's epoch is $EPOCH, and this instance has seen $newest: the topology is an old one, and $POD_NAME stays read-only" \
      "find the primary of the newest epoch in $EPOCH_TABLE, and write it with that epoch into the topology ConfigMap"
}

# The commit record of this primary's term.
record_epoch() {
  is_epoch "$EPOCH" || return 0
  if [[ $DATA_EPOCH ]]; then
    query_local "SELECT COUNT(*) FROM $EPOCH_TABLE WHERE epoch = $EPOCH AND primary_name = '$POD_NAME'" || return
    [[ $ANSWER != 1 ]] || return 0
  fi
  reason_of_epoch
  log "recording that epoch $EPOCH of $POD_NAME begins: $REPLY"
  query_local "$(record_epoch_sql "$REPLY")" || defer "the epoch could not be recorded: $ANSWER" || return
  DATA_EPOCH=$EPOCH
}

# Whether the state of all peers that answer allows that this instance becomes writable.
peers_allow_writes() {
  local row
  for row in "${PEER_ROWS[@]}"; do
    parse_peer "$row"
    [[ ${PEER[kind]} == peer ]] || continue
    if [[ ${PEER[read_only]} == 0 && ${PEER[channels]} == 0 ]]; then
      defer "${PEER[host]} is writable: $POD_NAME stays read-only, since there must not be two writable instances" \
        "make ${PEER[host]} read-only, or name it the primary"
      return
    fi
    lost_here "${PEER[gtids]#-}" || return 1
    if [[ $REPLY ]]; then
      defer "${PEER[host]} has transactions of this server that this server has lost ($REPLY): it stays read-only" \
        "make ${PEER[host]} the primary, then delete the claim and the pod of $POD_NAME"
      return
    fi
  done
}

# The password that the image's entrypoint needed: see run-mysqld.sh.
discard_temporary_password() {
  [[ -e $DATA_DIR/$TEMPORARY_PASSWORD_MARK ]] || return 0
  run_local "SET sql_log_bin = 0; ALTER USER root@localhost DISCARD OLD PASSWORD" || return
  rm -f -- "$DATA_DIR/$TEMPORARY_PASSWORD_MARK"
}

# Adopted data lack our accounts, and those of an older version lack rights.
ensure_accounts() {
  local sql error
  accounts_are_current || return
  [[ -z $REPLY ]] || return 0
  log "bringing the accounts of replication, clone and administration to version $ACCOUNTS_VERSION"
  sql=$(accounts_sql "${OWN[version]}") || defer "the accounts need passwords: see the log" || return
  ! query_local "$sql" || return 0
  error=$ANSWER
  query_local "$(accounts_exist_sql "$REPLICATION_USER" "$CLONE_USER")" || return
  [[ $ANSWER == 1 ]] || defer "the accounts could not be created: $error" || return
  # Clients and replicas do without the administration account.
  log "the accounts stay as they are: $error"
}
