"""Keep everything that runs in the cluster's pods in one control group, so that it can be found and removed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TOP = Path("/sys/fs/cgroup")
NAME = "kubemysql"
# A group of this hierarchy takes no process before it is told which of these it may use.
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")


def hierarchies() -> list[Path]:
    """Return the root of every hierarchy: one with cgroups v2, one per controller with v1."""
    if (TOP / "cgroup.controllers").exists():
        return [TOP]
    return [path for path in sorted(TOP.iterdir()) if path.is_dir() and (path / "cgroup.procs").exists()]


def create() -> bool:
    """Create the group wherever it is missing; return whether it was."""
    created = False
    for top in hierarchies():
        group = top / NAME
        if not group.exists():
            group.mkdir()
            created = True
        for name in CPUSET_FILES:
            if (group / name).exists() and not (group / name).read_text().strip() and top != TOP:
                (group / name).write_text((top / name).read_text())
    return created


def remove() -> bool:
    """Remove the group everywhere, the innermost first; return whether there was one."""
    found = False
    for top in hierarchies():
        for folder, _folders, _files in os.walk(top / NAME, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
                found = True
    return found


def contains(line: str) -> bool:
    """Tell whether a line of a process's cgroup file names our group."""
    return line.split(":", 2)[2].startswith(f"/{NAME}/")


if __name__ == "__main__":
    print("changed" if create() else "unchanged")
