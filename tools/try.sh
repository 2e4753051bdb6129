#!/usr/bin/env bash
# Deploy the tree as it is to the local cluster, which is brought up if it does not answer, and show the instances.
#
# usage: try.sh
set -euo pipefail
cd "$(dirname "$0")/.."

kubectl() {
  "$KUBEMYSQL_HOME/kubectl" --kubeconfig="$KUBEMYSQL_HOME/kubeconfig" --request-timeout=5s "$@"
}

# `make cluster` looks closer, and takes two seconds where nothing is to be done.
if ! kubectl get --raw /readyz >/dev/null 2>&1; then
  make --no-print-directory cluster
fi
if [[ -z $(kubectl get namespace try --ignore-not-found) ]]; then
  kubectl create namespace try
fi
exec ansible-playbook tools/try.yml
