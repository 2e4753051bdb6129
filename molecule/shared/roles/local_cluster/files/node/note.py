"""Write down how the machine is before the engine's containers change it, so that clean.py can put it back.

Node containers are privileged, and their kubelets set kernel settings that all containers share.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from network import NOTED_SETTINGS, note_machine


def main() -> None:
    """Write the note unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    note_machine(options.run / "before.json", list(NOTED_SETTINGS))


if __name__ == "__main__":
    main()
