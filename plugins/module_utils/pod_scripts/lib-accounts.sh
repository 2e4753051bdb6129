#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SQL that creates the collection's own accounts, and that brings those of an older version up to date.
#
# The primary executes it, and logs it: there is one history of transactions, by which replicas and clones get the accounts. On a
# replica the same statements would be errant transactions, and without the binary log they would need a replica that is writable.
# The version is the last row of a table in the collection's own schema, written after everything else. It is in the same history,
# so an instance that has the row has the accounts. A file beside the data would not reach the replicas.
#
# To change an account or a right, change the statements below and raise ACCOUNTS_VERSION. Each of them has to be right on the
# accounts of every older version. Version 1 had the administration account open to the network, and no table.

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

readonly ACCOUNTS_VERSION=2
# The administration account can change and stop a server. It is bound to the pod's loopback addresses, where port-forward arrives.
readonly ADMIN_HOSTS=(127.0.0.1 ::1)

# Name, host and key of the password of each account, one a line. The account that backs up logs in over the socket.
accounts() {
  printf '%s %s %s\n' "$REPLICATION_USER" % replication-password "$CLONE_USER" % clone-password
  [[ $CLONE_METHOD != stream ]] || printf '%s localhost clone-password\n' "$CLONE_USER"
  printf "$ADMIN_USER %s admin-password\n" "${ADMIN_HOSTS[@]}"
}

# All statements. Clients' sessions of an account that is dropped stay.
accounts_sql() { # VERSION
  local name host key
  while read -r name host key; do account_sql "$1" "$name" "$host" "$key"; done < <(accounts)
  grants_sql
  for host in "${ADMIN_HOSTS[@]}"; do admin_grants_sql "$(admin_rights "$1")" "$host"; done
  printf "DROP USER IF EXISTS '%s'@'%%';\n" "$ADMIN_USER"
  accounts_version_sql
}

account_sql() { # VERSION NAME HOST KEY
  local encryption=" REQUIRE SSL"
  # The socket needs no encryption.
  [[ $3 != localhost ]] || encryption=
  read_secret "$4"
  sql_quote "$REPLY"
  printf "CREATE USER IF NOT EXISTS '%s'@'%s' %s%s;\n" "$2" "$3" "$(identified "$1" "$REPLY")" "$encryption"
}

# Beside the RIGHTS on the server: read its state, write the canary's rows, read and extend the collection's records.
admin_grants_sql() { # RIGHTS HOST
  cat <<SQL
GRANT $1 ON *.* TO '$ADMIN_USER'@'$2';
GRANT SELECT ON performance_schema.* TO '$ADMIN_USER'@'$2';
GRANT ALL ON $CANARY_SCHEMA.* TO '$ADMIN_USER'@'$2';
GRANT SELECT, INSERT ON $OWN_SCHEMA.* TO '$ADMIN_USER'@'$2';
SQL
}

accounts_version_sql() {
  cat <<SQL
CREATE SCHEMA IF NOT EXISTS $OWN_SCHEMA;
CREATE TABLE IF NOT EXISTS $OWN_SCHEMA.accounts
  (version INT UNSIGNED NOT NULL PRIMARY KEY, since TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB;
REPLACE INTO $OWN_SCHEMA.accounts (version) VALUES ($ACCOUNTS_VERSION);
SQL
}

# A query that returns 1 if all accounts of these users exist.
accounts_exist_sql() { # USER...
  local name host key count=0 pairs=
  while read -r name host key; do
    [[ " $* " == *" $name "* ]] || continue
    count=$((count + 1))
    pairs+="${pairs:+, }('$name', '$host')"
  done < <(accounts)
  printf 'SELECT %d = COUNT(*) FROM mysql.user WHERE (user, host) IN (%s)' "$count" "$pairs"
}

# Whether the server has all accounts, and in this version or a newer one: REPLY is yes or empty. Fails if it does not answer.
accounts_are_current() {
  REPLY=
  query_local "$(accounts_exist_sql "$REPLICATION_USER" "$CLONE_USER" "$ADMIN_USER")" || return
  [[ $ANSWER == 1 ]] || return 0
  # ER_BAD_DB_ERROR and ER_NO_SUCH_TABLE: version 1.
  query_local "SELECT MAX(version) >= $ACCOUNTS_VERSION FROM $OWN_SCHEMA.accounts" || ((ERRNO == 1049 || ERRNO == 1146)) || return
  [[ $ANSWER != 1 ]] || REPLY=yes
}
