# shellcheck shell=bash
# Sourced by the scripts of this folder; $namespace is the scenario's.

# shellcheck disable=SC2154
kubectl() {
  "$KUBEMYSQL_HOME/kubectl" --kubeconfig="$KUBEMYSQL_HOME/kubeconfig" --namespace="$namespace" "$@"
}

# The deadline is given in whole seconds, which bash counts.
give_up_after() { # SECONDS MESSAGE
  ((SECONDS < $1)) || {
    echo "$2 after $1 s" >&2
    exit 1
  }
}
