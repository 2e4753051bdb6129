"""Wait until a cluster can be used: every node is ready, one takes pods, claims have a default class, and names resolve.

An interrupted `kind create` leaves a cluster that never gets there, although kind lists it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

POLL_SECONDS = 0.25
# Taints of the node's state, which come and go.
STATE = "node.kubernetes.io/"
CORDONED = STATE + "unschedulable"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
Object = dict[str, Any]


class NotYetError(Exception):
    """Something that is still missing."""


def get(kubectl: list[str], *kinds: str) -> list[Object]:
    """Return the objects of some kinds, of all namespaces."""
    command = [*kubectl, "--request-timeout=5s", "get", ",".join(kinds), "--all-namespaces", "--output=json"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        raise NotYetError(result.stderr.strip())
    items: list[Object] = json.loads(result.stdout)["items"]
    return items


def is_ready(node: Object) -> bool:
    """Tell whether a node is ready."""
    conditions = node.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def taints(node: Object) -> set[str]:
    """Return the keys of the taints that keep pods away which tolerate nothing."""
    return {taint["key"] for taint in node["spec"].get("taints") or () if taint["effect"] != "PreferNoSchedule"}


def is_settled(node: Object) -> bool:
    """Tell whether no taint of its state is left; Kubernetes removes `not-ready` seconds after the node became ready."""
    return not any(key.startswith(STATE) and key != CORDONED for key in taints(node))


def takes_pods(node: Object) -> bool:
    """Tell whether a node takes pods that tolerate nothing, apart from its present state."""
    return all(key.startswith(STATE) for key in taints(node))


def look(kubectl: list[str], wanted: set[str]) -> list[Object]:
    """Return the nodes of a cluster that can be used."""
    found = get(kubectl, "nodes", "storageclasses", "deployments", "serviceaccounts")
    named = {(each["kind"], each["metadata"]["name"]): each for each in found}
    nodes = [each for each in found if each["kind"] == "Node"]
    names = {each["metadata"]["name"] for each in nodes}
    if missing := wanted - names:
        raise NotYetError(f"no node {', '.join(sorted(missing))}")
    if missing := {each["metadata"]["name"] for each in nodes if not is_ready(each)}:
        raise NotYetError(f"not ready: {', '.join(sorted(missing))}")
    if missing := {each["metadata"]["name"] for each in nodes if not is_settled(each)}:
        raise NotYetError(f"tainted by their state: {', '.join(sorted(missing))}")
    if not any(takes_pods(each) for each in nodes):
        raise NotYetError("no node takes pods")
    classes = [each for each in found if each["kind"] == "StorageClass"]
    if not any((each["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" for each in classes):
        raise NotYetError("no default storage class")
    if ("ServiceAccount", "default") not in named:
        raise NotYetError("no service account for pods")
    if not named.get(("Deployment", "coredns"), {}).get("status", {}).get("readyReplicas"):
        raise NotYetError("no cluster DNS")
    return nodes


def describe(node: Object) -> Object:
    """Return what is noted of a node; kind gives its container the same name."""
    addresses = node["status"]["addresses"]
    address = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    name = node["metadata"]["name"]
    return {"name": name, "container": name, "address": address, "takes_pods": takes_pods(node)}


def main() -> None:
    """Wait, and print the nodes, or say what was missing when the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("nodes", nargs="+")
    options = parser.parse_args()
    kubectl = [options.kubectl, f"--kubeconfig={options.kubeconfig}"]
    deadline = time.monotonic() + options.timeout
    while True:
        try:
            nodes = look(kubectl, set(options.nodes))
            print(json.dumps([describe(each) for each in nodes]))
            return
        except NotYetError as reason:
            if time.monotonic() > deadline:
                sys.exit(f"the cluster is not ready: {reason}")
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
