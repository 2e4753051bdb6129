#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes the instance's configuration. Writing it again gives the same files.

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

write_configuration() {
  local role=replica server_id
  if is_primary; then role=primary; fi
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
  log "$POD_NAME starts with $role.cnf and server_id $server_id; the primary is $PRIMARY"
}
