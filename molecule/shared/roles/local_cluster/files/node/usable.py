"""Tell whether the cluster that was asked for is already up, in one quick look.

The answer also carries a fingerprint of what was asked for: the role's own files and its variables. It is noted when a
cluster has come up, and only a cluster with the same note is taken as it is; anything else goes the whole way, which
changes only what differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from components import Ready
from daemons import Daemons

SKIPPED = ("__pycache__", ".mypy_cache", ".ruff_cache")


def fingerprint(role: Path, wanted: str) -> str:
    """Return a digest of the role's files and of what is asked of them."""
    digest = hashlib.sha256(json.dumps(json.loads(wanted), sort_keys=True).encode())
    for path in sorted(role.rglob("*")):
        if path.is_file() and not any(part in SKIPPED for part in path.parts):
            digest.update(f"{path.relative_to(role)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def obstacle(options: argparse.Namespace, wanted: str) -> str:
    """Return why the cluster cannot be taken as it is, or nothing."""
    note: Path = options.run / "fingerprint"
    if not note.is_file():
        return "no cluster has come up since the machine was started or cleaned"
    if note.read_text(encoding="utf-8").strip() != wanted:
        return "another cluster was asked for when this one came up"
    for record in Daemons(options.run, options.run).all():
        if not record.running():
            return f"{record.name} does not run"
    kubeconfig: Path = options.kubeconfig
    admin: Path = options.pki / "admin.kubeconfig"
    if not kubeconfig.is_file() or kubeconfig.read_bytes() != admin.read_bytes():
        return "the kubeconfig is missing or belongs to another cluster"
    pki = {"ca": "ca.crt", "certificate": "admin.crt", "key": "admin.key"}
    files = {name: str(options.pki / file) for name, file in pki.items()}
    if not Ready(host="127.0.0.1", port=options.port, path="/readyz", **files).check():
        return "the API server does not answer"
    return ""


def main() -> None:
    """Look, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("role", "run", "pki", "kubeconfig"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--wanted", required=True, help="what is asked for, as JSON")
    options = parser.parse_args()
    wanted = fingerprint(options.role, options.wanted)
    found = obstacle(options, wanted)
    print(json.dumps({"usable": not found, "obstacle": found, "fingerprint": wanted}))


if __name__ == "__main__":
    main()
