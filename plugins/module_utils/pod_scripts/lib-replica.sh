#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes the instance a replica of the topology's primary, unless its history is not part of the primary's.

# shellcheck source=lib-reconcile.sh
source /kubemysql/scripts/lib-reconcile.sh
# shellcheck source=lib-coordinates.sh
source /kubemysql/scripts/lib-coordinates.sh

# The transactions that the replica must have executed to count as caught up since its server's start.
CATCH_UP=

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
  read_source "$host" || defer "the primary $host cannot be queried (${ANSWER:-no answer in time}): trying again" || return
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
