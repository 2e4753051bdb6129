# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ConfigMaps of older revisions. They are deleted when no pod uses them and none will be made from a template that names them.

A template names its ConfigMaps by their content. During a rollout pods of the older template restart, and the StatefulSet
controller makes new ones from it; so the older ConfigMaps stay until the controller has completed the rollout. A run that
ends before that leaves them, and the next one finds and deletes them.
"""

from __future__ import annotations

from ..kube.port import ObjectStore
from ..kube.stateful_set import StatefulSetView, completion_pending, rollout_pending
from ..names import Names
from ..state.live_objects import LiveObjects
from ..state.reader import read_pods
from .diff import Change

__all__ = ["is_superseded", "without_early_prunes", "without_superseded"]


def is_superseded(change: Change) -> bool:
    """True for the deletion of a ConfigMap that no manifest names any more."""
    return (change.action, change.kind) == ("delete", "ConfigMap")


def without_superseded(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(change for change in changes if not is_superseded(change))


def without_early_prunes(
    store: ObjectStore, names: Names, live: LiveObjects, changes: tuple[Change, ...], *, wait: bool
) -> tuple[Change, ...]:
    """``changes`` less what the run must leave to a later one: without ``wait`` it does not see the end of a rollout."""
    rest = without_superseded(changes)
    return changes if wait or rest == changes or _rolled_out(store, names, live, rest) else rest


def _rolled_out(store: ObjectStore, names: Names, live: LiveObjects, changes: tuple[Change, ...]) -> bool:
    """True if every pod is ready on the newest template, and ``changes`` begin no other rollout."""
    found = live.get("StatefulSet", names.stateful_set)
    if found is None or any(change.kind == "StatefulSet" and change.action != "none" for change in changes):
        return False
    stateful_set = StatefulSetView.parse(found)
    if completion_pending(stateful_set) is not None:
        return False
    pods = [pod for name, pod in read_pods(store, names.selector).items() if names.is_instance(name)]
    return rollout_pending(stateful_set, pods) is None
