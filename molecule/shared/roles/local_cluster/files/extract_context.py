"""Copy one context of a kubeconfig into a file of our own that needs no other file.

The caller's kubeconfig is only read, and the context is the one the caller names: its current context may change at
any time, and with it what a run would touch.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
from pathlib import Path
from typing import Any

import yaml

# Fields that name a file, and the field that holds such a file's content instead.
FILE_FIELDS = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}


def entry(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return a named cluster, user or context, or end with what there is instead."""
    entries: list[dict[str, Any]] = config.get(f"{kind}s") or []
    for item in entries:
        if item["name"] == name:
            return item
    known = ", ".join(sorted(item["name"] for item in entries)) or "none"
    sys.exit(f"the kubeconfig has no {kind} '{name}' (it has: {known})")


def embed(item: dict[str, Any], kind: str, folder: Path) -> dict[str, Any]:
    """Return an entry with the files it names put into it; their paths are relative to the kubeconfig."""
    fields = dict(item[kind])
    for file_field, data_field in FILE_FIELDS.items():
        if file_field in fields:
            content = (folder / fields.pop(file_field)).read_bytes()
            fields[data_field] = base64.b64encode(content).decode()
    if "tokenFile" in fields:
        fields["tokenFile"] = str((folder / fields["tokenFile"]).resolve())
    return {"name": item["name"], kind: fields}


def extract(path: Path, name: str) -> dict[str, Any]:
    """Return a kubeconfig that holds one context and nothing else."""
    config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    context = entry(config, "context", name)
    cluster = entry(config, "cluster", context["context"]["cluster"])
    user = entry(config, "user", context["context"]["user"])
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [embed(cluster, "cluster", path.parent)],
        "users": [embed(user, "user", path.parent)],
        "contexts": [context],
        "current-context": name,
    }


def main() -> None:
    """Write the context's own kubeconfig, if it is not there already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("context")
    parser.add_argument("destination", type=Path)
    options = parser.parse_args()
    destination: Path = options.destination
    try:
        if destination.exists() and destination.samefile(options.kubeconfig):
            sys.exit("the kubeconfig named is our own copy; name the one it was made from")
        text = yaml.safe_dump(extract(options.kubeconfig, options.context), sort_keys=False)
    except OSError as error:
        sys.exit(f"cannot read {error.filename}: {error.strerror}")
    if destination.exists() and destination.read_text(encoding="utf-8") == text:
        print("unchanged")
        return
    partial = destination.with_name(destination.name + ".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    partial.rename(destination)
    print("changed")


if __name__ == "__main__":
    main()
