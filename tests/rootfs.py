# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images' root file systems, unpacked once per machine from the archives that the local cluster uses, too."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROLE_FILES = Path(__file__).resolve().parents[1] / "molecule" / "shared" / "roles" / "local_cluster" / "files"
# The user that the images run their servers as.
UID = 999
# A container runtime would create these for the pod's mounts.
MOUNT_POINTS = (
    "volume",
    "scratch",
    "kubemysql/scripts",
    "kubemysql/config",
    "kubemysql/thresholds",
    "kubemysql/topology",
    "kubemysql/secret",
    "kubemysql/tls",
    "docker-entrypoint-initdb.d",
    "run/mysqld",
    "allowed",
    "spare",
)
MOUNTED_FILES = ("etc/hosts", "docker-entrypoint-initdb.d/zz-kubemysql.sh")


def cache_dir() -> Path:
    """The local cluster's cache folder; its role finds it the same way."""
    home = os.environ.get("KUBEMYSQL_HOME") or f"{os.environ['HOME']}/.cache/kubemysql"
    return Path(home, "cache")


def image_archive(cache: Path, name: str) -> Path:
    """The archive of an image, built if the cache lacks it."""
    release = next(
        line.partition("=")[2].strip().strip('"')
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        if line.startswith("VERSION_CODENAME=")
    )
    if not shutil.which("mmdebstrap"):
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", "mmdebstrap"], check=True, stdout=sys.stderr
        )
    source = ROLE_FILES / "images" / name
    image = json.loads((source / "image.json").read_text(encoding="utf-8"))
    release = release if image["suite"] == "sid" else image["suite"]
    run_role_file("private_apt.py", str(cache / "apt"), f"--release={release}", "--suite=sid")
    reference = f"docker.io/library/{name}:{image['version']}"
    answer = run_role_file(
        "build_image.py", str(source), str(cache / "images"), f"--reference={reference}", f"--apt-folder={cache / 'apt'}"
    )
    return Path(json.loads(answer)["image"].partition("=")[2])


def run_role_file(name: str, *arguments: str) -> str:
    command = [sys.executable, "-B", str(ROLE_FILES / name), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def unpack(archive: Path, root: Path, image_name: str) -> None:
    """Unpack the archive's only layer; the rename makes it appear whole or not at all."""
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tarfile.open(archive) as image:
        manifest = image.extractfile("manifest.json")
        assert manifest
        (layer,) = json.load(manifest)[0]["Layers"]
        stream = image.extractfile(layer)
        assert stream
        subprocess.run(["tar", "-x", "--exclude=./dev/*", "-C", str(partial)], stdin=None, input=stream.read(), check=True)
    for name in MOUNT_POINTS:
        (partial / name).mkdir(parents=True, exist_ok=True)
    for name in MOUNTED_FILES:
        (partial / name).touch()
    link_allowed_programs(partial, image_name)
    partial.rename(root)


# The programs that our scripts may use: those of the slim official image.
COMMON = {"bash", "awk", "sed", "getent", "find", "xargs", "openssl", "gzip"}
PROGRAMS = {
    "mysql": COMMON | {"mysqld", "mysql", "mysqladmin"},
    "mariadb": COMMON | {"mariadbd", "mariadb", "mariadb-backup", "mbstream", "socat", "flock"},
}
# Some tests put another one in the place of what the image has.
SPARE = {"mysql": set(), "mariadb": {"ncat"}}


def link_allowed_programs(root: Path, image: str) -> None:
    """Fill /allowed with links to all that the scripts may use, and /spare with what a test may add."""
    programs = set(PROGRAMS[image])
    listing = Path(root, "var/lib/dpkg/info/coreutils.list").read_text(encoding="utf-8")
    programs.update(Path(line).name for line in listing.splitlines() if "/bin/" in line)
    for folder, names in (("allowed", programs), ("spare", SPARE[image])):
        for program in sorted(names):
            found = next(
                (f"/usr/{part}/{program}" for part in ("bin", "sbin") if (root / "usr" / part / program).exists()), None
            )
            assert found, f"the image has no {program}"
            (root / folder / program).symlink_to(found)


def root_file_system(image: str = "mysql") -> Path:
    """The unpacked root of an image, made on the first call."""
    cache = cache_dir()
    archive = image_archive(cache, image)
    roots = cache / "roots"
    roots.mkdir(parents=True, exist_ok=True)
    # This file is part of the key, since it decides what the root looks like.
    root = roots / f"{archive.stem}-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]}"
    with open(roots / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            unpack(archive, root, image)
    return root
