"""Have the nodes of a kind cluster run that were stopped or paused, by a restart of the engine or by a test that was cut off.

They are started in the order that is given: an engine gives the lowest free address to each, and a control plane lives with
the one it was made with.
"""

from __future__ import annotations

import argparse
import subprocess

MENDED_BY = {"paused": "unpause", "exited": "start", "created": "start"}


def main() -> None:
    """Start what does not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("docker")
    parser.add_argument("containers", nargs="+")
    options = parser.parse_args()
    changed = False
    for name in options.containers:
        command = [options.docker, "inspect", "--format={{.State.Status}}", name]
        state = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        if state in MENDED_BY:
            subprocess.run([options.docker, MENDED_BY[state], name], check=True, stdout=subprocess.DEVNULL)
            changed = True
    print("changed" if changed else "unchanged")


if __name__ == "__main__":
    main()
