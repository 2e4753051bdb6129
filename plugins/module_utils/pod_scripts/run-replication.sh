#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container `replication`: brings the instance into its role each time mysqld has started or the topology has changed, and
# otherwise checks readiness each second: see lib-readiness.sh. Every step can be repeated. An obstacle on the way into the role
# is published as the reason why the instance is not ready. An instance becomes writable only here, and only if
#   - the topology names it the primary,
#   - it has no replication channel of its own,
#   - no other instance is writable,
#   - no peer has transactions that began on this server and that it lacks,
#   - neither its data nor its claim know a newer epoch than the topology's.
set -euo pipefail
# shellcheck source=lib-readiness.sh
source /kubemysql/scripts/lib-readiness.sh
# shellcheck source=lib-accounts.sh
source /kubemysql/scripts/lib-accounts.sh
# shellcheck source=lib-epoch.sh
source /kubemysql/scripts/lib-epoch.sh
# shellcheck source=lib-coordinates.sh
source /kubemysql/scripts/lib-coordinates.sh

# A hard link to the socket of the server that is in its role: a restarted server has a new socket, a new inode.
readonly RECONCILED=$RUN_DIR/kubemysql-reconciled
readonly CANDIDATE=$RUN_DIR/kubemysql-candidate
# What the replica must have executed to count as caught up since its server's start.
CATCH_UP=
# Epoch and primary of the intent that is worked on, and of the one for which the server was brought into its role.
CANDIDATE_TERM=
RECONCILED_TERM=

# --- state ----------------------------------------------------------------------------------------------------------

# Whether the last attempt met an obstacle that may last.
DEFERRED=

# Publish REASON as the reason why the instance is not ready, and fail, so that the caller tries again.
defer() { # REASON [WAY_OUT]
  DEFERRED=yes
  not_ready "$1${2:+ -- what to do: $2}"
  return 1
}

role_reached() { # ROLE TEXT
  DEFERRED=
  ROLE=$1
  log "$2"
}

# --- the instance's state -------------------------------------------------------------------------------------------

# Fills OWN.
read_own_state() {
  if ! query_local "SELECT @@version, @@skip_networking"; then
    # A server that is starting or stopping does not answer, one that is being initialised has another root password for a
    # moment; any other that refuses its own root needs a human.
    ! is_complete || ((ERRNO < 1000 || (ERRNO >= 2000 && ERRNO < 3000))) || defer "the server does not let root in with the Secret's root-password: $ANSWER"
    return 1
  fi
  [[ $ANSWER == *$'\t0' ]] || return 1 # the temporary server of the first initialisation
  read_own "${ANSWER%%$'\t'*}"
}

run_local() { # SQL in the syntax of the newest server, [QUOTED_PASSWORD for ':password']
  dialect "${OWN[version]}" "$1"
  REPLY=${REPLY//:password/"${2-}"}
  query_local "$REPLY" || defer "the server refused a step on the way into its role: $ANSWER"
}

# --- primary --------------------------------------------------------------------------------------------------------

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

# --- replica --------------------------------------------------------------------------------------------------------

reconcile_replica() {
  run_local "SET GLOBAL super_read_only = ON" || return
  if [[ $CATCH_UP ]]; then
    caught_up
    return
  fi
  query_source || return
  take_start_point || return
  check_history || return
  connect_channel || return
  CATCH_UP=${SOURCE[executed]}
  caught_up
}

# Fills SOURCE.
query_source() {
  local host=$PRIMARY_HOST
  read_source "$host" || defer "the primary $host cannot be asked (${ANSWER:-no answer in time}): trying again" || return
  [[ ${SOURCE[id]} != "${OWN[id]}" ]] || defer "the primary's name $host leads to this instance itself, or both have the same identity" || return
}

# A streamed clone has its history in a file beside its data: OWN[executed] gets that history, START_POINT the SQL that sets it
# in the server. A clone by the plugin has its GTIDs in its data.
START_POINT=
take_start_point() {
  START_POINT=
  [[ -e $DATA_DIR/$COORDINATES_FILE ]] || return 0
  read_coordinates "$DATA_DIR/$COORDINATES_FILE" ||
    defer "where this clone's replication begins cannot be read ($REPLY): it does not replicate" \
      "delete the claim and the pod of $POD_NAME" || return
  start_point_sql
  START_POINT=$REPLY
  clone_history
  OWN[executed]=$REPLY
}

# Whether this instance's history is part of the primary's. Nothing is lost or overwritten until a human has decided.
check_history() {
  local errant gap host=$PRIMARY_HOST
  executed_beyond_source || return 1
  errant=$REPLY
  if [[ -z $errant && ${OWN[source_host]} != "$host" && ! -e $DATA_DIR/$CLONED_MARK ]]; then
    # Changing the source drops what was received and not applied, so the new source must have all of it.
    received_beyond_source || return 1
    errant=$REPLY
  fi
  if [[ $errant ]]; then
    stop_threads
    defer "errant transactions: $POD_NAME has $errant, the primary $host does not; it stays read-only and does not replicate" \
      "save what these transactions hold, then delete the claim and the pod of $POD_NAME"
    return
  fi
  purged_by_source || return 1
  gap=$REPLY
  if [[ $gap ]]; then
    stop_threads
    defer "the primary $host has purged transactions that $POD_NAME lacks ($gap)" \
      "delete the claim and the pod of $POD_NAME, so that it is cloned"
  fi
}

stop_threads() {
  [[ ${OWN[receiver]} == OFF && ${OWN[applier]} == OFF ]] || run_local "STOP REPLICA" || true
}

connect_channel() {
  local password
  read_secret replication-password
  sql_quote "$REPLY"
  password=$REPLY
  if channel_is_right "$PRIMARY_HOST"; then
    resume_sql
    run_local "$REPLY" "$password"
    return
  fi
  log "connecting $POD_NAME to the primary $PRIMARY_HOST"
  channel_sql "$PRIMARY_HOST"
  run_local "STOP REPLICA; RESET REPLICA ALL; $START_POINT $REPLY" "$password" || return
  # Between these two statements: the start point is set again until it is certain to be set, and never after something
  # has been replicated.
  rm -f -- "$DATA_DIR/$CLONED_MARK" "$DATA_DIR/$COORDINATES_FILE"
  sync "$DATA_DIR"
  run_local "START REPLICA"
}

channel_is_right() { # HOST
  [[ ! -e $DATA_DIR/$CLONED_MARK && ${OWN[source_host]} == "$1" && ${OWN[source_user]} == "$REPLICATION_USER" &&
    ${OWN[source_port]} == "$MYSQL_PORT" && ${OWN[source_secure]} == 1 ]]
}

# A replica that has just started may report no lag only because nothing has arrived yet: it has to reach what the primary had
# when it connected.
caught_up() {
  reached "$CATCH_UP" || return 1
  if [[ -z $REPLY ]]; then
    ! was_in_role || judge_while_catching_up || return
    why_not_caught_up
    defer "${REPLY:-catching up with the primary $PRIMARY_HOST}"
    return
  fi
  role_reached replica "$POD_NAME is a replica of $PRIMARY_HOST"
}

# A replica that was in its role before the intent changed serves on while it catches up with its new source, as long as its lag
# allows. Always fails, like `defer`.
judge_while_catching_up() {
  check_readiness
  return 1
}

# The error of a thread, in REPLY; empty if catching up only takes time.
why_not_caught_up() {
  if read_status_row "" && [[ ${STATUS[receiver_errno]} != 0 || ${STATUS[applier_errno]} != 0 ]]; then
    why_not_replicating
  else
    REPLY=
  fi
}

# The init file has set root's password: this login has used it.
forget_pending_password() {
  [[ -e $DATA_DIR/$PENDING_PASSWORD_MARK ]] || return 0
  rm -f -- "$DATA_DIR/$PENDING_PASSWORD_MARK"
  write_init_sql
}

# --- loop -----------------------------------------------------------------------------------------------------------

is_reconciled() {
  # An unreadable topology changes no role; readiness reports it.
  was_in_role && [[ -z $PRIMARY || "$EPOCH $PRIMARY" == "$RECONCILED_TERM" ]]
}

# Whether this server was brought into the role that the intent named by then.
was_in_role() {
  [[ $SOCKET -ef $RECONCILED ]]
}

# Reads the intent. A new one is acknowledged at once, before it is judged: readiness stays as it is until then.
LAST_INTENT=
read_intent() {
  local role=$ROLE ready=false
  read_topology
  json_intent
  [[ $REPLY != "$LAST_INTENT" ]] || return 0
  LAST_INTENT=$REPLY
  [[ "$EPOCH $PRIMARY" == "$RECONCILED_TERM" ]] || role=
  [[ -z $READY_PORT_PID ]] || ready=true
  acknowledge "$role" "$ready" "the topology was not judged yet"
  leave_acknowledgement "the container replication ended"
  close_ack_port
}

reconcile() {
  [[ -S $SOCKET ]] || return 1
  if ! [[ $SOCKET -ef $CANDIDATE ]]; then
    CATCH_UP=
    ln -f -- "$SOCKET" "$CANDIDATE" 2>/dev/null || return 1
  fi
  if [[ "$EPOCH $PRIMARY" != "$CANDIDATE_TERM" ]]; then
    CATCH_UP=
    CANDIDATE_TERM="$EPOCH $PRIMARY"
    RECONCILED_TERM=
    ROLE=
  fi
  read_own_state || return
  is_complete || defer "the server runs on data that are not marked complete: it is left alone" \
    "delete the pod" || return
  forget_pending_password
  [[ $PRIMARY ]] || defer "the topology names no primary: $POD_NAME stays as it is" || return
  if is_primary; then reconcile_primary; else reconcile_replica; fi || return
  ln -f -- "$CANDIDATE" "$RECONCILED"
  RECONCILED_TERM="$EPOCH $PRIMARY"
  mark_claim
}

# Brings the instance into its role. A changed intent alone does not end readiness: only an obstacle does, or a server that does
# not answer.
reconcile_or_report() {
  if ! was_in_role; then
    close_session
    ROLE=
    [[ $DEFERRED ]] || not_ready "the server has not been brought into its role yet"
  fi
  local before=$PUBLICATIONS
  if reconcile; then return 0; fi
  [[ $DEFERRED ]] || ((PUBLICATIONS > before)) || not_ready "the server has not been brought into its role yet"
  return 1
}

main() {
  trap 'exit 0' TERM INT
  # A client that has ended is noticed by its missing answer.
  trap '' PIPE
  rm -f -- "$RECONCILED" "$CANDIDATE"
  log "watching over the role of $POD_NAME"
  while :; do
    read_intent
    open_ack_port
    if is_reconciled; then
      check_readiness
      pause 1
      continue
    fi
    if reconcile_or_report; then continue; fi
    if [[ $DEFERRED && -S $SOCKET ]]; then pause 2; else pause 0.2; fi
  done
}

main
