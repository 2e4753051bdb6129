#!/usr/bin/env bash
# Entrypoint of the local test image: the documented contract of the official mysql image (its variables, its
# init folder, its order of events), so that what works here works with the image that users run.
set -euo pipefail
shopt -s nullglob

# The names that scripts in the init folder may call are the official image's own.
mysql_log() { printf '%s [%s] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$1" "$2"; }
mysql_note() { mysql_log Note "$*"; }
mysql_warn() { mysql_log Warn "$*" >&2; }
mysql_error() {
  mysql_log ERROR "$*" >&2
  exit 1
}

# read_variable NAME [DEFAULT]: take NAME from the environment or from the file that NAME_FILE names.
read_variable() {
  local name=$1 file_name=$1_FILE
  if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
    mysql_error "Both $name and $file_name are set (but are exclusive)"
  fi
  if [[ -n ${!file_name:-} ]]; then
    printf -v "$name" %s "$(<"${!file_name}")"
  elif [[ -z ${!name:-} ]]; then
    printf -v "$name" %s "${2:-}"
  fi
  export "${name?}"
  unset "$file_name"
}

# sql_quote TEXT: the inside of a single-quoted SQL string.
sql_quote() {
  local text=${1//\\/\\\\}
  printf %s "${text//\'/\\\'}"
}

# server_settings COMMAND...: every variable the server would start with, or stop with the server's own complaint.
server_settings() {
  local text
  # The index option keeps a mere look at the settings from opening the real binary log.
  if ! text=$("$@" --verbose --help "--log-bin-index=$(mktemp -u)" 2>&1); then
    mysql_error "mysqld failed while attempting to check config: $(grep -F ERROR <<<"$text")" >&2
  fi
  printf '%s\n' "$text"
}

# setting NAME: one value out of the text that server_settings printed.
setting() {
  awk -v name="$1" '$1 == name && /^[^ \t]/ { sub(/^[^ \t]+[ \t]+/, ""); print; exit }' <<<"$settings"
}

# A password reaches the client through a descriptor, never through its arguments.
client_options() {
  if [[ ${1:-} != without-password && -n $MYSQL_ROOT_PASSWORD ]]; then
    local text=${MYSQL_ROOT_PASSWORD//\\/\\\\}
    printf '[client]\npassword="%s"\n' "${text//\"/\\\"}"
  fi
}

docker_process_sql() {
  local credentials=with-password
  if [[ ${1:-} == --dont-use-mysql-root-password ]]; then
    credentials=without-password
    shift
  fi
  if [[ -n $MYSQL_DATABASE ]]; then
    set -- "--database=$MYSQL_DATABASE" "$@"
  fi
  mysql --defaults-extra-file=<(client_options "$credentials") --protocol=socket --user=root --host=localhost \
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

create_directories() {
  local directories=("$datadir" "${socket%/*}") name value
  for name in general-log-file pid-file slow-query-log-file; do
    value=$(setting "$name")
    if [[ $value == */* ]]; then
      directories+=("${value%/*}")
    fi
  done
  value=$(setting secure-file-priv)
  if [[ -n $value && $value != NULL ]]; then
    directories+=("$value")
  fi
  mkdir -p "${directories[@]}"
  if [[ $EUID -eq 0 ]]; then
    find "${directories[@]}" ! -user mysql -exec chown --no-dereference mysql {} +
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

run_init_files() {
  # Older init scripts call the client as "${mysql[@]}".
  # shellcheck disable=SC2034
  mysql=(docker_process_sql)
  local file
  for file; do
    case $file in
    *.sh)
      mysql_note "$0: running $file"
      if [[ -x $file ]]; then
        "$file"
      else
        # Sourced scripts were written for a shell that lets unset variables pass.
        set +u
        # shellcheck disable=SC1090
        . "$file"
        set -u
      fi
      ;;
    *.sql) mysql_note "$0: running $file" && docker_process_sql <"$file" ;;
    *.sql.gz) mysql_note "$0: running $file" && gunzip -c "$file" | docker_process_sql ;;
    *) mysql_warn "$0: ignoring $file" ;;
    esac
  done
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
  mysqladmin --defaults-extra-file=<(client_options with-password) shutdown --user=root --socket="$socket" ||
    mysql_error "Unable to shut down server."
  mysql_note "MySQL init process done. Ready for start up."
}

wants_help() {
  local argument
  for argument; do
    case $argument in
    -\? | --help | --print-defaults | -V | --version) return 0 ;;
    esac
  done
  return 1
}

if [[ ${1:-} == -* ]]; then
  set -- mysqld "$@"
fi
if [[ ${1:-} == mysqld ]] && ! wants_help "$@"; then
  mysql_note "Entrypoint script for MySQL Server started."
  settings=$(server_settings "$@")
  datadir=$(setting datadir)
  socket=$(setting socket)
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
