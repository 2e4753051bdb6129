#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Mounted as /docker-entrypoint-initdb.d/zz-kubemysql.sh: the image's entrypoint runs it, or sources it, as the last step of
# the first initialisation, beside a temporary server without networking. At the end it places the mark `complete`.
# A subshell keeps its settings out of the entrypoint, which may source it.
(
  set -euo pipefail
  # shellcheck source=lib-accounts.sh
  source /kubemysql/scripts/lib-accounts.sh
  # shellcheck source=lib-epoch.sh
  source /kubemysql/scripts/lib-epoch.sh

  # The entrypoint's root password is temporary, and consists of letters and digits: see run-mysqld.sh.
  # shellcheck disable=SC2329 # called by name
  temporary_root_client() {
    "$CLIENT" --defaults-file=<(printf '[client]\nuser=root\npassword="%s"\n' "${MYSQL_ROOT_PASSWORD-}") \
      --socket="$SOCKET" --protocol=SOCKET "${LOCAL_TLS[@]}" --batch --skip-column-names --default-character-set=utf8mb4
  }

  remove_other_accounts_sql() {
    cat <<'SQL'
SELECT CONCAT('DROP USER ', QUOTE(user), '@', QUOTE(host), ';') FROM mysql.user
  WHERE user = '' OR (user = 'root' AND host <> 'localhost');
SELECT 'DROP DATABASE IF EXISTS test;';
SQL
  }

  run() { # SQL
    query "$1" temporary_root_client || die "the first initialisation could not create the users: $ANSWER"
  }

  main() {
    local version
    read_topology
    is_unfinished || die "not creating users: this is no first initialisation"
    # The data must be on disk when the mark below is, whatever the user's configuration of flushing.
    run "SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL sync_binlog = 1;"
    run "$(remove_other_accounts_sql)"
    run "$ANSWER"
    run "SELECT @@version"
    version=$ANSWER
    run "$(accounts_sql "$version")"
    run "$(record_epoch_sql initialisation)"
    read_secret root-password
    sql_quote "$REPLY"
    # Not logged, like everything the entrypoint does to root: a clone carries it all the same.
    run "SET sql_log_bin = 0; $(root_password_sql "$version" "$REPLY")"
    # The entrypoint starts the real server with the same arguments as the temporary one, so an option file makes it read-only.
    initial_password_mark "$version"
    [[ -z $REPLY ]] || place_mark "$DATA_DIR/$REPLY" "root's password of the first start is temporary"
    write_init_sql
    printf '[mysqld]\n%s = ON\ninit_file = %s\n' "$READ_ONLY_VARIABLE" "$INIT_SQL" >"$FIRST_START_CNF"
    sync -f "$VOLUME_DIR"
    place_mark "$DATA_DIR/$COMPLETE_MARK" "initialised by $POD_NAME"
    log "users are created, the data directory is complete"
  }

  main
)
