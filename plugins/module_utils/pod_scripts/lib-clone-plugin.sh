#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Clones by MySQL's own plugin from a healthy peer: see lib-clone.sh.

# shellcheck source=lib-clone.sh
source /kubemysql/scripts/lib-clone.sh

SCRATCH_PID=

prepare_for_clones() {
  :
}

# --- scratch server -------------------------------------------------------------------------------------------------

# A server that exists to run one CLONE statement. It reads the instance's own option files, since clone compares settings and
# plugins with the donor's, and is made small, without durability, by its arguments: nothing in it outlives this container, and
# its files on the volume are synced before they count. It has no tables of time zones, so it cannot begin in a named one.
scratch_mysqld() {
  exec mysqld --datadir="$SCRATCH_DIR/data" --socket="$SCRATCH_DIR/mysqld.sock" --pid-file="$SCRATCH_DIR/mysqld.pid" \
    --log-error="$SCRATCH_DIR/error.log" --loose-mysqlx=OFF --skip-networking --skip-log-bin --gtid-mode=OFF \
    --default-time-zone=SYSTEM --enforce-gtid-consistency=OFF --read-only=OFF --super-read-only=OFF --performance-schema=OFF \
    --innodb-buffer-pool-size=32M --innodb-log-buffer-size=4M --loose-innodb-redo-log-capacity=32M \
    --innodb-doublewrite=OFF --innodb-flush-method=nosync --innodb-flush-log-at-trx-commit=0 \
    --innodb-buffer-pool-load-at-startup=OFF --innodb-buffer-pool-dump-at-shutdown=OFF --max-connections=10 --auto-generate-certs=OFF \
    --loose-caching-sha2-password-auto-generate-rsa-keys=OFF --general-log=OFF --slow-query-log=OFF "$@"
}

# Runs in the background, while donors are looked for.
start_scratch() {
  find "$SCRATCH_DIR" -mindepth 1 -delete
  (
    (scratch_mysqld --initialize-insecure)
    scratch_mysqld
  ) &
  SCRATCH_PID=$!
}

scratch_client() {
  LIMIT='' client root - --socket="$SCRATCH_DIR/mysqld.sock" --protocol=SOCKET
}

# Waits for the scratch server, and reads its version.
OWN_VERSION=
wait_for_scratch() {
  until [[ -S $SCRATCH_DIR/mysqld.sock ]] && query "SELECT @@version" scratch_client; do
    is_running "$SCRATCH_PID" || die "the scratch server for cloning did not start: $(tail -n 3 "$SCRATCH_DIR/error.log" 2>&1)"
    pause 0.1
  done
  OWN_VERSION=$ANSWER
  query "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name = 'clone' AND plugin_status = 'ACTIVE'" scratch_client
  [[ $ANSWER == 1 ]] || die "this image's MySQL $OWN_VERSION has no clone plugin (mysql_clone.so could not be loaded)" \
    "use an image of MySQL 8.0.17 or newer that ships the plugin"
}

stop_scratch() {
  end_process "$SCRATCH_PID"
  SCRATCH_PID=
}

# --- donors ---------------------------------------------------------------------------------------------------------

# Prints why PEER cannot be a donor, or nothing.
why_no_donor() {
  if [[ ${PEER[kind]} == absent ]]; then
    printf 'no server yet'
  elif [[ ${PEER[kind]} != peer ]]; then
    printf '%s' "${PEER[host]}"
  elif ! versions_fit "$OWN_VERSION" "${PEER[version]}"; then
    printf 'it runs MySQL %s, this image is %s: clone needs the same series' "${PEER[version]}" "$OWN_VERSION"
  elif ((PEER[clone] != 1)); then
    printf 'its clone plugin is not active'
  elif ((PEER[channels] > 0 && PEER[running] < PEER[channels])); then
    printf 'its replication does not run'
  elif ((PEER[channels] == 0)) && [[ ${PEER[host]} != "$PRIMARY_HOST" || ${PEER[read_only]} == 1 ]]; then
    printf 'it is neither the primary nor a running replica (yet)'
  fi
}

# Addresses of healthy donors in DONORS: replicas first, the primary last.
find_donors() {
  local index reason last=()
  DONORS=()
  query_peers
  for index in "${!PEERS[@]}"; do
    parse_peer "${PEER_ROWS[index]}"
    reason=$(why_no_donor)
    if [[ $reason ]]; then
      log_once "donor ${PEERS[index]}" "peer ${PEERS[index]} cannot give its data: $reason"
    elif ((PEER[channels] > 0)); then
      DONORS+=("${PEERS[index]}")
    else
      last+=("${PEERS[index]}")
    fi
  done
  DONORS+=("${last[@]}")
}

# --- clone ----------------------------------------------------------------------------------------------------------

clone_sql() { # ADDRESS DIRECTORY
  local quoted
  read_secret clone-password
  sql_quote "$REPLY"
  quoted=$REPLY
  cat <<SQL
SET GLOBAL clone_valid_donor_list = '$1:$MYSQL_PORT';
CLONE INSTANCE FROM '$CLONE_USER'@'$1':$MYSQL_PORT IDENTIFIED BY $quoted DATA DIRECTORY = '$2' REQUIRE SSL;
SQL
}

# Clone from ADDRESS into DIRECTORY. Only the statement's own result counts.
clone_from() { # ADDRESS DIRECTORY
  local reply total
  rm -rf -- "$2"
  [[ $SCRATCH_PID ]] || start_scratch
  wait_for_scratch
  total=$(donor_size "$1")
  # A donor that is busy is tried again and again.
  log_once "begin $1" "cloning from $1"
  # In the background, and waited for by a read: the shell can then be ended at any time.
  exec {reply}< <(if query "$(clone_sql "$1" "$2")" scratch_client; then echo cloned; else printf '%s\n' "$ANSWER"; fi)
  await_clone "$1" "$reply" "$total"
  exec {reply}<&-
  [[ $REPLY != cloned ]] || return 0
  # The donor's own error number is wrapped into the recipient's.
  if [[ $REPLY == *"Donor Error: 3634 "* ]]; then
    log_once "clone $1" "$1 is busy with another clone"
  else
    log_once "clone $1" "cloning from $1 failed: $REPLY"
  fi
  return 1
}

# Prints the size of the donor's data in MiB, which its pod publishes: see lib-readiness.sh. Prints nothing if it is unknown.
donor_size() { # ADDRESS
  query "SELECT MAX(CAST(CAST(variable_value AS CHAR) AS UNSIGNED)) FROM performance_schema.user_variables_by_thread
    WHERE variable_name = 'kubemysql_data_mib'" peer_client "$1" "$CLONE_USER" clone-password || return 0
  [[ $ANSWER == NULL ]] || printf '%s' "$ANSWER"
}

# Wait for the clone's result, in REPLY. The server itself would wait five minutes for a donor that has vanished. When the
# server is ended here, the statement fails and leaves nothing but its directory.
await_clone() { # ADDRESS FD TOTAL_MIB
  local result text='' received begun=$SECONDS last_seen=$SECONDS last_logged=$SECONDS
  received_mib && received=$REPLY
  while :; do
    result=0
    IFS= read -rt 2 -u "$2" text || result=$?
    if ((result <= 128)); then
      REPLY=$text
      ((result == 0)) || REPLY="no result"
      return
    fi
    if [[ $(query_peer "$1") == peer* ]]; then
      last_seen=$SECONDS
    elif ((SECONDS - last_seen >= DONOR_PATIENCE)); then
      log "$1 has not answered for $DONOR_PATIENCE s: ending this clone"
      stop_scratch
    fi
    if ((SECONDS - last_logged >= PROGRESS_INTERVAL)); then
      last_logged=$SECONDS
      log_progress "$1" "$3" "$begun" "$received"
    fi
  done
}

clone_into() { # DIRECTORY
  trap stop_scratch EXIT
  start_scratch
  wait_for_scratch
  fetch_from_any clone_from "$1"
  stop_scratch
  find "$SCRATCH_DIR" -mindepth 1 -delete
}
