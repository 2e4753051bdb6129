#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The instance's certificate for streamed backups, made when the pod starts.
#
# The key of its authority is derived from the clone password: every pod that knows the password has the same authority, and
# nobody else can sign. A donor with such a certificate knows the password, and no secret was exchanged to prove it.

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

make_certificate() {
  local work=$TLS_DIR/new
  command -v openssl >/dev/null || die "this image has no openssl, without which backups cannot be streamed safely" \
    "use an image that has it, as the official ones do"
  umask 077
  rm -rf -- "$work"
  mkdir -- "$work"
  write_authority_key >"$work/authority.key"
  write_settings >"$work/openssl.cnf"
  openssl_in "$work" req -x509 -new -sha256 -key authority.key -days 36500 -extensions authority -subj "/CN=kubemysql $SERVICE" -out authority.crt
  # RSA: servers of old tools, such as the tutorial's, support nothing else.
  openssl_in "$work" req -new -newkey rsa:2048 -nodes -sha256 -subj "/CN=$POD_NAME" -keyout instance.key -out instance.csr
  openssl_in "$work" x509 -req -sha256 -in instance.csr -CA authority.crt -CAkey authority.key -set_serial "$SECONDS$RANDOM$RANDOM" \
    -days 36500 -extfile openssl.cnf -extensions instance -out instance.crt
  # The authority's key is derived from the password: delete it before anything else can read it.
  rm -f -- "$work/authority.key" "$work/instance.csr" "$work/openssl.cnf"
  mv -f -- "$work"/* "$TLS_DIR/"
  rmdir -- "$work"
}

openssl_in() { # FOLDER ARGUMENT...
  local message
  message=$(cd -- "$1" && OPENSSL_CONF=openssl.cnf openssl "${@:2}" 2>&1) || die "openssl ${*:2:1} failed: $message"
}

# Prints the key. The private key of an elliptic curve is a number, here the digest of the password, in the frame of RFC 5915.
write_authority_key() {
  local number index frame
  read_secret clone-password
  number=$(printf 'kubemysql authority\n%s' "$REPLY" | sha256sum)
  number=${number%% *}
  frame=30310201010420${number}a00a06082a8648ce3d030107
  printf -- '-----BEGIN EC PRIVATE KEY-----\n'
  for ((index = 0; index < ${#frame}; index += 2)); do printf '%b' "\\x${frame:index:2}"; done | base64
  printf -- '-----END EC PRIVATE KEY-----\n'
}

# The address stands there as a DNS name, too: some clients compare nothing else.
write_settings() {
  cat <<CNF
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[instance]
basicConstraints = CA:FALSE
subjectAltName = DNS:$POD_NAME.$SERVICE, DNS:$POD_IP, IP:$POD_IP
CNF
}
