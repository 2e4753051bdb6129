#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes the instance's configuration. Writing it again gives the same files. An instance that changes its role gets the other
# role's options: the running server those that can be set, and its next start all.

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

# The role whose options are in replication.cnf. Servers read files *.cnf only.
readonly CONFIGURED_ROLE=$CONF_DIR/role

write_configuration() {
  local role server_id
  wanted_role
  role=$REPLY
  server_id=$((SERVER_ID_BASE + $(ordinal)))
  # Written beside and renamed: a container that is killed leaves the old file or the new one.
  cp -- "$CONFIG_DIR/$role.cnf" "$CONF_DIR/replication.cnf.new"
  mv -- "$CONF_DIR/replication.cnf.new" "$CONF_DIR/replication.cnf"
  {
    printf '[mysqld]\nserver_id = %d\nreport_host = %s.%s\n' "$server_id" "$POD_NAME" "$SERVICE"
    # MySQL makes itself a certificate.
    [[ $FLAVOUR != mariadb ]] || printf 'ssl_cert = %s\nssl_key = %s\n' "$CERTIFICATE" "$CERTIFICATE_KEY"
  } >"$CONF_DIR/instance.cnf.new"
  mv -- "$CONF_DIR/instance.cnf.new" "$CONF_DIR/instance.cnf"
  printf '%s\n' "$role" >"$CONFIGURED_ROLE"
  log "$POD_NAME starts with $role.cnf and server_id $server_id; the primary is $PRIMARY"
}

wanted_role() {
  REPLY=replica
  if is_primary; then REPLY=primary; fi
}

# Gives an instance whose role has changed since it was configured the options of its role.
configure_role() {
  local before role name
  local -A old=() new=()
  read_line "$CONFIGURED_ROLE" || return 0
  before=$REPLY
  wanted_role
  role=$REPLY
  [[ $role != "$before" ]] || return 0
  read_options old "$CONFIG_DIR/$before.cnf"
  read_options new "$CONFIG_DIR/$role.cnf"
  for name in "${!old[@]}" "${!new[@]}"; do
    [[ ${old[$name]-} == "${new[$name]-}" ]] || set_option "$name" "${new[$name]-}"
  done
  write_configuration
}

# The options of a file that the collection has rendered, as SQL values by their names. Those that are given more than once load
# plugins, which a running server does not.
read_options() { # ARRAY FILE
  local line target
  while IFS= read -r line; do
    [[ $line == *" = "* && $line != plugin_load* ]] || continue
    option_value "${line#* = }"
    target="${1}[${line%% = *}]"
    printf -v "$target" '%s' "$REPLY"
  done <"$2"
}

# An option's value as SQL in REPLY. SQL has no K, M and G.
option_value() { # VALUE
  local backslash="\\" units=KMGTPE before
  REPLY=$1
  if [[ $1 =~ ^([0-9]+)([KMGTPEkmgtpe])$ ]]; then
    before=${units%%"${BASH_REMATCH[2]^^}"*}
    REPLY=$((BASH_REMATCH[1] << 10 * (${#before} + 1)))
  elif [[ $1 == \"*\" ]]; then
    REPLY=${1:1:-1}
    REPLY=${REPLY//"$backslash\""/\"}
    sql_quote "${REPLY//"$backslash$backslash"/"$backslash"}"
  elif ! [[ $1 =~ ^([0-9.]+|ON|OFF)$ ]]; then
    sql_quote "$1"
  fi
}

# Sets an option of the running server, one without a value to its default. One that cannot be set waits for the next start.
set_option() { # NAME SQL_VALUE
  if query_local "SET GLOBAL ${1#loose_} = ${2:-DEFAULT}"; then
    log "the role has changed: set ${1#loose_} to ${2:-its default}"
  else
    log "the role has changed: ${1#loose_} takes effect when the server starts anew: $ANSWER"
  fi
}
