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
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
EXCLUDED = ("doc", "man", "locale", "info", "lintian", "bug", "mysql-test", "bash-completion")


def build_root(image: dict[str, Any], context: Path, apt_list: Path, layer: Path) -> None:
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


def build_key(source: Path) -> str:
    """Return a digest of everything that decides how the image looks, except what the mirror has today."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    folders = (source, source.parent / "common")
    files = [path for folder in folders for path in sorted(folder.glob("*"))] if source.is_dir() else [source]
    for path in files:
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def build(source: Path, reference: str, archive: Path, apt_folder: Path | None) -> None:
    """Build an archive beside its final place."""
    work = archive.with_name(archive.name + ".partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    layer = work / "layer.tar"
    config: dict[str, Any] = {"Entrypoint": [f"/{source.stem}"]}
    if apt_folder:
        image = json.loads((source / "image.json").read_text(encoding="utf-8"))
        config = image["config"]
        build_root(image, source, apt_folder / f"{image['suite']}.list", layer)
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
    parser.add_argument("--reference", required=True, help="the image's name with its tag")
    parser.add_argument("--apt-folder", type=Path, help="folder with <suite>.list files, for a folder's image")
    options = parser.parse_args()

    source: Path = options.source.resolve()
    cache: Path = options.cache.resolve()
    name = source.stem
    archive = cache / f"{name}-{build_key(source)}.tar"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        changed = not archive.exists()
        if changed:
            build(source, options.reference, archive, options.apt_folder and options.apt_folder.resolve())
            prune(cache, name)
    print(json.dumps({"changed": changed, "image": f"{options.reference}={archive}"}))


if __name__ == "__main__":
    main()
