#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container replication: brings the instance into its role each time mysqld has started or the topology has changed, and
# otherwise judges each second whether it is ready: see readiness.sh. Every step can be repeated. What keeps the instance out
# of its role is why it is not ready. An instance becomes writable only here, and only if the topology names it, it replicates from nobody,
# no other instance is writable, and no replica knows more of it than it knows itself.
set -euo pipefail
# shellcheck source=readiness.sh
source /kubemysql/scripts/readiness.sh
# shellcheck source=accounts.sh
source /kubemysql/scripts/accounts.sh
# shellcheck source=coordinates.sh
source /kubemysql/scripts/coordinates.sh

# A hard link to the socket of the server that was dealt with: a restarted server has a new socket, a new inode.
readonly SEEN=/var/run/mysqld/kubemysql-seen
readonly CANDIDATE=/var/run/mysqld/kubemysql-candidate
# What the replica has to have executed before it counts as caught up since its server's start.
CATCH_UP=
SEEN_PRIMARY=

# --- state ----------------------------------------------------------------------------------------------------------

# Whether the last try to reach the role met something that may take a while to change.
TROUBLED=

# Answer TEXT to whoever asks for readiness, and fail, so that the caller tries again.
trouble() { # TEXT
  TROUBLED=yes
  not_ready "$1"
  return 1
}

in_role() { # TEXT
  TROUBLED=
  log "$1"
}

# --- what the instance is -------------------------------------------------------------------------------------------

# S_* describe our own server, S_ID being its identity in GTIDs. S_STORED also counts a channel that could not be loaded, as
# after a clone from a replica.
look_at_server() {
  if ! ask_local "SELECT @@version, @@skip_networking"; then
    # A server that is starting or stopping does not answer, one that is being initialised has another root password for a
    # moment; any other that refuses its own root needs a human.
    ! is_complete || ((ERRNO < 1000 || (ERRNO >= 2000 && ERRNO < 3000))) || trouble "the server does not let root in with the Secret's root-password: $ANSWER"
    return 1
  fi
  [[ $ANSWER == *$'\t0' ]] || return 1 # the temporary server of the first initialisation
  own_row "${ANSWER%%$'\t'*}"
}

run_local() { # SQL in the words of the newest server, [QUOTED_PASSWORD for ':password']
  dialect "$S_VERSION" "$1"
  REPLY=${REPLY//:password/"${2-}"}
  ask_local "$REPLY" || trouble "the server refused a step on the way into its role: $ANSWER"
}

# --- primary --------------------------------------------------------------------------------------------------------

settle_primary() {
  if [[ $S_STORED != 0 || $S_HOST != - ]]; then
    trouble "the topology names $POD_NAME the primary, but it has replica configuration (source ${S_HOST#-}): it stays read-only -- what to do: promote it with the collection, or name another primary"
    return
  fi
  if ((S_READ_ONLY > 0)); then
    ask_peers
    peers_agree || return
    # In this state only administrators can write; nobody clones from an instance with read_only.
    run_local "SET GLOBAL super_read_only = OFF" || return
  fi
  discard_first_password || return
  ensure_users || return
  run_local "SET GLOBAL read_only = OFF" || return
  in_role "$POD_NAME is the primary and writable"
}

# Does anything that a peer says forbid that this instance becomes writable? Peers that do not answer have no say.
peers_agree() {
  local row
  for row in "${PEER_ROWS[@]}"; do
    parse_peer "$row"
    [[ $P_KIND == peer ]] || continue
    if [[ $P_READ_ONLY == 0 && $P_CHANNELS == 0 ]]; then
      trouble "$P_HOST is writable: $POD_NAME stays read-only, since there must not be two writable instances -- what to do: make $P_HOST read-only, or name it the primary"
      return
    fi
    lost_here "${P_GTIDS#-}" || return 1
    if [[ $REPLY ]]; then
      trouble "$P_HOST has transactions of this server that this server has lost ($REPLY): it stays read-only -- what to do: make $P_HOST the primary, then delete the claim and the pod of $POD_NAME"
      return
    fi
  done
}

# The password that the image's entrypoint needed: see mysql.sh.
discard_first_password() {
  [[ -e $DATA_DIR/$FIRST_PASSWORD_MARK ]] || return 0
  run_local "SET sql_log_bin = 0; ALTER USER root@localhost DISCARD OLD PASSWORD" || return
  rm -f -- "$DATA_DIR/$FIRST_PASSWORD_MARK"
}

# Data that were adopted know nothing of our users.
ensure_users() {
  ask_local "$(accounts_sql)" || return 1
  [[ $ANSWER != 1 ]] || return 0
  log "creating the users of replication, clone and administration"
  ask_local "$(users_sql "$S_VERSION")" || trouble "the users could not be created: $ANSWER"
}

# --- replica --------------------------------------------------------------------------------------------------------

settle_replica() {
  run_local "SET GLOBAL super_read_only = ON" || return
  if [[ $CATCH_UP ]]; then
    caught_up
    return
  fi
  ask_primary || return
  take_start_point || return
  check_history || return
  connect_channel || return
  CATCH_UP=$M_EXECUTED
  caught_up
}

# M_* describe the primary, as it says itself.
ask_primary() {
  local host=$PRIMARY_HOST
  source_row "$host" || trouble "the primary $host cannot be asked (${ANSWER:-no answer in time}): trying again" || return
  [[ $M_ID != "$S_ID" ]] || trouble "the primary's name $host leads to this instance itself, or both have the same identity" || return
}

# A streamed clone has its history beside its data: what it amounts to goes to S_EXECUTED, and the SQL that makes it the
# server's to START_POINT. A clone by the plugin has its GTIDs in its data.
START_POINT=
take_start_point() {
  START_POINT=
  [[ -e $DATA_DIR/$COORDINATES ]] || return 0
  read_coordinates "$DATA_DIR/$COORDINATES" ||
    trouble "where this clone's replication begins cannot be read ($REPLY): it does not replicate -- what to do: delete the claim and the pod of $POD_NAME" || return
  start_point_sql
  START_POINT=$REPLY
  clone_history
  S_EXECUTED=$REPLY
}

# Can this instance's history go on with the primary's? Nothing is lost or overwritten until a human has decided.
check_history() {
  local errant gap host=$PRIMARY_HOST
  executed_beyond_source || return 1
  errant=$REPLY
  if [[ -z $errant && $S_HOST != "$host" && ! -e $DATA_DIR/$CLONED_MARK ]]; then
    # Changing the source drops what was received and not applied, so the new source must have all of it.
    received_beyond_source || return 1
    errant=$REPLY
  fi
  if [[ $errant ]]; then
    stop_threads
    trouble "errant transactions: $POD_NAME has $errant, the primary $host does not; it stays read-only and does not replicate -- what to do: save what these transactions hold, then delete the claim and the pod of $POD_NAME"
    return
  fi
  purged_by_source || return 1
  gap=$REPLY
  if [[ $gap ]]; then
    stop_threads
    trouble "the primary $host has purged transactions that $POD_NAME lacks ($gap) -- what to do: delete the claim and the pod of $POD_NAME, so that it is cloned"
  fi
}

stop_threads() {
  [[ $S_IO == OFF && $S_SQL == OFF ]] || run_local "STOP REPLICA" || true
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
  # Between these two steps: the start point is taken again until it is sure to have been taken, and never after something
  # has been replicated.
  rm -f -- "$DATA_DIR/$CLONED_MARK" "$DATA_DIR/$COORDINATES"
  sync "$DATA_DIR"
  run_local "START REPLICA"
}

channel_is_right() { # HOST
  [[ ! -e $DATA_DIR/$CLONED_MARK && $S_HOST == "$1" && $S_USER == "$REPLICATION_USER" &&
    $S_PORT == "$MYSQL_PORT" && $S_SECURE == 1 ]]
}

# A replica that has just started may say "no lag" only because nothing has arrived yet: it has to reach what the primary
# had when it connected.
caught_up() {
  reached "$CATCH_UP" || return 1
  if [[ -z $REPLY ]]; then
    what_hinders
    trouble "${REPLY:-catching up with the primary $PRIMARY_HOST}"
    return
  fi
  in_role "$POD_NAME is a replica of $PRIMARY_HOST"
}

# What a thread failed of on the way, in REPLY; empty if the way only takes its time.
what_hinders() {
  if readiness_row "" && [[ $R_IO_ERRNO != 0 || $R_SQL_ERRNO != 0 ]]; then
    doubt_about_threads
  else
    REPLY=
  fi
}

# The init file has set root's password, with which we are here.
forget_late_password() {
  [[ -e $DATA_DIR/$LATE_PASSWORD_MARK ]] || return 0
  rm -f -- "$DATA_DIR/$LATE_PASSWORD_MARK"
  write_init_sql
}

# --- loop -----------------------------------------------------------------------------------------------------------

is_settled() {
  # An unreadable topology is nothing to act on; readiness deals with it.
  read_topology
  [[ $SOCKET -ef $SEEN && (-z $PRIMARY || $PRIMARY == "$SEEN_PRIMARY") ]]
}

settle() {
  [[ -S $SOCKET ]] || return 1
  if ! [[ $SOCKET -ef $CANDIDATE ]]; then
    CATCH_UP=
    ln -f -- "$SOCKET" "$CANDIDATE" 2>/dev/null || return 1
  fi
  if [[ $PRIMARY != "$SEEN_PRIMARY" ]]; then
    CATCH_UP=
    rm -f -- "$SEEN"
    SEEN_PRIMARY=$PRIMARY
  fi
  look_at_server || return
  is_complete || trouble "the server runs on data that are not marked complete: it is left alone -- what to do: delete the pod" || return
  forget_late_password
  [[ $PRIMARY ]] || trouble "the topology names no primary: $POD_NAME stays as it is" || return
  if i_am_primary; then settle_primary; else settle_replica; fi || return
  ln -f -- "$CANDIDATE" "$SEEN"
}

main() {
  trap 'exit 0' TERM INT
  # A client that has gone is noticed by its missing answer.
  trap '' PIPE
  rm -f -- "$SEEN" "$CANDIDATE" "$READINESS_FILE"
  log "watching over the role of $POD_NAME"
  while :; do
    if is_settled; then
      judge
      pause 1
      continue
    fi
    close_session
    if [[ -z $TROUBLED ]]; then not_ready "the server has not been brought into its role yet"; fi
    if settle; then continue; fi
    if [[ $TROUBLED && -S $SOCKET ]]; then pause 2; else pause 0.2; fi
  done
}

main
