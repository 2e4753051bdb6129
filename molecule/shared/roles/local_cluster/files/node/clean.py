"""End the cluster and remove everything it left on this machine.

What is ours is told by where it points: processes by their records, by our control group or by our containerd's
address in their arguments; mounts by our folders; rules by our chains. Each step finds nothing the second time, so an
interrupted run is simply run again. The folder with the notes goes last.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cgroups
from daemons import MARK, Daemons
from network import CHAINS, POD_LOGS
from processes import Record, boot_id, start_time

WAIT_SECONDS = 10.0
SHIM_SOCKETS = Path("/run/containerd/s")
CNI_RESULTS = Path("/var/lib/cni/results")


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command and return what it printed, whether it succeeded or not."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, input=stdin)
    return result.stdout


def processes() -> Iterator[int]:
    """Yield every process id of the machine."""
    yield from (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())


def read(path: Path) -> bytes:
    """Return a file of /proc, or nothing if the process has gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def belongs(pid: int, run_folder: Path, group: str) -> bool:
    """Tell whether a process is one of ours: a daemon or a shim by its mark, a container by its control group."""
    proc = Path(f"/proc/{pid}")
    if f"{MARK}={run_folder}".encode() in read(proc / "environ").split(b"\0"):
        return True
    if str(run_folder / "containerd.sock").encode() in read(proc / "cmdline").split(b"\0"):
        return True
    groups = read(proc / "cgroup").decode(errors="replace").splitlines()
    return any(cgroups.contains(group, line) for line in groups)


def end_processes(run_folder: Path, logs: Path, group: str) -> bool:
    """End the daemons, then whatever they started, until nothing of it is left."""
    found = False
    daemons = {record.name: record for record in Daemons(run_folder, logs).all()}
    # Whoever would restart the others goes first, and does so with force: its state is removed anyway.
    for name in sorted(daemons, key=lambda name: name != "kubelet"):
        found |= daemons[name].stop(seconds=0)
    cgroups.thaw(group)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        pids = (pid for pid in processes() if pid != os.getpid())
        ours = [pid for pid in pids if belongs(pid, run_folder, group) and start_time(pid)]
        if not ours:
            return found
        if time.monotonic() > deadline:
            sys.exit(f"processes {ours} do not end")
        found = True
        for pid in ours:
            started = start_time(pid)
            if started:
                with contextlib.suppress(OSError):
                    kill(pid, started)
        time.sleep(0.05)


def kill(pid: int, started: int) -> None:
    """Kill a process, pinned so that a reused id is never hit."""
    handle = os.pidfd_open(pid)
    try:
        if Record("", pid, started, boot_id(), "").running():
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)


def mounts_below(folders: Iterable[Path]) -> list[str]:
    """Return the mount points below our folders, the innermost first."""
    prefixes = tuple(f"{folder}/" for folder in folders)
    points = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point.startswith(prefixes):
            points.append(point)
    return points[::-1]


def unmount(folders: list[Path]) -> bool:
    """Unmount everything below our folders."""
    points = mounts_below(folders)
    for point in points:
        run("umount", "--lazy", point)
    if mounts_below(folders):
        sys.exit(f"still mounted: {mounts_below(folders)}")
    return bool(points)


def remove_network(bridge: str) -> bool:
    """Remove the bridge and every chain that is ours, kubelet's or kube-proxy's."""
    found = False
    if run("ip", "-o", "link", "show", "dev", bridge):
        ports = json.loads(run("ip", "-json", "link", "show", "master", bridge) or "[]")
        for port in ports:
            run("ip", "link", "delete", port["ifname"])
        run("ip", "link", "delete", bridge)
        found = True
    for version in ("iptables", "ip6tables"):
        for table in sorted({table for table, _chain in CHAINS} | {"nat"}):
            found |= remove_chains(version, table)
    return found


def remove_chains(program: str, table: str) -> bool:
    """Remove our chains of one table, and the rules that lead there, in one step."""
    ours = ("KUBEMYSQL-", "KUBE-")
    lines = run(f"{program}-save", "-t", table).splitlines()
    chains = [line[1:].split()[0] for line in lines if line.startswith(tuple(f":{name}" for name in ours))]
    if not chains:
        return False
    rules = [line for line in lines if line.startswith("-A ") and line.split()[1] not in chains]
    leading = [rule for rule in rules if any(word in chains for word in rule.split())]
    script = [f"*{table}", *(f":{chain} - [0:0]" for chain in chains)]
    script += [f"-D {rule[3:]}" for rule in leading]
    script += [f"-X {chain}" for chain in chains]
    run(f"{program}-restore", "--wait", "--noflush", stdin="\n".join([*script, "COMMIT", ""]))
    return True


def noted(run_folder: Path) -> dict[str, Any]:
    """Return how the machine was before the cluster, as far as that is known."""
    try:
        before: dict[str, Any] = json.loads((run_folder / "before.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"settings": {}, "pod_logs": True, "missing": []}
    return before


def restore_settings(settings: dict[str, str]) -> None:
    """Put kernel settings back as they were before."""
    for name, value in settings.items():
        with contextlib.suppress(OSError):
            (Path("/proc/sys") / name).write_text(value)


def remove_pod_logs(state: Path, others: bool) -> None:
    """Remove our pods' log folders: the kubelet puts them where any other kubelet puts its own."""
    ours = {path.name for path in (state / "kubelet/pods").glob("*")}
    for folder in POD_LOGS.glob("*"):
        if not others or folder.name.rpartition("_")[2] in ours:
            shutil.rmtree(folder, ignore_errors=True)
    links = POD_LOGS.with_name("containers")
    for link in links.glob("*.log"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    for folder in (POD_LOGS, links):
        with contextlib.suppress(OSError):
            folder.rmdir()


def remove_traces() -> None:
    """Remove what containerd and its network plugins leave in places of their own choice."""
    for path in SHIM_SOCKETS.glob("*"):
        with socket.socket(socket.AF_UNIX) as stream:
            try:
                stream.connect(str(path))
            except ConnectionRefusedError:
                # Nobody listens any more: the shim of one of our containers was killed.
                path.unlink(missing_ok=True)
            except OSError:
                continue
    for path in CNI_RESULTS.glob("kubemysql-*"):
        # The plugins keep one more file per pod, for its loopback, which does not bear our network's name.
        for result in CNI_RESULTS.glob(f"*-{path.name.split('-')[1]}-*"):
            result.unlink(missing_ok=True)
    for folder in (SHIM_SOCKETS, SHIM_SOCKETS.parent, CNI_RESULTS, CNI_RESULTS.parent):
        with contextlib.suppress(OSError):
            folder.rmdir()


def remove_made_folders(names: list[str]) -> None:
    """Remove folders that were not there before, and that nobody has used since."""
    for name in names:
        with contextlib.suppress(OSError):
            Path(name).rmdir()


def remove_folders(folders: list[Path]) -> bool:
    """Remove our folders, and never across a mount."""
    found = False
    for folder in folders:
        if folder.exists():
            if mounts_below([folder]):
                sys.exit(f"something is mounted below {folder} again")
            shutil.rmtree(folder)
            found = True
    return found


def main() -> None:
    """Remove the cluster and tell whether there was anything to remove."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--bridge", required=True)
    parser.add_argument("--cgroup", required=True)
    options = parser.parse_args()
    state: Path = options.state
    run_folder: Path = options.run
    found = end_processes(run_folder, state / "log", options.cgroup)
    remove_traces()
    before = noted(run_folder)
    remove_pod_logs(state, others=before["pod_logs"])
    found |= unmount([state, run_folder])
    found |= remove_network(options.bridge)
    found |= cgroups.remove(options.cgroup)
    restore_settings(before["settings"])
    remove_made_folders(before.get("missing", []))
    found |= remove_folders([state, run_folder])
    print("changed" if found else "unchanged")


if __name__ == "__main__":
    main()
