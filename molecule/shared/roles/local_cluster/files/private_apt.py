"""Write an apt configuration of our own, derived from the machine's own package source.

The machine usually lists binary packages of one suite only. Kubernetes is needed as a *source* package and
MySQL comes from another suite, so entries for both are derived from the mirror the machine already trusts.
Everything apt writes goes below our own folder: the machine's package state is never touched.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """One mirror of the Debian archive as the machine knows it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def parse_deb822(text: str) -> Iterator[Source]:
    """Yield the enabled binary entries of a ``*.sources`` file."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = stanza_fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        signed_by = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            yield Source(
                uri=uri.rstrip("/"),
                suites=tuple(fields.get("suites", "").split()),
                components=tuple(fields.get("components", "").split()),
                # An inline key block is no file name; the distribution's keyring holds the same key.
                signed_by=signed_by if signed_by.startswith("/") else DEFAULT_KEYRING,
            )


def stanza_fields(stanza: str) -> dict[str, str]:
    """Return the fields of one deb822 stanza, names in lower case, continuation lines joined."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            if name:
                fields[name] += " " + line.strip()
        elif ":" in line:
            name, _colon, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def parse_one_line(text: str) -> Iterator[Source]:
    """Yield the binary entries of a ``sources.list`` in the one-line format."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<rest>[^#]+)", line)
        if not match:
            continue
        suite, *components = match["rest"].split()
        options = dict(option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
        yield Source(
            uri=match["uri"].rstrip("/"),
            suites=(suite,),
            components=tuple(components),
            signed_by=options.get("signed-by", DEFAULT_KEYRING),
        )


def machine_sources(etc_apt: Path) -> list[Source]:
    """Return every binary entry of the machine, in the order apt reads them."""
    sources: list[Source] = []
    one_line = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    for path in one_line:
        if path.is_file():
            sources.extend(parse_one_line(path.read_text(encoding="utf-8")))
    for path in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        sources.extend(parse_deb822(path.read_text(encoding="utf-8")))
    return sources


def main_archive(sources: list[Source], suite: str) -> Source:
    """Return the mirror that serves the release itself, not its security or backports companion."""
    for source in sources:
        if suite in source.suites and "main" in source.components:
            return source
    sys.exit(f"no apt entry of this machine lists suite '{suite}' with component 'main'")


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file only when its content differs, so that nothing downstream looks newer than it is."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
    return True


def main() -> None:
    """Write ``apt.conf``, ``sources.list`` and one ``<suite>.list`` per image suite below the given folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--release", required=True, help="suite this machine runs")
    parser.add_argument("--suite", action="append", default=[], help="further suite that images are built from")
    parser.add_argument("--etc-apt", type=Path, default=Path("/etc/apt"))
    options = parser.parse_args()

    archive = main_archive(machine_sources(options.etc_apt), options.release)
    entry = f"[signed-by={archive.signed_by}] {archive.uri}"
    folder: Path = options.folder.resolve()
    files = {
        "sources.list": f"deb {entry} {options.release} main\ndeb-src {entry} {options.release} main\n",
        "apt.conf": (
            f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
            'Dir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{folder}/lists";\n'
            f'Dir::Cache "{folder}/cache";\n'
            # A mirror's copy of a suite is often older than its own expiry date.
            'Acquire::Check-Valid-Until "false";\n'
            'Acquire::Languages "none";\n'
        ),
    }
    for suite in {options.release, *options.suite}:
        files[f"{suite}.list"] = f"deb {entry} {suite} main\n"
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    changed = [name for name, text in files.items() if write_if_changed(folder / name, text)]
    print("changed: " + " ".join(sorted(changed)) if changed else "unchanged")


if __name__ == "__main__":
    main()
