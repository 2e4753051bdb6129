"""The pods' network of a node among others: addresses for its own pods, routes to those of the other nodes.

A node's range follows from its address, so that nothing has to be allocated before the first pod starts.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from kube_watch import KubeApi, Object, follow

CONFIGURATION = Path("/etc/cni/net.d/10-kubemysql.conflist")
# The kind configuration names the whole as the pods' subnet.
POD_RANGE = "10.217.{}.0/24"
log = logging.getLogger("pod_network")


def address_of(node: Object) -> str | None:
    """Return a node's address, if it has reported one."""
    addresses = node.get("status", {}).get("addresses") or ()
    return next((each["address"] for each in addresses if each["type"] == "InternalIP"), None)


def range_of(address: str) -> str:
    """Return the pods' range of the node with an address."""
    return POD_RANGE.format(address.rpartition(".")[2])


def configuration(pods: str) -> Object:
    """Return the network plugins' configuration: a pair of interfaces per pod, and no bridge."""
    # Not kept beyond a restart of the node, since no pod's sandbox is either.
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-leases",
        "ranges": [[{"subnet": pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [{"type": "ptp", "ipMasq": False, "ipam": ipam}, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return {"cniVersion": "0.3.1", "name": "kubemysql", "plugins": plugins}


@dataclass
class Network:
    """The network as one node sees it."""

    own: str
    routes: dict[str, str] = field(default_factory=dict)

    def configure(self, address: str) -> None:
        """Let the kubelet start pods."""
        partial = CONFIGURATION.with_suffix(".partial")
        partial.write_text(json.dumps(configuration(range_of(address))), encoding="utf-8")
        partial.rename(CONFIGURATION)

    def node_changed(self, key: str, node: Object | None) -> None:
        """Take one node as it is now."""
        name = key.partition("/")[2]
        address = address_of(node) if node else None
        if address == self.routes.get(name):
            return
        before = self.routes.pop(name, None)
        if before and name != self.own:
            subprocess.run(["ip", "route", "delete", range_of(before)], check=False)
        if address:
            self.routes[name] = address
            if name == self.own:
                self.configure(address)
            else:
                subprocess.run(["ip", "route", "replace", range_of(address), "via", address], check=True)
        log.info("node %s has address %s", name, address)

    def nodes_listed(self, nodes: dict[str, Object]) -> None:
        """Take all nodes there are."""
        for name in set(self.routes) - {key.partition("/")[2] for key in nodes}:
            self.node_changed(f"/{name}", None)
        for key, node in nodes.items():
            self.node_changed(key, node)


def main() -> None:
    """Follow the nodes for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    KubeApi.add_options(parser)
    parser.add_argument("--node", required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
    network = Network(options.node)
    follow(KubeApi.from_options(options), "/api/v1/nodes", network.nodes_listed, network.node_changed)


if __name__ == "__main__":
    main()
