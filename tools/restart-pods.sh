#!/usr/bin/env bash
# End all pods of a namespace in order, and have their controllers make new ones without waiting for the kubelet.
#
# usage: restart-pods.sh NAMESPACE
set -euo pipefail

namespace=$1

kubectl() {
  "$KUBEMYSQL_HOME/kubectl" --kubeconfig="$KUBEMYSQL_HOME/kubeconfig" --namespace="$namespace" "$@"
}

running='{.status.initContainerStatuses[*].state.running}{.status.containerStatuses[*].state.running}'
pods=$(kubectl get pods -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}')
kubectl delete pods --all --wait=false
while read -r pod uid; do
  while [[ -n $(kubectl get pod "$pod" --ignore-not-found -o jsonpath="$running") ]]; do
    sleep 0.2
  done
  # The kubelet removes a pod whose containers have ended up to 10 seconds later. The uid spares a new pod of this name.
  echo "{\"gracePeriodSeconds\": 0, \"preconditions\": {\"uid\": \"$uid\"}}" |
    kubectl delete --raw "/api/v1/namespaces/$namespace/pods/$pod" -f - >/dev/null || echo "$pod is gone already"
done <<<"$pods"
