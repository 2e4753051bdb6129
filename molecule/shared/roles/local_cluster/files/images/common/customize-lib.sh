# shellcheck shell=bash
# What turns a freshly installed root file system into the layout that both official images have.
# Whoever sources this has IMAGE_CONTEXT and IMAGE_VERSION in the environment.

# The suite moves on by itself; an image must never carry a tag that its server does not have.
require_version() {
  local root=$1 server=$2 installed
  installed=$(chroot "$root" "$server" --version)
  if [[ $installed != *" $IMAGE_VERSION."* ]]; then
    echo "this suite has another server than $IMAGE_VERSION: $installed" >&2
    exit 1
  fi
}

lay_out() {
  local root=$1 option_file=$2
  if ! chroot "$root" getent passwd mysql >/dev/null; then
    chroot "$root" groupadd --system --gid 999 mysql
    chroot "$root" useradd --system --uid 999 --gid 999 --home-dir /var/lib/mysql --no-create-home mysql
  fi
  install -D -m 0644 "$IMAGE_CONTEXT/my.cnf" "$root$option_file"
  install -D -m 0755 "$IMAGE_CONTEXT/docker-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
  install -D -m 0644 "$IMAGE_CONTEXT/../common/entrypoint-lib.sh" "$root/usr/local/lib/entrypoint-lib.sh"
  install -d "$root/etc/mysql/conf.d" "$root/docker-entrypoint-initdb.d"
  install -d -m 1777 -o 999 -g 999 "$root/var/lib/mysql" "$root/run/mysqld"
}
