#!/usr/bin/env bash
# Crash the mysqld of a pod, and wait until another container has taken the place of the one in which it ran.
#
# usage: kill-mysqld.sh NAMESPACE SECONDS POD
set -euo pipefail

namespace=$1 patience=$2 pod=$3
source "$(dirname "$0")/lib-kubectl.sh"

container() {
  kubectl get pod "$pod" -o 'jsonpath={.status.containerStatuses[?(@.name=="mysql")].containerID}'
}

before=$(container)
# shellcheck disable=SC2016 # the pod's bash expands it
kubectl exec "$pod" -c mysql -- bash -c 'kill -ABRT "$(</var/run/mysqld/mysqld.pid)"'
until now=$(container) && [[ -n $now && $now != "$before" ]]; do
  give_up_after "$patience" "there is no other container mysql in $pod"
  sleep 0.5
done
