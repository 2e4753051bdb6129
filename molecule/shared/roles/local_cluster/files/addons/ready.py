"""Wait until pods can be created and run: the node is ready and untainted, and there is an account for them."""

from __future__ import annotations

import argparse
import http.client
import sys
import time

from kube_watch import ApiError, KubeApi

POLL_SECONDS = 0.1


def missing(api: KubeApi, node: str) -> str:
    """Return what is still missing, or nothing."""
    try:
        found = api.request("GET", f"/api/v1/nodes/{node}")
        conditions = {item["type"]: item["status"] for item in found.get("status", {}).get("conditions", ())}
        if conditions.get("Ready") != "True":
            return f"node {node} is not ready"
        if found["spec"].get("taints"):
            return f"node {node} has taints"
        api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
    except (OSError, http.client.HTTPException, ApiError) as error:
        return str(error)
    return ""


def main() -> None:
    """Wait, and say what was missing when the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    KubeApi.add_options(parser)
    parser.add_argument("--node", required=True)
    parser.add_argument("--timeout", type=float, default=120.0)
    options = parser.parse_args()
    api = KubeApi.from_options(options)
    deadline = time.monotonic() + options.timeout
    while reason := missing(api, options.node):
        if time.monotonic() > deadline:
            sys.exit(f"the cluster is not ready: {reason}")
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
