#!/usr/bin/env bash
# Entrypoint of the local test image: the documented contract of the official mysql image (its variables, its
# init folder, its order of events), so that what works here works with the image that users run.
set -euo pipefail
shopt -s nullglob
# shellcheck source-path=SCRIPTDIR source=../common/entrypoint-lib.sh
. /usr/local/lib/entrypoint-lib.sh

docker_process_sql() {
  local password=$MYSQL_ROOT_PASSWORD
  if [[ ${1:-} == --dont-use-mysql-root-password ]]; then
    password=""
    shift
  fi
  if [[ -n $MYSQL_DATABASE ]]; then
    set -- "--database=$MYSQL_DATABASE" "$@"
  fi
  mysql --defaults-extra-file=<(option_file "$password") --protocol=socket --user=root --host=localhost \
    --socket="$socket" --comments "$@"
}

require_password_choice() {
  if [[ -z $MYSQL_ROOT_PASSWORD && -z ${MYSQL_ALLOW_EMPTY_PASSWORD:-} && -z ${MYSQL_RANDOM_ROOT_PASSWORD:-} ]]; then
    mysql_error "Database is uninitialized and password option is not specified: set one of" \
      "MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD and MYSQL_RANDOM_ROOT_PASSWORD"
  fi
  if [[ $MYSQL_USER == root ]]; then
    mysql_error "MYSQL_USER=\"root\": MYSQL_USER and MYSQL_PASSWORD are for a regular user, not for root"
  fi
  if [[ -n $MYSQL_USER && -z $MYSQL_PASSWORD ]]; then
    mysql_warn "MYSQL_USER specified, but missing MYSQL_PASSWORD; MYSQL_USER will not be created"
  elif [[ -z $MYSQL_USER && -n $MYSQL_PASSWORD ]]; then
    mysql_warn "MYSQL_PASSWORD specified, but missing MYSQL_USER; MYSQL_PASSWORD will be ignored"
  fi
}

load_time_zones() {
  if [[ -z ${MYSQL_INITDB_SKIP_TZINFO:-} ]]; then
    # One entry's name is a sentence, too long for the column it goes to.
    mysql_tzinfo_to_sql /usr/share/zoneinfo 2>/dev/null |
      sed 's/Local time zone must be set--see zic manual page/FCTY/' |
      docker_process_sql --dont-use-mysql-root-password --database=mysql
  fi
}

set_up_root() {
  if [[ -n ${MYSQL_RANDOM_ROOT_PASSWORD:-} ]]; then
    MYSQL_ROOT_PASSWORD=$(openssl rand -base64 24)
    export MYSQL_ROOT_PASSWORD
    mysql_note "GENERATED ROOT PASSWORD: $MYSQL_ROOT_PASSWORD"
  fi
  local password remote=""
  password=$(sql_quote "$MYSQL_ROOT_PASSWORD")
  if [[ $MYSQL_ROOT_HOST != localhost ]]; then
    remote="CREATE USER 'root'@'$MYSQL_ROOT_HOST' IDENTIFIED BY '$password';
      GRANT ALL ON *.* TO 'root'@'$MYSQL_ROOT_HOST' WITH GRANT OPTION;"
  fi
  # Accounts of one instance are not for its replicas: nothing of this goes to the binary log.
  docker_process_sql --dont-use-mysql-root-password --database=mysql <<SQL
SET autocommit = 1;
SET SESSION sql_log_bin = 0;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO 'root'@'localhost' WITH GRANT OPTION;
FLUSH PRIVILEGES;
$remote
DROP DATABASE IF EXISTS test;
SQL
}

set_up_user() {
  if [[ -n $MYSQL_DATABASE ]]; then
    mysql_note "Creating database $MYSQL_DATABASE"
    docker_process_sql --database=mysql <<<"CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
  fi
  if [[ -n $MYSQL_USER && -n $MYSQL_PASSWORD ]]; then
    mysql_note "Creating user $MYSQL_USER"
    docker_process_sql --database=mysql \
      <<<"CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$(sql_quote "$MYSQL_PASSWORD")';"
    if [[ -n $MYSQL_DATABASE ]]; then
      docker_process_sql --database=mysql \
        <<<"GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"
    fi
  fi
}

initialize() {
  require_password_choice
  # An init folder that cannot be listed shows now, not behind a half-initialized database.
  ls /docker-entrypoint-initdb.d/ >/dev/null
  mysql_note "Initializing database files"
  "$@" --initialize-insecure --default-time-zone=SYSTEM
  mysql_note "Database files initialized"

  mysql_note "Starting temporary server"
  "$@" --daemonize --skip-networking --default-time-zone=SYSTEM --socket="$socket" ||
    mysql_error "Unable to start server."
  mysql_note "Temporary server started."
  load_time_zones
  set_up_root
  set_up_user
  run_init_files /docker-entrypoint-initdb.d/*
  if [[ -n ${MYSQL_ONETIME_PASSWORD:-} ]]; then
    docker_process_sql --database=mysql <<<"ALTER USER 'root'@'%' PASSWORD EXPIRE;"
  fi
  mysql_note "Stopping temporary server"
  mysqladmin --defaults-extra-file=<(option_file "$MYSQL_ROOT_PASSWORD") shutdown --user=root --socket="$socket" ||
    mysql_error "Unable to shut down server."
  mysql_note "MySQL init process done. Ready for start up."
}

if [[ ${1:-} == -* ]]; then
  set -- mysqld "$@"
fi
if [[ ${1:-} == mysqld ]] && ! wants_help "$@"; then
  mysql_note "Entrypoint script for MySQL Server started."
  read_settings "$@"
  create_directories
  if [[ $EUID -eq 0 ]]; then
    mysql_note "Switching to dedicated user 'mysql'"
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
  fi
  read_variable MYSQL_ROOT_HOST %
  for name in MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD MYSQL_ROOT_PASSWORD; do
    read_variable "$name"
  done
  if [[ ! -d $datadir/mysql ]]; then
    initialize "$@"
  fi
fi
exec "$@"
