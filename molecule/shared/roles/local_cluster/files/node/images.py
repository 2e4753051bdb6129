"""Put image archives into the cluster's own containerd, each once."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Store:
    """The images of one containerd, in the namespace the kubelet looks at."""

    socket: str
    notes: Path

    def ctr(self, *arguments: str) -> str:
        """Run containerd's client."""
        command = ["ctr", "--address", self.socket, "--namespace", "k8s.io", "images", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def ensure(self, reference: str, archive: Path) -> bool:
        """Import an archive unless this very one was imported before and is still there."""
        note = self.notes / hashlib.sha256(reference.encode()).hexdigest()[:16]
        present = self.ctr("ls", "-q", f"name=={reference}").split()
        if reference in present and note.is_file() and note.read_text(encoding="utf-8") == archive.name:
            return False
        self.ctr("import", str(archive))
        # Written last: an import that was cut off is done again.
        self.notes.mkdir(parents=True, exist_ok=True)
        note.write_text(archive.name, encoding="utf-8")
        return True


def main() -> None:
    """Import every archive given as REFERENCE=FILE and tell which were new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("images", nargs="+", metavar="REFERENCE=FILE")
    options = parser.parse_args()
    store = Store(options.socket, options.notes)
    imported = []
    for entry in options.images:
        reference, _equals, archive = entry.partition("=")
        if store.ensure(reference, Path(archive)):
            imported.append(reference)
    print(json.dumps({"imported": imported}))


if __name__ == "__main__":
    main()
