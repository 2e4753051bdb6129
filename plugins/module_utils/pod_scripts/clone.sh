#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run by provision.sh: clones by MySQL's own plugin, from a healthy peer.
set -euo pipefail
# shellcheck source=peers.sh
source /kubemysql/scripts/peers.sh

readonly SCRATCH=/scratch
SCRATCH_PID=

# --- scratch server -------------------------------------------------------------------------------------------------

# A server that exists to run one CLONE statement. It reads the instance's own option files, since clone compares settings and
# plugins with the donor's, and is made small and careless by its arguments: nothing in it outlives this container, and what
# it writes to the volume is synced by us before it counts.
scratch_mysqld() {
  exec mysqld --datadir="$SCRATCH/data" --socket="$SCRATCH/mysqld.sock" --pid-file="$SCRATCH/mysqld.pid" \
    --log-error="$SCRATCH/error.log" --loose-mysqlx=OFF --skip-networking --skip-log-bin --gtid-mode=OFF \
    --enforce-gtid-consistency=OFF --read-only=OFF --super-read-only=OFF --performance-schema=OFF \
    --innodb-buffer-pool-size=32M --innodb-log-buffer-size=4M --loose-innodb-redo-log-capacity=32M \
    --innodb-doublewrite=OFF --innodb-flush-method=nosync --innodb-flush-log-at-trx-commit=0 \
    --innodb-buffer-pool-load-at-startup=OFF --innodb-buffer-pool-dump-at-shutdown=OFF --max-connections=10 --auto-generate-certs=OFF \
    --loose-caching-sha2-password-auto-generate-rsa-keys=OFF --general-log=OFF --slow-query-log=OFF "$@"
}

# Runs in the background: its work is done while the donors are being looked for.
start_scratch() {
  find "$SCRATCH" -mindepth 1 -delete
  (
    (scratch_mysqld --initialize-insecure)
    scratch_mysqld
  ) &
  SCRATCH_PID=$!
}

scratch_client() {
  LIMIT='' client root - --socket="$SCRATCH/mysqld.sock" --protocol=SOCKET
}

# Wait for the scratch server; OWN_VERSION is its version.
wait_for_scratch() {
  until [[ -S $SCRATCH/mysqld.sock ]] && ask "SELECT @@version" scratch_client; do
    kill -0 "$SCRATCH_PID" 2>/dev/null || die "the scratch server for cloning did not start: $(tail -n 3 "$SCRATCH/error.log" 2>&1)"
    pause 0.1
  done
  OWN_VERSION=$ANSWER
  ask "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name = 'clone' AND plugin_status = 'ACTIVE'" scratch_client
  [[ $ANSWER == 1 ]] || die "this image's MySQL $OWN_VERSION has no clone plugin (mysql_clone.so could not be loaded)" \
    "use an image of MySQL 8.0.17 or newer that ships the plugin"
}

stop_scratch() {
  [[ $SCRATCH_PID ]] || return 0
  kill -KILL "$SCRATCH_PID" 2>/dev/null || true
  wait "$SCRATCH_PID" 2>/dev/null || true
  SCRATCH_PID=
}

# --- donors ---------------------------------------------------------------------------------------------------------

# Prints why the peer in P_* can't be a donor, or nothing.
donor_doubt() {
  if [[ $P_KIND == absent ]]; then
    printf 'no server yet'
  elif [[ $P_KIND != peer ]]; then
    printf '%s' "$P_HOST"
  elif ! versions_fit "$OWN_VERSION" "$P_VERSION"; then
    printf 'it runs MySQL %s, this image is %s: clone needs the same series' "$P_VERSION" "$OWN_VERSION"
  elif ((P_CLONE != 1)); then
    printf 'its clone plugin is not active'
  elif ((P_CHANNELS > 0 && P_RUNNING < P_CHANNELS)); then
    printf 'its replication does not run'
  elif ((P_CHANNELS == 0)) && [[ $P_HOST != "$PRIMARY_HOST" || $P_READ_ONLY == 1 ]]; then
    printf 'it is neither the primary nor a running replica (yet)'
  fi
}

# Addresses of healthy donors in DONORS: replicas first, the primary last.
find_donors() {
  local index doubt last=()
  DONORS=()
  ask_peers
  for index in "${!PEERS[@]}"; do
    parse_peer "${PEER_ROWS[index]}"
    doubt=$(donor_doubt)
    if [[ $doubt ]]; then
      say_once "donor ${PEERS[index]}" "peer ${PEERS[index]} cannot give its data: $doubt"
    elif ((P_CHANNELS > 0)); then
      DONORS+=("${PEERS[index]}")
    else
      last+=("${PEERS[index]}")
    fi
  done
  DONORS+=("${last[@]}")
}

# --- clone ----------------------------------------------------------------------------------------------------------

clone_sql() { # ADDRESS
  local quoted
  read_secret clone-password
  sql_quote "$REPLY"
  quoted=$REPLY
  cat <<SQL
SET GLOBAL clone_valid_donor_list = '$1:$MYSQL_PORT';
CLONE INSTANCE FROM '$CLONE_USER'@'$1':$MYSQL_PORT IDENTIFIED BY $quoted DATA DIRECTORY = '$INCOMING_DIR' REQUIRE SSL;
SQL
}

# Clone from ADDRESS into INCOMING_DIR. The statement's own verdict is the only one that counts.
clone_from() { # ADDRESS
  local reply status total
  rm -rf -- "$INCOMING_DIR"
  [[ $SCRATCH_PID ]] || start_scratch
  wait_for_scratch
  total=$(donors_size "$1")
  # A donor that is busy is asked each second.
  say_once "asking $1" "cloning from $1"
  # In the background, and waited for by a read: the shell can then be ended at any time.
  exec {reply}< <(if ask "$(clone_sql "$1")" scratch_client; then echo cloned; else printf '%s\n' "$ANSWER"; fi)
  await_clone "$1" "$reply" "$total"
  exec {reply}<&-
  [[ $status != cloned ]] || return 0
  # The donor's own error number is wrapped into the recipient's.
  if [[ $status == *"Donor Error: 3634 "* ]]; then
    say_once "clone $1" "$1 is busy with another clone"
  else
    say_once "clone $1" "cloning from $1 failed: $status"
  fi
  return 1
}

# How much the donor at ADDRESS will send, in MiB, as its pod tells it: see readiness.sh. Nothing if it does not.
donors_size() { # ADDRESS
  ask "SELECT MAX(CAST(CAST(variable_value AS CHAR) AS UNSIGNED)) FROM performance_schema.user_variables_by_thread
    WHERE variable_name = 'kubemysql_data_mib'" peer_client "$1" "$CLONE_USER" clone-password || return 0
  [[ $ANSWER == NULL ]] || printf '%s' "$ANSWER"
}

# Wait for the clone's verdict, in `status`. The server itself would wait five minutes for a donor that has vanished; ended
# here, the statement fails and leaves nothing but INCOMING_DIR.
await_clone() { # ADDRESS FD TOTAL_MIB
  local result received begun=$SECONDS last_seen=$SECONDS last_said=$SECONDS
  received_mib && received=$REPLY
  while :; do
    result=0
    IFS= read -rt 2 -u "$2" status || result=$?
    ((result != 0)) || return 0
    if ((result <= 128)); then
      status="no verdict"
      return
    fi
    if [[ $(ask_peer "$1") == peer* ]]; then
      last_seen=$SECONDS
    elif ((SECONDS - last_seen >= DONOR_PATIENCE)); then
      log "$1 has not answered for $DONOR_PATIENCE s: ending this clone"
      stop_scratch
    fi
    if ((SECONDS - last_said >= PROGRESS_INTERVAL)); then
      last_said=$SECONDS
      tell_progress "$1" "$3" "$begun" "$received"
    fi
  done
}

commit_clone() {
  stop_scratch
  commit_incoming
  find "$SCRATCH" -mindepth 1 -delete
}

main() {
  trap stop_scratch EXIT
  need_topology
  start_scratch
  wait_for_scratch
  fetch clone_from commit_clone
}

main
