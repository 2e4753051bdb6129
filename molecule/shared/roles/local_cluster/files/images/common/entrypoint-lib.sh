# shellcheck shell=bash
# What the entrypoints of both images share: the contract of the official images that is the same for either server.
# Whoever sources this provides docker_process_sql.

# The names that scripts in the init folder may call are the official images' own.
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

# option_file PASSWORD: a client's option file; a password never goes through a program's arguments.
option_file() {
  if [[ -n $1 ]]; then
    local text=${1//\\/\\\\}
    printf '[client]\npassword="%s"\n' "${text//\"/\\\"}"
  fi
}

# read_settings COMMAND...: what the server would start with goes to $settings, $datadir and $socket; a configuration
# it does not start with ends here, with its own complaint.
read_settings() {
  # The index option keeps a mere look at the settings from opening the real binary log.
  if ! settings=$("$@" --verbose --help "--log-bin-index=$(mktemp -u)" 2>&1); then
    mysql_error "$1 failed while attempting to check config: $(grep -F ERROR <<<"$settings")"
  fi
  datadir=$(setting datadir)
  socket=$(setting socket)
}

# setting NAME: one value out of what the server printed, empty where it says that there is none.
setting() {
  awk -v name="$1" '$1 == name && /^[^ \t]/ {
    sub(/^[^ \t]+[ \t]+/, ""); sub(/^(NULL|\(No default value\))$/, ""); print; exit
  }' <<<"$settings"
}

# create_directories: make the folders the server writes to, and give them to it while that is still possible.
create_directories() {
  local directories=("$datadir" "${socket%/*}") name value
  for name in general-log-file pid-file slow-query-log-file; do
    value=$(setting "$name")
    if [[ $value == */* ]]; then
      directories+=("${value%/*}")
    fi
  done
  value=$(setting secure-file-priv)
  if [[ -n $value ]]; then
    directories+=("$value")
  fi
  mkdir -p "${directories[@]}"
  if [[ $EUID -eq 0 ]]; then
    find "${directories[@]}" ! -user mysql -exec chown --no-dereference mysql {} +
  fi
}

# run_init_files FILE...: the user's own first-time scripts, by the rules of the official images.
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

# wants_help ARGUMENT...: whether the server would print something and end.
wants_help() {
  local argument
  for argument; do
    case $argument in
      -\? | --help | --print-defaults | -V | --version) return 0 ;;
    esac
  done
  return 1
}
