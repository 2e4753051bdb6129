# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses changes of the server that its data cannot follow. The primary's pod is replaced last, so it shows the present ones.

A rollout that stopped at its first pod can therefore be taken back: the primary still runs the earlier server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import SpecError
from ..kube.image import ImageReference
from ..kube.manifest import Manifest
from ..kube.pod import PodView
from ..kube.port import ObjectStore
from ..manifests.bundle import Bundle
from ..mysql.server import Server
from ..mysql.version import ServerVersion
from ..spec import ClusterSpec
from ..state.live_objects import LiveObjects
from ..state.reader import read_pod

__all__ = ["check_transition"]

# mysqld does not start on data that were initialised with another value:
# https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_lower_case_table_names
_FIXED = ("innodb_page_size", "lower_case_table_names")
# The newest series to which MySQL upgrades data of each series at once; the last row is for all newer ones:
# https://dev.mysql.com/doc/refman/9.4/en/upgrade-paths.html
_UPGRADES = (((5, 7), (8, 0)), ((8, 3), (8, 4)), ((9, 6), (9, 7)))
_NEW_CLUSTER = "dump the data, and load them into a new cluster"


def check_transition(
    store: ObjectStore, live: LiveObjects, spec: ClusterSpec, bundle: Bundle, primary: str, *, bootstrapped: bool
) -> None:
    """Raise ``SpecError`` if the primary's data cannot be used by the server or with the options of ``bundle``."""
    stateful_set = live.get("StatefulSet", spec.names.stateful_set)
    if stateful_set is None or not bootstrapped:
        return
    (desired,) = (each for each in bundle if each["kind"] == "StatefulSet")
    before, after = _as_pod(primary, stateful_set), _as_pod(primary, desired)
    if (before.image, before.flavour, before.config_maps.get("config")) == (
        after.image,
        after.flavour,
        after.config_maps["config"],
    ):
        return
    pod = read_pod(store, primary) or before
    _check_server(pod, spec.server)
    held = live.get("ConfigMap", pod.config_maps.get("config", ""))
    if held is not None:
        (config,) = (each for each in bundle if each["metadata"]["name"] == after.config_maps["config"])
        _check_options(held["data"].values(), config["data"].values())


def _as_pod(name: str, stateful_set: Manifest) -> PodView:
    """A pod as the StatefulSet's template makes it."""
    return PodView.parse({"metadata": {"name": name}, "spec": stateful_set["spec"]["template"]["spec"]})


def _check_server(pod: PodView, wanted: Server) -> None:
    if pod.flavour is not None and pod.flavour != wanted.flavour:
        raise SpecError(
            "image",
            f"{wanted} cannot use the data of {pod.name}, which are {pod.flavour}'s; {_NEW_CLUSTER}. Nothing was changed",
        )
    found = _version(pod, wanted)
    if found is None:
        return
    new = wanted.version
    if (new.major, new.minor) < (found.major, found.minor):
        raise SpecError(
            "image",
            f"{wanted} is older than {found.number}, which {pod.name} runs, and servers do not start on data of a newer one; "
            f"{_NEW_CLUSTER}. Nothing was changed",
        )
    newest = next((last for since, last in _UPGRADES if (found.major, found.minor) <= since), None)
    if wanted.flavour == "mysql" and newest is not None and (new.major, new.minor) > newest:
        raise SpecError(
            "image",
            f"MySQL does not upgrade data of {found.number}, which {pod.name} runs, to {new.number} at once; upgrade to "
            f"{newest[0]}.{newest[1]} first. Nothing was changed",
        )


def _version(pod: PodView, wanted: Server) -> ServerVersion | None:
    """By the tag of the image that the pod runs; None if that does not show it."""
    try:
        tag = ImageReference.parse("image", pod.image or "").tag
        return ServerVersion.of_tag(tag or "", wanted.flavour)
    except (SpecError, ValueError):
        return None


def _check_options(before: Iterable[str], after: Iterable[str]) -> None:
    for name in _FIXED:
        found, given = _values(name, before), _values(name, after)
        if found != given:
            raise SpecError(
                f"config.{name}",
                f"is {_shown(given)}, and the data were made with {_shown(found)}, which cannot be changed; keep that, or "
                f"{_NEW_CLUSTER}. Nothing was changed",
            )


def _values(name: str, files: Iterable[str]) -> set[str]:
    found = (re.search(rf"^(?:loose_)?{name} = (.*)$", text, re.MULTILINE) for text in files)
    return {match[1] if match else "" for match in found}


def _shown(values: set[str]) -> str:
    return " and ".join(sorted(value or "its default" for value in values))
