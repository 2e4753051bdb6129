#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Acknowledgement: which intent (the topology ConfigMap's keys) this pod has seen, the role it is in, and why it is not ready.
# The modules read it as one JSON document, which state/acknowledgement.py validates:
#   {"version":1,"at":SECONDS,"intent":{KEY:VALUE},"role":"primary"|"replica"|null,"ready":true|false,
#    "data":true|false,"data_epoch":N|null,"received_mib":N|null,"total_mib":N|null,"reason":TEXT|null}
# `data`: the claim holds a complete data directory; `data_epoch`: the newest epoch in its data, once that was read.
# `openssl s_server -WWW` serves it on ACK_PORT of the loopback address, where a port-forward through the API server arrives and
# no other pod does. So the channel needs no server, no account, no right of the pod's and no rule in the NetworkPolicy.
# A container that ends leaves the same document as its termination message, which is part of the pod's status.

[[ -z ${ACK_PORT_PID+set} ]] || return 0 # sourced before

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

readonly LOOPBACK=${LOOPBACK:-127.0.0.1}

# The newest epoch in the data, as lib-epoch.sh has read it.
DATA_EPOCH=

# --- the document ---------------------------------------------------------------------------------------------------

# TEXT as a JSON string in REPLY. Bytes that are not printable ASCII become `?`: they may be half of a character.
json_string() { # TEXT
  REPLY=${1:0:1500}
  REPLY=${REPLY//[^[:print:]]/?}
  REPLY=${REPLY//\\/\\\\}
  REPLY=\"${REPLY//\"/\\\"}\"
}

# The intent that was read last, as a JSON object in REPLY.
json_intent() {
  local key value object=
  for key in "${!INTENT[@]}"; do
    json_string "${INTENT[$key]}"
    value=$REPLY
    json_string "$key"
    object+=${object:+,}$REPLY:$value
  done
  REPLY="{$object}"
}

# TEXT as a JSON number in REPLY; it may be a peer's.
json_number() { # TEXT
  REPLY=null
  [[ ! $1 =~ ^[0-9]{1,18}$ ]] || REPLY=$((10#$1))
}

# The document in REPLY. RECEIVED_MIB and TOTAL_MIB are those of a clone.
acknowledgement() { # ROLE READY [REASON [RECEIVED_MIB [TOTAL_MIB]]]
  local now reason=null intent received total data=false epoch role=null
  [[ -z ${3-} ]] || { json_string "$3" && reason=$REPLY; }
  [[ -z $1 ]] || role=\"$1\"
  json_intent
  intent=$REPLY
  ! is_complete || data=true
  json_number "$DATA_EPOCH"
  epoch=$REPLY
  json_number "${4-}"
  received=$REPLY
  json_number "${5-}"
  total=$REPLY
  printf -v now '%(%s)T' -1
  REPLY="{\"version\":1,\"at\":$now,\"intent\":$intent,\"role\":$role,\"ready\":$2"
  REPLY+=",\"data\":$data,\"data_epoch\":$epoch,\"received_mib\":$received,\"total_mib\":$total,\"reason\":$reason}"
}

acknowledge() { # the arguments of `acknowledgement`
  acknowledgement "$@"
  [[ -d ${ACK_FILE%/*} ]] || mkdir -p -- "${ACK_FILE%/*}"
  # Renamed, since a reader would find the file empty while it is written.
  printf '%s\n' "$REPLY" >"$ACK_FILE.new" && mv -f -- "$ACK_FILE.new" "$ACK_FILE"
}

# Leaves the document for the case that this container ends. The kubelet keeps it in the pod's status.
leave_acknowledgement() { # REASON
  acknowledgement "" false "$1"
  { printf '%s\n' "$REPLY" >"$TERMINATION_LOG"; } 2>/dev/null || true
}
ON_DIE=leave_acknowledgement

# For an init container: acknowledges, and leaves REASON for the case that the container ends without another.
begin_acknowledging() { # REASON
  leave_acknowledgement "$1"
  acknowledge "" false "the volume is being prepared"
  open_ack_port
}

# --- the port -------------------------------------------------------------------------------------------------------

# ADDRESS and PORT as this image's s_server takes them, in REPLY. OpenSSL 1.0, which MySQL 5.7's image has, takes a port alone.
listen_argument() { # ADDRESS PORT
  REPLY=$1
  [[ $1 != *:* ]] || REPLY="[$1]"
  REPLY+=:$2
  [[ $(openssl version) != "OpenSSL 1.0."* ]] || REPLY=$2
}

# s_server encrypts, so it needs a key. Nobody checks it: the API server vouches for the pod that a port-forward leads to.
make_ack_key() {
  local settings=$RUN_DIR/kubemysql-ack.cnf
  printf '[req]\ndistinguished_name = name\n[name]\n' >"$settings"
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout >"$ACK_KEY.new" &&
      OPENSSL_CONF=$settings openssl req -x509 -new -sha256 -key "$ACK_KEY.new" -days 36500 -subj "/CN=$POD_NAME" -out "$ACK_KEY.crt"
  ) 2>/dev/null && mv -f -- "$ACK_KEY.new" "$ACK_KEY"
}

# Serves the document from now on. The server takes one connection after the other. It is started anew with each intent, so a
# connection that somebody left open holds up nobody who waits for an acknowledgement.
ACK_PORT_PID=
open_ack_port() {
  if is_running "$ACK_PORT_PID"; then return; fi
  command -v openssl >/dev/null || return 0
  [[ -s $ACK_KEY ]] || make_ack_key || return 0
  listen_argument "$LOOPBACK" "$ACK_PORT"
  (cd -- "${ACK_FILE%/*}" && exec openssl s_server -quiet -WWW -accept "$REPLY" -cert "$ACK_KEY.crt" -key "$ACK_KEY") \
    </dev/null >/dev/null 2>&1 &
  ACK_PORT_PID=$!
}

close_ack_port() {
  end_process "$ACK_PORT_PID"
  ACK_PORT_PID=
}
