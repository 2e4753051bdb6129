#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Tools, connection and protocol of a streamed backup, for donor and receiver.
#
# Over TLS; the donor's certificate is signed by an authority that only the cluster's pods can have: see lib-certificate.sh.
#   donor      kubemysql-donor 1 NONCE
#   receiver   REQUEST NONCE PROOF              REQUEST is `about`, or `give:SECONDS` to wait in the queue for so long
#   donor      fit ROLE VERSION                 to `about`; ROLE is replica or primary
#              unfit REASON                     it cannot give now
#              busy                             it gives to another receiver, and did so all the time
#              begin MIB STATE                  the data's size, the state of its binary log; then the archive, then
#              end NONCE ok|failed REASON       in TRAILER_SIZE bytes, the receiver's own nonce: a stream that was cut has none

# Constants and results are for the scripts that source this file.
# shellcheck disable=SC2034

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

readonly GREETING="kubemysql-donor 1"
readonly TRAILER_SIZE=512
# How long, in seconds, the other side may take for one line.
readonly LINE_TIMEOUT=${LINE_TIMEOUT:-10}

# The names of the tool differ between versions.
if [[ $FLAVOUR == mariadb ]]; then
  readonly BACKUP_NAMES=(mariadb-backup mariabackup) ARCHIVE_NAMES=(mbstream)
else
  readonly BACKUP_NAMES=(xtrabackup) ARCHIVE_NAMES=(xbstream)
fi

# The first of NAMES that this image has, in REPLY.
find_program() { # NAME...
  local name
  for name; do
    REPLY=$name
    ! command -v "$name" >/dev/null || return 0
  done
  name=$*
  die "this image has no ${name// / and no }, which streaming backups needs" "use an image that has it: see the option xtrabackup_image"
}

# The programs that this image has for backup, archive and connection, and the version of the server that the first is made for.
TOOL=
ARCHIVER=
TRANSPORT=
VERSION=
find_tools() {
  find_program "${BACKUP_NAMES[@]}" && TOOL=$REPLY
  find_program "${ARCHIVE_NAMES[@]}" && ARCHIVER=$REPLY
  find_program socat ncat && TRANSPORT=$REPLY
  VERSION=$("$TOOL" --version 2>&1) || die "$TOOL does not start: $VERSION"
  [[ $VERSION =~ server\ ([0-9]+\.[0-9]+\.[0-9]+) ]] || die "$TOOL does not report which server it is made for: $VERSION"
  VERSION=${BASH_REMATCH[1]}
}

nonce() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# A digest of request, nonces and clone password, in REPLY. Nested, so that nobody can append to it.
proof() { # REQUEST DONORS_NONCE RECEIVERS_NONCE
  local inner outer
  read_secret clone-password
  inner=$(printf '%s\n%s\n%s\n%s' "$REPLY" "$1" "$2" "$3" | sha256sum)
  outer=$(printf '%s\n%s' "$REPLY" "${inner%% *}" | sha256sum)
  REPLY=${outer%% *}
}

# TEXT as one line of the protocol, in REPLY.
one_line() { # TEXT
  REPLY=${1//[[:cntrl:]]/ }
  REPLY=${REPLY:0:400}
}

# Prints the MiB in FOLDER; files may vanish meanwhile.
size_of() { # FOLDER
  { du -sm -- "$1" 2>/dev/null || true; } | cut -f1
}

# An address as socat writes it.
bracketed() { # ADDRESS
  REPLY=$1
  [[ $1 != *:* ]] || REPLY="[$1]"
}

# Standard input and output become a connection to the donor at ADDRESS, which has to prove that it knows the password. ncat
# reports a failed verification only with --verbose.
tls_client() { # ADDRESS
  if [[ $TRANSPORT == socat ]]; then
    bracketed "$1"
    exec socat - "OPENSSL-CONNECT:$REPLY:$DONOR_PORT,verify=1,cafile=$AUTHORITY,commonname=,nosni,connect-timeout=$PEER_TIMEOUT,keepalive"
  fi
  exec ncat --verbose --ssl-verify --ssl-trustfile "$AUTHORITY" --wait "$PEER_TIMEOUT" "$1" "$DONOR_PORT"
}

# Serve each connection by COMMAND, several at the same time: receivers in the queue are connected, too.
tls_server() { # COMMAND
  if [[ $TRANSPORT == socat ]]; then
    local family=4
    [[ $POD_IP != *:* ]] || family=6
    bracketed "$POD_IP"
    exec socat "OPENSSL-LISTEN:$DONOR_PORT,pf=ip$family,bind=$REPLY,reuseaddr,fork,max-children=32,cert=$CERTIFICATE,key=$CERTIFICATE_KEY,verify=0,keepalive" \
      "EXEC:$1"
  fi
  exec ncat --ssl --ssl-cert "$CERTIFICATE" --ssl-key "$CERTIFICATE_KEY" --listen --keep-open --max-conns 32 --exec "$1" \
    "$POD_IP" "$DONOR_PORT"
}
