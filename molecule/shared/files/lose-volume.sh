#!/usr/bin/env bash
# Delete the claim and the pod, and wait until there is another claim. A pod that came while the old claim was still there would
# wait for that claim for ever, so pods are deleted until then.
#
# usage: lose-volume.sh NAMESPACE SECONDS POD
set -euo pipefail

namespace=$1 patience=$2 pod=$3
source "$(dirname "$0")/lib-kubectl.sh"

claim() {
  kubectl get pvc "data-$pod" --ignore-not-found -o jsonpath='{.metadata.uid}'
}

another_claim_comes() {
  local now
  for _ in {1..10}; do
    now=$(claim)
    [[ -z $now || $now == "$before" ]] || return 0
    sleep 0.5
  done
  return 1
}

before=$(claim)
kubectl delete pvc "data-$pod" --wait=false
kubectl delete pod "$pod"
until another_claim_comes; do
  give_up_after "$patience" "there is no other claim data-$pod"
  kubectl delete pod "$pod"
done
