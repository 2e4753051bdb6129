"""Cluster DNS: service and pod names of the local cluster, straight from what the API server says.

Answers follow Kubernetes' DNS specification for the names a StatefulSet needs: a service's own name, and the name of
each of its endpoints, ready or not where the service publishes those too. Anything else does not exist; nothing is
ever asked of another server.
"""

from __future__ import annotations

import argparse
import logging
import socketserver
import struct
import threading
from collections.abc import Iterator
from typing import Any

from dnslib import QTYPE, RCODE, RR, A, DNSError, DNSRecord
from kube_watch import KubeApi, Object, follow

TTL_SECONDS = 1
log = logging.getLogger("cluster_dns")


class Names:
    """The names that exist, and their addresses."""

    def __init__(self, zone: str) -> None:
        """Know nothing yet."""
        self.suffix = f".svc.{zone}"
        self.services: dict[str, Object] = {}
        self.endpoints: dict[str, Object] = {}
        self.lock = threading.Lock()
        self.known = {"services": threading.Event(), "endpoints": threading.Event()}

    def replace(self, kind: str, items: dict[str, Object]) -> None:
        """Forget a kind and take its list."""
        with self.lock:
            setattr(self, kind, items)
        self.known[kind].set()

    def update(self, kind: str, key: str, item: Object | None) -> None:
        """Take one change."""
        with self.lock:
            items: dict[str, Object] = getattr(self, kind)
            if item is None:
                items.pop(key, None)
            else:
                items[key] = item

    def resolve(self, name: str) -> list[str] | None:
        """Return the addresses of a name; an empty list if it exists without one, nothing if it does not exist."""
        if not name.endswith(self.suffix):
            return None
        labels = name[: -len(self.suffix)].split(".")
        if len(labels) not in (2, 3):
            return None
        *endpoint, service_name, namespace = labels
        key = f"{namespace}/{service_name}"
        with self.lock:
            service, endpoints = self.services.get(key), self.endpoints.get(key, {})
        if service is None:
            return None
        addresses = list(published(service, endpoints))
        if endpoint:
            return [ip for ip, hostname in addresses if endpoint[0] in (hostname, ip.replace(".", "-"))] or None
        address = service["spec"].get("clusterIP", "None")
        return [ip for ip, _hostname in addresses] if address == "None" else [address]


def published(service: Object, endpoints: Object) -> Iterator[tuple[str, str]]:
    """Yield address and host name of every endpoint a service shows."""
    fields = ["addresses"]
    if service["spec"].get("publishNotReadyAddresses"):
        fields.append("notReadyAddresses")
    for subset in endpoints.get("subsets") or ():
        for field in fields:
            for address in subset.get(field) or ():
                yield address["ip"], address.get("hostname", "").lower()


def answer(names: Names, packet: bytes) -> bytes:
    """Return the reply to one query."""
    query = DNSRecord.parse(packet)
    reply = query.reply(aa=1, ra=0)
    question = query.q
    name = str(question.qname).rstrip(".").lower()
    addresses = names.resolve(name)
    if addresses is None:
        reply.header.rcode = RCODE.NXDOMAIN
    elif question.qtype in (QTYPE.A, QTYPE.ANY):
        for address in dict.fromkeys(addresses):
            reply.add_answer(RR(question.qname, QTYPE.A, rdata=A(address), ttl=TTL_SECONDS))
    return bytes(reply.pack())


class UdpHandler(socketserver.BaseRequestHandler):
    """One datagram."""

    server: UdpServer

    def handle(self) -> None:
        """Answer it."""
        packet, connection = self.request
        try:
            connection.sendto(answer(self.server.names, packet), self.client_address)
        except (DNSError, OSError) as error:
            log.warning("query of %s: %s", self.client_address, error)


class TcpHandler(socketserver.StreamRequestHandler):
    """One connection, which may carry several queries."""

    server: TcpServer
    timeout = 10

    def handle(self) -> None:
        """Answer until the client leaves."""
        try:
            while len(head := self.rfile.read(2)) == 2:
                (length,) = struct.unpack("!H", head)
                reply = answer(self.server.names, self.rfile.read(length))
                self.wfile.write(struct.pack("!H", len(reply)) + reply)
        except (DNSError, OSError) as error:
            log.warning("connection of %s: %s", self.client_address, error)


class UdpServer(socketserver.ThreadingUDPServer):
    """DNS over UDP."""

    daemon_threads = True
    allow_reuse_address = True
    names: Names


class TcpServer(socketserver.ThreadingTCPServer):
    """DNS over TCP."""

    daemon_threads = True
    allow_reuse_address = True
    names: Names


def start_following(api: KubeApi, names: Names) -> None:
    """Keep the names as the API server has them."""
    for kind in names.known:

        def replace(items: dict[str, Object], kind: str = kind) -> None:
            names.replace(kind, items)

        def update(key: str, item: Object | None, kind: str = kind) -> None:
            names.update(kind, key, item)

        arguments: tuple[Any, ...] = (api, f"/api/v1/{kind}", replace, update)
        threading.Thread(target=follow, args=arguments, daemon=True).start()
    for event in names.known.values():
        # Serving before the first list would deny names that exist.
        event.wait()


def serve(names: Names, address: str) -> None:
    """Answer at an address for ever."""
    udp = UdpServer((address, 53), UdpHandler)
    tcp = TcpServer((address, 53), TcpHandler)
    udp.names = tcp.names = names
    threading.Thread(target=udp.serve_forever, daemon=True).start()
    tcp.serve_forever()


def main() -> None:
    """Serve the names of the cluster that the options describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    KubeApi.add_options(parser)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--zone", default="cluster.local")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    names = Names(options.zone)
    start_following(KubeApi.from_options(options), names)
    serve(names, options.listen)


if __name__ == "__main__":
    main()
