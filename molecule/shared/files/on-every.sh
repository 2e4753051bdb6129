#!/usr/bin/env bash
# Wait until SQL, which root runs over the socket inside each pod, returns EXPECTED everywhere. One that cannot be asked fails.
#
# usage: on-every.sh NAMESPACE SECONDS SQL EXPECTED POD...
set -euo pipefail

namespace=$1 patience=$2 sql=$3 expected=$4
shift 4
source "$(dirname "$0")/lib-kubectl.sh"

# shellcheck disable=SC2016 # the pod's bash expands it
waits='
  source /kubemysql/scripts/lib-common.sh
  while found=$(local_client <<<"$1") && [[ $found != "$2" ]]; do
    ((SECONDS < $3)) || { echo "$HOSTNAME returns \"$found\", expected is \"$2\"" >&2; exit 1; }
    sleep 0.2
  done
  [[ $found == "$2" ]]'

running=()
for pod; do
  kubectl exec "$pod" -c mysql -- bash -c "$waits" on-every "$sql" "$expected" "$patience" &
  running+=($!)
done
failed=0
for process in "${running[@]}"; do
  wait "$process" || failed=1
done
exit "$failed"
