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

# S_* describe our own server. S_STORED also counts a channel that could not be loaded, as after a clone from a replica.
look_at_server() {
  local version
  if ! ask_local "SELECT @@version, @@skip_networking"; then
    # A server that is starting or stopping does not answer, one that is being initialised has another root password for a
    # moment; any other that refuses its own root needs a human.
    ! is_complete || ((ERRNO < 1000 || (ERRNO >= 2000 && ERRNO < 3000))) || trouble "the server does not let root in with the Secret's root-password: $ANSWER"
    return 1
  fi
  [[ $ANSWER == *$'\t0' ]] || return 1 # the temporary server of the first initialisation
  version=${ANSWER%%$'\t'*}
  dialect "$version" "
    SELECT 'own', @@version, @@server_uuid, @@read_only + @@super_read_only,
      (SELECT COUNT(*) FROM stored_channels),
      COALESCE(NULLIF(c.host, ''), '-'), COALESCE(NULLIF(c.user, ''), '-'), COALESCE(c.port, 0),
      COALESCE(c.auto_position = '1' AND c.ssl_allowed = 'YES', 0),
      COALESCE(s.service_state, 'OFF'), COALESCE(a.service_state, 'OFF'),
      COALESCE(NULLIF(REPLACE(s.received_transaction_set, CHAR(10), ''), ''), '-'),
      COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-')
    FROM (SELECT '' AS channel_name) one
    LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
    LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
    LEFT JOIN performance_schema.replication_applier_status a USING (channel_name);"
  ask_local "$REPLY" || return 1
  IFS=$'\t' read -r _ S_VERSION S_UUID S_READ_ONLY S_STORED S_HOST S_USER S_PORT S_SECURE S_IO S_SQL S_RECEIVED S_EXECUTED \
    <<<"$ANSWER"
  S_RECEIVED=${S_RECEIVED#-}
  S_EXECUTED=${S_EXECUTED#-}
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
    ask_local "SELECT GTID_SUBTRACT(GTID_SUBTRACT('${P_GTIDS#-}', @@global.gtid_executed), GTID_SUBTRACT('${P_GTIDS#-}', '$S_UUID:1-$GTID_MAX'))" || return 1
    if [[ $ANSWER ]]; then
      trouble "$P_HOST has transactions of this server that this server has lost ($ANSWER): it stays read-only -- what to do: make $P_HOST the primary, then delete the claim and the pod of $POD_NAME"
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
  ask_local "SELECT COUNT(*) FROM mysql.user WHERE host = '%' AND user IN ('$REPLICATION_USER', '$CLONE_USER', '$ADMIN_USER')" || return 1
  [[ $ANSWER != 3 ]] || return 0
  log "creating the users of replication, clone and administration"
  ask_local "$(users_sql)" || trouble "the users could not be created: $ANSWER"
}

# --- replica --------------------------------------------------------------------------------------------------------

settle_replica() {
  run_local "SET GLOBAL super_read_only = ON" || return
  if [[ $CATCH_UP ]]; then
    caught_up
    return
  fi
  ask_primary || return
  check_history || return
  connect_channel || return
  CATCH_UP=$M_EXECUTED
  caught_up
}

# M_* describe the primary, as it says itself.
ask_primary() {
  local host=$PRIMARY_HOST
  ask "SELECT @@server_uuid, COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-'),
    COALESCE(NULLIF(REPLACE(@@global.gtid_purged, CHAR(10), ''), ''), '-')" \
    peer_client "$host" "$REPLICATION_USER" replication-password ||
    trouble "the primary $host cannot be asked (${ANSWER:-no answer in time}): trying again" || return
  IFS=$'\t' read -r M_UUID M_EXECUTED M_PURGED <<<"$ANSWER"
  M_EXECUTED=${M_EXECUTED#-}
  M_PURGED=${M_PURGED#-}
  [[ $M_UUID != "$S_UUID" ]] || trouble "the primary's name $host leads to this instance itself" || return
}

# Can this instance's history go on with the primary's? Nothing is lost or overwritten until a human has decided.
check_history() {
  local errant gap host=$PRIMARY_HOST
  # What only the primary itself can have begun is no errant transaction: the primary judges that when the replica connects.
  ask_local "SELECT 'errant', GTID_SUBTRACT(GTID_SUBTRACT('$S_EXECUTED', '$M_EXECUTED'), '$M_UUID:1-$GTID_MAX')" || return 1
  errant=${ANSWER#*$'\t'}
  if [[ -z $errant && $S_HOST != "$host" && ! -e $DATA_DIR/$CLONED_MARK ]]; then
    # Changing the source drops what was received and not applied, so the new source must have all of it.
    ask_local "SELECT 'errant', GTID_SUBTRACT('$S_RECEIVED', '$M_EXECUTED')" || return 1
    errant=${ANSWER#*$'\t'}
  fi
  if [[ $errant ]]; then
    stop_threads
    trouble "errant transactions: $POD_NAME has $errant, the primary $host does not; it stays read-only and does not replicate -- what to do: save what these transactions hold, then delete the claim and the pod of $POD_NAME"
    return
  fi
  ask_local "SELECT 'gap', GTID_SUBTRACT('$M_PURGED', CONCAT_WS(',', '$S_EXECUTED', '$S_RECEIVED'))" || return 1
  gap=${ANSWER#*$'\t'}
  if [[ $gap ]]; then
    stop_threads
    trouble "the primary $host has purged transactions that $POD_NAME lacks ($gap) -- what to do: delete the claim and the pod of $POD_NAME, so that it is cloned"
  fi
}

stop_threads() {
  [[ $S_IO == OFF && $S_SQL == OFF ]] || run_local "STOP REPLICA" || true
}

# The password is set anew each time, as nobody can compare it with the Secret's. With the applier running that keeps the
# relay logs: they may hold transactions that exist nowhere else any more.
connect_channel() {
  local host=$PRIMARY_HOST password steps
  read_secret replication-password
  sql_quote "$REPLY"
  password=$REPLY
  if channel_is_right "$host"; then
    steps="START REPLICA SQL_THREAD;"
    [[ $S_IO == ON ]] || steps+="STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_USER = '$REPLICATION_USER', SOURCE_PASSWORD = :password; START REPLICA IO_THREAD;"
  else
    log "connecting $POD_NAME to the primary $host"
    steps="STOP REPLICA; RESET REPLICA ALL; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$host', SOURCE_PORT = $MYSQL_PORT,
      SOURCE_USER = '$REPLICATION_USER', SOURCE_PASSWORD = :password, SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1,
      GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 2, SOURCE_RETRY_COUNT = 4294967295; START REPLICA;"
  fi
  run_local "$steps" "$password" || return
  rm -f -- "$DATA_DIR/$CLONED_MARK"
}

channel_is_right() { # HOST
  [[ ! -e $DATA_DIR/$CLONED_MARK && $S_HOST == "$1" && $S_USER == "$REPLICATION_USER" &&
    $S_PORT == "$MYSQL_PORT" && $S_SECURE == 1 ]]
}

# A replica that has just started may say "no lag" only because nothing has arrived yet: it has to reach what the primary
# had when it connected.
caught_up() {
  ask_local "SELECT GTID_SUBSET('$CATCH_UP', @@global.gtid_executed)" || return 1
  [[ $ANSWER == 1 ]] || trouble "catching up with the primary $PRIMARY_HOST" || return
  in_role "$POD_NAME is a replica of $PRIMARY_HOST"
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
