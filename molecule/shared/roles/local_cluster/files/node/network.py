"""Give the pods a bridge of their own, and keep their traffic on this machine.

Only our own interface, chains and addresses are touched. Kernel settings that have to change are noted before,
so that the cluster's end can put them back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

POD_LOGS = Path("/var/log/pods")
# Docker creates these: one for a node container that mounts it, the others for itself.
MADE_FOLDERS = ("/lib/modules", "/run/docker/plugins", "/run/docker")
CHAINS = (("filter", "FORWARD"), ("filter", "INPUT"), ("mangle", "FORWARD"))
# kubelet and kube-proxy set these themselves; they are noted here to be put back.
NOTED_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/conf/all/route_localnet",
)


@dataclass(frozen=True)
class Network:
    """The addresses of the local cluster."""

    bridge: str
    gateway: str
    pods: str
    services: str
    closed_ports: tuple[int, ...]

    @property
    def settings(self) -> dict[str, str]:
        """Kernel settings the pods need, per interface where the kernel lets us."""
        return {
            "net/bridge/bridge-nf-call-iptables": "1",
            # Only what arrives from our bridge is forwarded; the machine becomes no router for others.
            f"net/ipv4/conf/{self.bridge}/forwarding": "1",
            f"net/ipv4/conf/{self.bridge}/rp_filter": "0",
        }

    def rules(self, table: str, parent: str) -> list[list[str]]:
        """Return the rules of our own chain below a built-in one."""
        inside, outside = ["-i", self.bridge], ["-o", self.bridge]
        if (table, parent) == ("mangle", "FORWARD"):
            # In mangle, since kube-proxy puts its own accepting rules at the head of filter's chain.
            return [
                [*inside, "!", *outside, "-j", "DROP"],
                ["!", *inside, *outside, "-j", "DROP"],
            ]
        if parent == "FORWARD":
            return [[*inside, *outside, "-j", "ACCEPT"]]
        ports = ",".join(str(port) for port in self.closed_ports)
        return [
            ["-i", "lo", "-j", "RETURN"],
            [*inside, "-s", self.pods, "-j", "ACCEPT"],
            ["-p", "tcp", "-m", "multiport", "--dports", ports, "-j", "DROP"],
        ]


def run(*command: str) -> str:
    """Run a command that has to succeed and return what it printed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def succeeds(*command: str) -> bool:
    """Tell whether a command succeeds."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def setting_path(name: str) -> Path:
    """Return where a kernel setting is read and written."""
    return Path("/proc/sys") / name


def note_machine(path: Path, names: list[str]) -> None:
    """Write down how the machine is before the cluster changes it, once per life of the cluster."""
    if path.exists():
        return
    values = {name: setting_path(name).read_text().strip() for name in names if setting_path(name).exists()}
    missing = [name for name in MADE_FOLDERS if not Path(name).exists()]
    note = {"settings": values, "pod_logs": POD_LOGS.exists(), "missing": missing}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(note), encoding="utf-8")
    partial.rename(path)


def other_node_runs() -> bool:
    """Tell whether another node's rules are here: two kube-proxies undo each other's work."""
    return succeeds("iptables", "-w", "-t", "nat", "-S", "KUBE-SERVICES")


def hardware_address(gateway: str) -> str:
    """A bridge without one of its own has the lowest of its ports': whenever that pod comes or goes it changes, and for
    up to a minute the others send to the old one whatever is for a service, such as DNS.
    """
    return "0a:58:" + ":".join(f"{int(part):02x}" for part in gateway.split("."))


def ensure_bridge(network: Network) -> bool:
    """Create the bridge, its address and the route to the service addresses."""
    changed = False
    if not succeeds("ip", "link", "show", "dev", network.bridge):
        run("ip", "link", "add", network.bridge, "type", "bridge")
        changed = True
    hardware = hardware_address(network.gateway)
    if hardware not in run("ip", "-o", "link", "show", "dev", network.bridge):
        run("ip", "link", "set", network.bridge, "address", hardware)
        changed = True
    length = network.pods.partition("/")[2]
    if network.gateway not in run("ip", "-4", "-o", "addr", "show", "dev", network.bridge).split("/")[0]:
        run("ip", "addr", "replace", f"{network.gateway}/{length}", "dev", network.bridge)
        changed = True
    if "UP" not in run("ip", "-o", "link", "show", "dev", network.bridge).partition(">")[0].split("<")[1].split(","):
        run("ip", "link", "set", network.bridge, "up")
        changed = True
    if not run("ip", "route", "show", network.services, "dev", network.bridge).strip():
        # Without a route the machine's own packets to a service are refused before they can be translated.
        run("ip", "route", "replace", network.services, "dev", network.bridge, "src", network.gateway)
        changed = True
    return changed


def ensure_settings(network: Network) -> bool:
    """Set what the pods need, and nothing that is set already."""
    changed = False
    for name, value in network.settings.items():
        path = setting_path(name)
        if path.read_text().strip() != value:
            path.write_text(value)
            changed = True
    return changed


def ensure_chain(network: Network, table: str, parent: str) -> bool:
    """Fill our own chain and hook it in first."""
    chain = f"KUBEMYSQL-{parent}"
    command = ("iptables", "-w", "-t", table)
    rules = network.rules(table, parent)
    checks = [("-C", chain, *rule) for rule in rules] + [("-C", parent, "-j", chain)]
    if all(succeeds(*command, *check) for check in checks):
        return False
    if not succeeds(*command, "-F", chain):
        run(*command, "-N", chain)
    for rule in rules:
        run(*command, "-A", chain, *rule)
    if not succeeds(*command, "-C", parent, "-j", chain):
        run(*command, "-I", parent, "1", "-j", chain)
    return True


def main() -> None:
    """Set the network up and tell whether anything had to change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--bridge", required=True)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--pods", required=True)
    parser.add_argument("--services", required=True)
    parser.add_argument("--closed-port", type=int, action="append", default=[])
    options = parser.parse_args()
    network = Network(options.bridge, options.gateway, options.pods, options.services, tuple(options.closed_port))
    notes: Path = options.run / "before.json"
    if not notes.exists() and other_node_runs():
        sys.exit("another Kubernetes node runs on this machine, or an earlier one left its iptables rules (KUBE-*)")
    options.run.mkdir(parents=True, exist_ok=True)
    if not setting_path("net/bridge").exists():
        run("modprobe", "br_netfilter")
    note_machine(notes, [*NOTED_SETTINGS, "net/bridge/bridge-nf-call-iptables"])
    changes = [ensure_bridge(network), ensure_settings(network)]
    changes += [ensure_chain(network, table, parent) for table, parent in CHAINS]
    print("changed" if any(changes) else "unchanged")


if __name__ == "__main__":
    main()
