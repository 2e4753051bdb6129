#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Init container: writes the instance's configuration, then sees to it that the volume holds this instance's data before mysqld
# starts, or dies saying why not. One container for both, since the kubelet takes a second to notice that one has ended.
#   complete                                  nothing to do
#   data without any of our marks             somebody's data: adopted, never wiped
#   interrupted first initialisation          wiped and begun again, unless the cluster was bootstrapped
#   empty, primary, never bootstrapped        marked; the image's entrypoint initialises it in the container `mysql`
#   empty, primary, bootstrapped              refused: the replicas hold the data
#   empty otherwise                           cloned from a peer: see clone.sh and receive.sh
set -euo pipefail
# shellcheck source=peers.sh
source /kubemysql/scripts/peers.sh

# A data directory at the volume's root would be overlooked; and its schema directory mysql/ would be taken for data.
refuse_misplaced_data() {
  local file
  for file in ibdata1 mysql.ibd auto.cnf; do
    [[ ! -e $VOLUME/$file ]] || die "the volume's root holds a MySQL data directory ($file), but data belong into its directory mysql/" \
      "move the files of the data directory into a directory mysql/ at the volume's root"
  done
}

adopt_data() {
  [[ -d $DATA_DIR/mysql || -e $DATA_DIR/mysql.ibd ]] || die "$DATA_DIR holds files, but they are no MySQL data directory" \
    "look at them; delete this pod's claim if they are worthless"
  keep_binary_log
  place_mark "$DATA_DIR/$LATE_PASSWORD_MARK" "root's password is not known"
  place_mark "$DATA_DIR/$COMPLETE_MARK" "adopted by $POD_NAME"
  log "$DATA_DIR holds data that another program put there: adopted as they are"
}

# A server looks for its history under the name that its binary log has here. Where the log had another name it goes on
# all the same: the index names each file, so only the next one is called as ours are.
keep_binary_log() {
  local index found=()
  [[ ! -e $DATA_DIR/binlog.index ]] || return 0
  for index in "$DATA_DIR"/*.index; do
    [[ ! -s $index || ${index##*/} == *relay* ]] || found+=("$index")
  done
  ((${#found[@]} <= 1)) || die "$DATA_DIR holds more than one index of a binary log: ${found[*]##*/}" \
    "move those away that the server did not use"
  for index in "${found[@]}"; do
    # MariaDB's state: which numbers its GTIDs had reached.
    [[ ! -e ${index%.index}.state ]] || cp -- "${index%.index}.state" "$DATA_DIR/binlog.state"
    cp -- "$index" "$DATA_DIR/binlog.index.new"
    sync "$DATA_DIR"/binlog.*
    mv -- "$DATA_DIR/binlog.index.new" "$DATA_DIR/binlog.index"
    log "the binary log ${index##*/} goes on as binlog.index"
  done
}

begin_initialisation() {
  refuse_if_bootstrapped
  refuse_if_peers_have_data
  place_mark "$INITIALIZING_MARK" "$POD_NAME"
  log "$POD_NAME is the primary of a new cluster: its container 'mysql' initialises the data directory"
}

clone_data() {
  if [[ $CLONE_METHOD == clone_plugin ]]; then
    exec bash /kubemysql/scripts/clone.sh
  elif [[ $CLONE_CONTAINER == provision ]]; then
    exec bash /kubemysql/scripts/receive.sh
  fi
  log "$POD_NAME needs a clone: the init container '$CLONE_CONTAINER' fetches it"
}

main() {
  need_topology
  bash /kubemysql/scripts/configure.sh
  refuse_misplaced_data
  if is_complete; then
    rm -rf -- "$INCOMING_DIR" "$INITIALIZING_MARK"
    log "$DATA_DIR is complete: nothing to do"
    return
  fi
  if is_unfinished; then
    wipe_unfinished
    rm -f -- "$INITIALIZING_MARK"
    sync "$VOLUME"
  fi
  if has_data; then
    adopt_data
  elif i_am_primary; then
    begin_initialisation
  else
    clone_data
  fi
}

main
