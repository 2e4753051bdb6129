"""Load an image archive into the nodes of the kind cluster that a note describes, each once.

Each node keeps the names of what it has been given, so that a node that was made anew is given it again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path

GIVEN = "/var/lib/kubemysql-images"


def main() -> None:
    """Load it where it is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("note", type=Path)
    parser.add_argument("archive", type=Path)
    options = parser.parse_args()
    note = json.loads(options.note.read_text(encoding="utf-8"))
    docker, mark = note["docker"], f"{GIVEN}/{options.archive.name}"
    nodes = [node["container"] for node in note["nodes"] if node["takes_pods"]]
    missing = [node for node in nodes if subprocess.run([docker, "exec", node, "test", "-e", mark], check=False).returncode]
    if missing:
        command = [note["kind"], "load", "image-archive", str(options.archive), f"--name={note['cluster']}"]
        # kind calls `docker` by name.
        path = f"{Path(docker).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([*command, f"--nodes={','.join(missing)}"], env={**os.environ, "PATH": path}, check=True)
    for node in missing:
        subprocess.run([docker, "exec", node, "install", "-D", "/dev/null", mark], check=True)
    print("changed" if missing else "unchanged")


if __name__ == "__main__":
    main()
