"""Cluster DNS in a pod, in CoreDNS's place: what kubeadm starts under that name, with the ports its probes ask at.

The command line is CoreDNS's own and names a configuration that does not concern this server.
"""

from __future__ import annotations

import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cluster_dns import Names, serve, start_following
from kube_watch import KubeApi

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HEALTH_PORT, READY_PORT = 8080, 8181


class Probe(BaseHTTPRequestHandler):
    """Answers the kubelet's probes: whoever listens is well."""

    def do_GET(self) -> None:
        """Answer one."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Leave the log to names."""


def answer_probes(port: int) -> None:
    """Serve one port of the probes."""
    server = ThreadingHTTPServer(("", port), Probe)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Serve for ever."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    answer_probes(HEALTH_PORT)
    names = Names("cluster.local")
    start_following(KubeApi(host, port, ACCOUNT / "ca.crt", token=ACCOUNT / "token"), names)
    answer_probes(READY_PORT)
    serve(names, "")


if __name__ == "__main__":
    main()
