# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ``ObjectStore`` in memory, and builders for the objects that tests look at."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.kubemysql.replication.plugins.module_utils.constants import FIELD_MANAGER
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiConflict, ApiError, StaleVersion
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Applied

__all__ = ["FakeObjectStore", "pod"]

T = t.TypeVar("T")
Key = tuple[str, str]
Path = tuple[str, ...]
# These fields identify an object and have no owner.
_IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}


class FakeObjectStore:
    """Keeps objects as a server would, as far as this collection can see it (contracts/object_store.py says how far): fields
    that were applied before and are not any more are removed, foreign fields stay, a field that somebody else set is a
    conflict, and the resource version moves only with the content. Lists are values: nobody owns a part of one.

    ``requests`` lists what was asked, ``failures`` maps (verb, kind) to the error that is raised instead of an answer.
    """

    def __init__(
        self,
        *objects: Manifest,
        version: tuple[int, int] = (1, 30),
        dry_run: bool = False,
        force_conflicts: bool = False,
    ) -> None:
        self.objects: dict[Key, Manifest] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.failures: dict[tuple[str, str], ApiError] = {}
        self.dry_run = dry_run
        self.force_conflicts = force_conflicts
        self._applied: dict[Key, Manifest] = {}
        self._others: dict[Key, dict[Path, str]] = {}
        self._version = version
        self._changes = 0
        for manifest in objects:
            self.put(manifest)

    def put(self, manifest: Manifest) -> None:
        """Let somebody else create or replace an object."""
        self.objects[_key(manifest)] = self._stored(manifest, self.objects.get(_key(manifest)))

    def edit(self, kind: str, name: str, patch: Manifest, manager: str) -> None:
        """Let somebody else set fields, or remove those for which ``patch`` has None. He owns them from then on."""
        live = self.objects[kind, name]
        owners = self._others.setdefault((kind, name), {})
        edited = _merged(live, patch)
        for path, value in _leaves(patch):
            _forget(self._applied.get((kind, name), {}), path)
            if value is None:
                _forget(edited, path)
                owners.pop(path, None)
            else:
                owners[path] = manager
        self.objects[kind, name] = self._stored(edited, live)

    def forcing(self) -> FakeObjectStore:
        """The same objects behind a store that takes over what others own."""
        return self._sharing(dry_run=self.dry_run, force_conflicts=True)

    def planning(self) -> FakeObjectStore:
        """The same objects behind a store that changes nothing."""
        return self._sharing(dry_run=True, force_conflicts=self.force_conflicts)

    def _sharing(self, *, dry_run: bool, force_conflicts: bool) -> FakeObjectStore:
        other = type(self)(version=self._version, dry_run=dry_run, force_conflicts=force_conflicts)
        other.objects, other.requests, other.failures = self.objects, self.requests, self.failures
        other._applied, other._others, other._changes = self._applied, self._others, self._changes
        return other

    def server_version(self) -> tuple[int, int]:
        self._note("version", "", "")
        return self._version

    def get(self, kind: str, name: str) -> Manifest | None:
        self._note("get", kind, name)
        return _deep(self.objects.get((kind, name)))

    def list(self, kind: str, selector: Mapping[str, str]) -> list[Manifest]:
        self._note("list", kind, "")
        found = [each for (its_kind, _name), each in sorted(self.objects.items()) if its_kind == kind]
        return [_deep(each) for each in found if selector.items() <= each["metadata"].get("labels", {}).items()]

    def apply(self, manifest: Manifest) -> Applied:
        key = _key(manifest)
        self._note("apply", *key)
        live = self.objects.get(key)
        manifest = _checked_version(key, live, manifest)
        taken = self._taken(key, live, manifest)
        if taken and not self.force_conflicts:
            raise _conflict(key, taken)
        kept = _without(_deep(live or {}), self._applied.get(key, {}), manifest)
        merged = _merged(kept, manifest)
        merged["metadata"]["managedFields"] = _managers(live)
        stored = self._stored(merged, live)
        if not self.dry_run:
            self.objects[key] = stored
            self._applied[key] = _deep(manifest)
            for path in taken:
                self._others[key].pop(path)
        return Applied(_deep(stored), created=live is None)

    def take_over(self, manifest: Manifest) -> Applied:
        key = _key(manifest)
        self._note("take_over", *key)
        twin = self._sharing(dry_run=self.dry_run, force_conflicts=True)
        twin.requests = []
        # All fields count as applied by us first; in a plan only as long as this lasts.
        twin._applied = {**self._applied, key: _fields(self.objects.get(key, {}))}
        applied = twin.apply(manifest)
        self._changes = twin._changes
        if not self.dry_run:
            self._applied[key] = _deep(manifest)
            self._others.pop(key, None)
        return applied

    def amend(self, kind: str, name: str, patch: Manifest) -> Applied:
        if (kind, name) not in self.objects:
            raise ApiError(f"cannot amend {kind} {name}: there is none", 404)
        identity = {"kind": kind, "metadata": {"name": name}}
        return self.apply(_merged(_merged(self._applied.get((kind, name), {}), identity), patch))

    def annotate(self, kind: str, name: str, annotations: Mapping[str, str]) -> None:
        self._note("annotate", kind, name)
        live = self.objects.get((kind, name))
        if live is not None and not self.dry_run:
            self.objects[kind, name] = self._stored(_merged(live, {"metadata": {"annotations": dict(annotations)}}), live)

    def delete(self, kind: str, name: str, *, orphan: bool = False) -> None:
        self._note("orphan" if orphan else "delete", kind, name)
        if not self.dry_run:
            self.objects.pop((kind, name), None)
            self._applied.pop((kind, name), None)
            self._others.pop((kind, name), None)

    def _taken(self, key: Key, live: Manifest | None, manifest: Manifest) -> dict[Path, str]:
        """The fields of ``manifest`` which somebody else owns with another value."""
        owners, now, wanted = self._others.get(key, {}), dict(_leaves(live or {})), dict(_leaves(manifest))
        return {path: owner for path, owner in owners.items() if path in wanted and wanted[path] != now.get(path)}

    def _note(self, verb: str, kind: str, name: str) -> None:
        self.requests.append((verb, kind, name))
        if (verb, kind) in self.failures:
            raise self.failures[verb, kind]

    def _stored(self, manifest: Manifest, live: Manifest | None) -> Manifest:
        stored = _deep(manifest)
        metadata = stored.setdefault("metadata", {})
        if live is not None and _content(live) == _content(stored):
            return _deep(live)
        if "spec" in stored:
            old = (live or {}).get("metadata", {}).get("generation", 0)
            metadata["generation"] = old + ((live or {}).get("spec") != stored["spec"])
        self._changes += 1
        metadata.setdefault("uid", f"uid-{self._changes}")
        metadata["resourceVersion"] = str(self._changes)
        return stored


def _deep(value: T) -> T:
    """A copy of a JSON value; several times faster than ``copy.deepcopy``, which most tests would wait for."""
    copied: T = _copied(value)
    return copied


def _copied(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _copied(below) for key, below in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _checked_version(key: Key, live: Manifest | None, manifest: Manifest) -> Manifest:
    """``manifest`` without the resourceVersion for which it is meant, which must be the object's."""
    metadata = dict(manifest["metadata"])
    version = metadata.pop("resourceVersion", None)
    if version is not None and version != (live or {}).get("metadata", {}).get("resourceVersion"):
        raise StaleVersion(f"cannot apply {key[0]} {key[1]}: another run has changed it", 409)
    return {**manifest, "metadata": metadata}


def _key(manifest: Manifest) -> Key:
    return str(manifest["kind"]), str(manifest["metadata"]["name"])


def _content(manifest: Manifest) -> Manifest:
    hidden = ("uid", "resourceVersion", "generation")
    return {**manifest, "metadata": {key: value for key, value in manifest["metadata"].items() if key not in hidden}}


def _leaves(value: Manifest, path: Path = ()) -> Iterator[tuple[Path, t.Any]]:
    for key, below in value.items():
        place = (*path, str(key))
        if isinstance(below, dict) and below:
            yield from _leaves(below, place)
        elif place not in _IDENTITY:
            yield place, below


def _fields(manifest: Manifest) -> Manifest:
    """The fields that a client has set: neither the server's bookkeeping nor the status."""
    bookkeeping = ("uid", "resourceVersion", "generation", "managedFields", "name", "namespace")
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key not in bookkeeping}
    return {**{key: value for key, value in manifest.items() if key != "status"}, "metadata": metadata}


def _forget(manifest: Manifest, path: Path) -> None:
    *parents, last = path
    for step in parents:
        manifest = manifest.get(step, {})
    manifest.pop(last, None)


def _conflict(key: Key, taken: Mapping[Path, str]) -> ApiConflict:
    fields = ["." + ".".join(path) for path in taken]
    held = "; ".join(f'{field}: conflict with "{owner}"' for field, owner in zip(fields, taken.values(), strict=True))
    return ApiConflict(f"cannot apply {key[0]} {key[1]}: {held}", 409, conflicts=fields)


def _managers(live: Manifest | None) -> list[Manifest]:
    """Who set fields of an object: whoever did before, and this collection."""
    ours = {"manager": FIELD_MANAGER, "operation": "Apply"}
    others = (live or {}).get("metadata", {}).get("managedFields") or []
    return [*(each for each in others if each != ours), ours]


def _merged(live: t.Any, new: t.Any) -> t.Any:
    if isinstance(live, dict) and isinstance(new, dict):
        return {**live, **{key: _merged(live.get(key), value) for key, value in new.items()}}
    return _deep(new)


def _without(live: Manifest, before: Manifest, now: Manifest) -> Manifest:
    """``live`` less what was applied before and is not applied now."""
    for key, value in before.items():
        if key not in now:
            live.pop(key, None)
        elif isinstance(value, dict) and isinstance(now[key], dict) and isinstance(live.get(key), dict):
            live[key] = _without(live[key], value, now[key])
    return live


def pod(name: str, labels: Mapping[str, str], *, ready: bool = True, running: bool = True, **more: t.Any) -> Manifest:
    """A pod as the kubelet reports it; ``more`` goes into its metadata."""
    state: Manifest = {"running": {}} if running else {"waiting": {"reason": "PodInitializing"}}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels), **more},
        "spec": {"nodeName": f"node-{name.rpartition('-')[2]}"},
        "status": {
            "phase": "Running" if running else "Pending",
            "podIP": f"10.0.0.{int(name.rpartition('-')[2]) + 10}",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "mysql", "state": state, "restartCount": 0}],
        },
    }
