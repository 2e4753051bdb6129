#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Mounted as /docker-entrypoint-initdb.d/zz-kubemysql.sh: the image's entrypoint runs it, or sources it, as the last step of
# the first initialisation, beside a temporary server without networking. Its own last act is the mark `complete`.
# All of it happens in a subshell: if sourced, none of its settings may stay behind in the entrypoint.
(
  set -euo pipefail
  # shellcheck source=lib.sh
  source /kubemysql/scripts/lib.sh

  # The entrypoint's root password, which is one to throw away: see mysql.sh. It is plain letters and digits.
  # shellcheck disable=SC2329 # called by name
  first_root_client() {
    mysql --defaults-file=<(printf '[client]\nuser=root\npassword="%s"\n' "${MYSQL_ROOT_PASSWORD-}") \
      --socket="$SOCKET" --protocol=SOCKET --batch --skip-column-names --default-character-set=utf8mb4
  }

  remove_strangers_sql() {
    cat <<'SQL'
SELECT CONCAT('DROP USER ', QUOTE(user), '@', QUOTE(host), ';') FROM mysql.user
  WHERE user = '' OR (user = 'root' AND host <> 'localhost');
SELECT 'DROP DATABASE IF EXISTS test;';
SQL
  }

  root_password_sql() {
    read_secret root-password
    sql_quote "$REPLY"
    # Not logged, like everything the entrypoint does to root: a clone carries it all the same.
    printf "SET sql_log_bin = 0;\nALTER USER root@localhost IDENTIFIED WITH caching_sha2_password BY %s RETAIN CURRENT PASSWORD;\n" "$REPLY"
  }

  run() { # SQL
    ask "$1" first_root_client || die "the first initialisation could not create the users: $ANSWER"
  }

  main() {
    read_topology
    is_unfinished || die "not creating users: this is no first initialisation"
    # The mark below must not outlive what it stands for, whatever the user's configuration says about flushing.
    run "SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL sync_binlog = 1;"
    run "$(remove_strangers_sql)"
    run "$ANSWER"
    run "$(users_sql)"
    run "$(root_password_sql)"
    # The entrypoint starts the real server with the same arguments as the temporary one, so this one is told by a file.
    write_read_only_sql
    printf '[mysqld]\nsuper_read_only = ON\ninit_file = %s\n' "$READ_ONLY_SQL" >"$FIRST_START_CNF"
    place_mark "$DATA_DIR/$FIRST_PASSWORD_MARK" "discard root's old password"
    sync -f "$VOLUME"
    place_mark "$DATA_DIR/$COMPLETE_MARK" "initialised by $POD_NAME"
    log "users are created, the data directory is complete"
  }

  main
)
