#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Init container `provision`: writes the instance's configuration, then makes sure that the volume holds this instance's data
# before mysqld starts, or fails with the reason. One container for both, since the kubelet takes a second to notice an end.
#   complete                                  nothing to do
#   data without any of our marks             data of another program: adopted, never wiped
#   interrupted first initialisation          wiped and begun again, unless the cluster was bootstrapped
#   empty, primary, never bootstrapped        marked; the image's entrypoint initialises it in the container `mysql`
#   empty, primary, bootstrapped              refused: the replicas hold the data
#   empty otherwise                           cloned from a peer: see lib-clone.sh
set -euo pipefail
# shellcheck source=lib-configure.sh
source /kubemysql/scripts/lib-configure.sh
# shellcheck source=lib-epoch.sh
source /kubemysql/scripts/lib-epoch.sh
# With lib-peers.sh, which is not sourced twice.
# shellcheck source=lib-clone-plugin.sh
source "/kubemysql/scripts/lib-clone-$CLONE_METHOD.sh"

# A data directory at the volume's root would not be found, and its schema directory mysql/ would be taken for data.
refuse_misplaced_data() {
  local file
  for file in ibdata1 mysql.ibd auto.cnf; do
    [[ ! -e $VOLUME_DIR/$file ]] || die "the volume's root holds a MySQL data directory ($file), but data belong into its directory mysql/" \
      "move the files of the data directory into a directory mysql/ at the volume's root"
  done
}

adopt_data() {
  [[ -d $DATA_DIR/mysql || -e $DATA_DIR/mysql.ibd ]] || die "$DATA_DIR holds files, but they are no MySQL data directory" \
    "look at them; delete this pod's claim if they are worthless"
  keep_binary_log
  place_mark "$DATA_DIR/$PENDING_PASSWORD_MARK" "root's password is not known"
  place_mark "$DATA_DIR/$COMPLETE_MARK" "adopted by $POD_NAME"
  log "$DATA_DIR holds data of another program: adopted as they are"
}

# A server looks for its history under the name that its binary log has here. A log of another name goes on: the index names
# each file, so only the next one gets our name.
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

# Another container clones if the backup tool is in another image: see run-clone-stream.sh.
clone_or_leave() {
  if [[ ${CLONE_CONTAINER:-provision} == provision ]]; then
    clone_data
  else
    log "$POD_NAME needs a clone: the init container '$CLONE_CONTAINER' fetches it"
  fi
}

main() {
  require_topology
  begin_acknowledging "the container provision ended"
  prepare_for_clones
  write_configuration
  refuse_misplaced_data
  refuse_foreign_claim
  if is_complete; then
    rm -rf -- "$INCOMING_DIR" "$INITIALIZING_MARK"
    mark_claim
    log "$DATA_DIR is complete: nothing to do"
    return
  fi
  if is_unfinished; then
    wipe_unfinished
    rm -f -- "$INITIALIZING_MARK"
    sync "$VOLUME_DIR"
  fi
  if has_data; then
    adopt_data
  elif is_primary; then
    begin_initialisation
  else
    clone_or_leave
  fi
  mark_claim
}

main
