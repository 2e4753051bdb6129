"""Build a container image without a container engine: a root file system, packed as a docker archive.

The archive appears under its final name with one rename, so a build that was cut off is never taken for an image.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

# A fixed time makes the same inputs give the same bytes.
EPOCH = 1_700_000_000
# Beyond this size a file's content is not read to see whether it has changed.
LARGE = 1 << 20
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
EXCLUDED = ("doc", "man", "locale", "info", "lintian", "bug", "mysql-test", "bash-completion")


def build_root(image: dict[str, Any], context: Path, apt_list: Path, inputs: dict[str, Path], layer: Path) -> None:
    """Install the image's packages into a new root and write it as one tar."""
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root"]
    # A mirror's copy of a suite is often older than its own expiry date.
    command += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=APT::Install-Recommends "false"']
    command += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in EXCLUDED]
    command += [f"--include={','.join(image['packages'])}"]
    command += [f"--customize-hook={context / 'customize.sh'}"]
    command += [image["suite"], str(layer), str(apt_list)]
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
        "IMAGE_CONTEXT": str(context),
        "IMAGE_VERSION": image["version"],
        "SOURCE_DATE_EPOCH": str(EPOCH),
        **{f"IMAGE_{name.upper()}": str(path) for name, path in inputs.items()},
    }
    subprocess.run(command, env=environment, check=True, stdout=sys.stderr)


def build_static(source: Path, layer: Path) -> None:
    """Compile one static C program and make it the only file of a layer."""
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch, source.stem)
        subprocess.run(["gcc", "-static", "-Os", "-s", "-o", str(program), str(source)], check=True)
        with tarfile.open(layer, "w") as tar:
            member = tarfile.TarInfo(program.name)
            member.size, member.mode, member.mtime = program.stat().st_size, 0o755, EPOCH
            with program.open("rb") as stream:
                tar.addfile(member, stream)


def add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a small file to an archive."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(content), EPOCH
    tar.addfile(member, io.BytesIO(content))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file that is too large to read at once."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def pack(layer: Path, reference: str, config: dict[str, Any], archive: Path) -> None:
    """Wrap one layer into a docker archive."""
    digest = file_digest(layer)
    image = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "created": "2023-11-14T22:13:20Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    image_bytes = json.dumps(image, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(image_bytes).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        add_bytes(tar, config_name, image_bytes)
        tar.add(layer, arcname=f"{digest}/layer.tar")
        add_bytes(tar, "manifest.json", json.dumps(manifest).encode())


def files_of(path: Path) -> list[Path]:
    """Return a file, or the files of a folder, to any depth."""
    return [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]


def identity(path: Path) -> bytes:
    """Return what tells a file from another of its name: its content, or of a large one when it was written."""
    state = path.stat()
    return path.read_bytes() if state.st_size < LARGE else f"{state.st_size} {state.st_mtime_ns}".encode()


def build_key(source: Path, inputs: dict[str, Path]) -> str:
    """Return a digest of everything that decides how the image looks, except what the mirror has today."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for origin in (source, source.parent / "common", *inputs.values()):
        for path in files_of(origin) if origin.exists() else ():
            if path.suffix != ".pyc":
                digest.update(path.name.encode() + b"\0" + identity(path))
    return digest.hexdigest()[:12]


def build(source: Path, reference: str, archive: Path, apt_folder: Path | None, inputs: dict[str, Path]) -> None:
    """Build an archive beside its final place."""
    work = archive.with_name(archive.name + ".partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    layer = work / "layer.tar"
    config: dict[str, Any] = {"Entrypoint": [f"/{source.stem}"]}
    if apt_folder:
        image = json.loads((source / "image.json").read_text(encoding="utf-8"))
        config = image["config"]
        build_root(image, source, apt_folder / f"{image['suite']}.list", inputs, layer)
    else:
        build_static(source, layer)
    pack(layer, reference, config, work / "image.tar")
    os.replace(work / "image.tar", archive)
    shutil.rmtree(work)


def prune(cache: Path, name: str) -> None:
    """Keep the two newest archives of an image: two clones may well want different ones."""
    archives = sorted(cache.glob(f"{name}-*.tar"), key=lambda path: path.stat().st_mtime)
    for path in archives[:-2]:
        path.unlink()


def main() -> None:
    """Build the image a folder describes, or one around a single C file, unless the cache has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder with image.json, or a C file")
    parser.add_argument("cache", type=Path, help="folder the archives are kept in")
    parser.add_argument("--reference", required=True, help="the image's name with its tag; {key} is what it is made of")
    parser.add_argument("--apt-folder", type=Path, help="folder with <suite>.list files, for a folder's image")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=PATH", help="what else the image is made of")
    options = parser.parse_args()

    inputs = {name: Path(path).resolve() for name, _equals, path in (each.partition("=") for each in options.input)}
    source: Path = options.source.resolve()
    cache: Path = options.cache.resolve()
    name = source.stem
    key = build_key(source, inputs)
    reference = options.reference.format(key=key)
    archive = cache / f"{name}-{key}.tar"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        changed = not archive.exists()
        if changed:
            build(source, reference, archive, options.apt_folder and options.apt_folder.resolve(), inputs)
            prune(cache, name)
    print(json.dumps({"changed": changed, "image": f"{reference}={archive}"}))


if __name__ == "__main__":
    main()
