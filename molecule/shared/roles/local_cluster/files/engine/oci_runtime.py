"""An OCI runtime for machines without CAP_SYS_RESOURCE: take out of a container's description what needs it, then run runc.

A privileged container asks for every capability; runc refuses to start it where one of them cannot be given.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

RUNC = "runc"
LACKING = "CAP_SYS_RESOURCE"


def argument(words: list[str], name: str) -> str | None:
    """Return the value of an option, given as one word or as two."""
    for position, word in enumerate(words):
        if word == name:
            return words[position + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def strip(process: dict[str, Any]) -> None:
    """Take the capability out of every set, and a negative OOM score, which needs it."""
    for names in (process.get("capabilities") or {}).values():
        if LACKING in names:
            names.remove(LACKING)
    if process.get("oomScoreAdj", 0) < 0:
        process["oomScoreAdj"] = 0


def rewrite(path: Path, key: str | None) -> None:
    """Strip the process that a file describes, which is the whole file or the value of a key."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    strip(content[key] if key else content)
    path.write_text(json.dumps(content), encoding="utf-8")


def main() -> None:
    """Strip the description that the command line names, and become runc."""
    words = sys.argv[1:]
    bundle, process = argument(words, "--bundle"), argument(words, "--process")
    if bundle and "create" in words:
        rewrite(Path(bundle, "config.json"), "process")
    elif process and "exec" in words:
        rewrite(Path(process), None)
    os.execvp(RUNC, [RUNC, *words])  # noqa: S606 the caller has to see runc's own end


if __name__ == "__main__":
    main()
