"""Keep everything that runs in the cluster's pods in one control group, so that it can be found and removed."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

TOP = Path("/sys/fs/cgroup")
# A group of this hierarchy takes no process before it is told which of these it may use.
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")


def hierarchies() -> list[Path]:
    """Return the root of every hierarchy: one with cgroups v2, one per controller with v1."""
    if (TOP / "cgroup.controllers").exists():
        return [TOP]
    return [path for path in sorted(TOP.iterdir()) if path.is_dir() and (path / "cgroup.procs").exists()]


def create(name: str) -> bool:
    """Create the group wherever it is missing; return whether it was."""
    created = False
    for top in hierarchies():
        group = top / name
        if not group.exists():
            group.mkdir()
            created = True
        for file in CPUSET_FILES:
            if (group / file).exists() and not (group / file).read_text().strip() and top != TOP:
                (group / file).write_text((top / file).read_text())
    return created


def remove(name: str) -> bool:
    """Remove the group everywhere, the innermost first; return whether there was one."""
    found = False
    for top in hierarchies():
        for folder, _folders, _files in os.walk(top / name, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
                found = True
    return found


def thaw(name: str) -> None:
    """Let frozen processes of the group run: with v1 these do not end before, whatever the signal."""
    for path in (TOP / "freezer" / name).rglob("freezer.state"):
        with contextlib.suppress(OSError):
            path.write_text("THAWED")


def contains(name: str, line: str) -> bool:
    """Tell whether a line of a process's cgroup file names the group."""
    return line.split(":", 2)[2].startswith(f"/{name}/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    print("changed" if create(parser.parse_args().name) else "unchanged")
