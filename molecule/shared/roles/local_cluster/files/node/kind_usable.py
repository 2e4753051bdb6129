"""Tell whether the kind cluster that was asked for is already up, in one quick look.

As with the native cluster, only one that came up by the same files and variables is taken as it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kind_ready import NotYetError, look
from usable import fingerprint


def obstacle(note: Path, kubeconfig: Path, wanted: str) -> str:
    """Return why the cluster cannot be taken as it is, or nothing."""
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "no cluster is known"
    if known.get("fingerprint") != wanted:
        return "another cluster was asked for when this one came up"
    try:
        look([str(note.parent / "kubectl"), f"--kubeconfig={kubeconfig}"], {node["name"] for node in known["nodes"]})
    except NotYetError as reason:
        return str(reason)
    return ""


def main() -> None:
    """Look, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("role", "note", "kubeconfig"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--wanted", required=True, help="what is asked for, as JSON")
    options = parser.parse_args()
    wanted = fingerprint(options.role, options.wanted)
    found = obstacle(options.note, options.kubeconfig, wanted)
    print(json.dumps({"usable": not found, "obstacle": found, "fingerprint": wanted}))


if __name__ == "__main__":
    main()
