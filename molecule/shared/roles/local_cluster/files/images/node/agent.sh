#!/bin/sh
# Run one of the node's agents as the kubelet's user.
#
# usage: agent.sh PROGRAM [OPTION...]
set -eu

program=$1
shift
server=$(sed -n 's|^ *server: https://||p' /etc/kubernetes/kubelet.conf)
certificate=/var/lib/kubelet/pki/kubelet-client-current.pem
exec /usr/bin/python3 -B "/usr/local/lib/kubemysql/$program" --host="${server%:*}" --port="${server##*:}" \
  --ca=/etc/kubernetes/pki/ca.crt --certificate="$certificate" --key="$certificate" --node="$(hostname)" "$@"
