# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state: module options, parsed and checked once, before any request to a cluster."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from .constants import TOPOLOGY_BOOTSTRAPPED, TOPOLOGY_CLUSTER, TOPOLOGY_EPOCH, TOPOLOGY_HANDOVER, TOPOLOGY_PRIMARY
from .errors import SpecError
from .kube.image import ImageReference
from .kube.quantity import parse_quantity
from .mysql.mycnf import Options, parse_options
from .mysql.server import CloneMethod, Server
from .names import Names, check_dns_subdomain, check_not_in_names
from .options import PASSWORD_OPTIONS, at_least, check_password

__all__ = ["FIRST_EPOCH", "ClusterSpec", "Handover", "Topology"]

# server_id is an unsigned 32-bit number and 0 means "does not replicate".
_MAX_SERVER_ID = 2**32 - 1
# Of a new cluster, and of a topology that was written before there were epochs.
FIRST_EPOCH = 1


@dataclass(frozen=True)
class Handover:
    """The primary is being moved from ``source`` to ``target``, whose term will be ``epoch``."""

    source: str
    target: str
    epoch: int

    def __str__(self) -> str:
        """As the topology's key has it: see ``state/topology.py`` and ``pod_scripts/lib-handover.sh``."""
        return f"from={self.source} to={self.target} epoch={self.epoch}"


@dataclass(frozen=True)
class Topology:
    """The intent: the primary, and since when the cluster has data that an empty instance must not replace.

    ``epoch`` grows each time that the primary changes, and never shrinks. ``cluster`` is the id that the claims are marked
    with; it stays the same for the cluster's whole life. ``handover`` is set while the primary is being moved; until it is gone
    ``primary`` is the old one. ``version`` is the resourceVersion that was read, None if there was no topology.
    ``acknowledged``: every pod has acknowledged exactly this intent.
    """

    primary: str
    bootstrapped: str | None = None
    epoch: int = FIRST_EPOCH
    cluster: str | None = None
    handover: Handover | None = None
    version: str | None = field(default=None, compare=False)
    acknowledged: bool = field(default=False, compare=False)

    @property
    def intent(self) -> dict[str, str]:
        """The keys and values that the pods read."""
        optional = {TOPOLOGY_BOOTSTRAPPED: self.bootstrapped, TOPOLOGY_CLUSTER: self.cluster}
        given = {key: value for key, value in optional.items() if value}
        if self.handover is not None:
            given[TOPOLOGY_HANDOVER] = str(self.handover)
        return {TOPOLOGY_EPOCH: str(self.epoch), TOPOLOGY_PRIMARY: self.primary, **given}

    @property
    def digest(self) -> str:
        """A short name of the intent; equal for equal ones."""
        text = json.dumps(self.intent, sort_keys=True)
        return f"{self.epoch}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, kw_only=True)
class ClusterSpec:
    """The desired cluster. ``passwords`` holds the given ones, by Secret key, and never leaves the process."""

    names: Names
    replicas: int
    image: str
    image_pull_policy: str
    image_pull_secrets: tuple[str, ...]
    server: Server
    clone_method: CloneMethod
    clone_throttle: int | None
    xtrabackup_image: str
    config: Options
    primary_config: Options
    replica_config: Options
    storage_size: str
    storage_class: str | None
    resources: Mapping[str, t.Any]
    server_id_base: int
    max_lag: int
    passwords: Mapping[str, str]
    secret_is_foreign: bool
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, t.Any], ...]
    affinity: Mapping[str, t.Any] | None
    pod_labels: Mapping[str, str]
    pod_annotations: Mapping[str, str]
    service_labels: Mapping[str, str]
    read_service_annotations: Mapping[str, str]
    primary_service_annotations: Mapping[str, str]
    read_service_type: str
    primary_service_type: str
    network_policy: bool
    pod_disruption_budget: bool

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any]) -> ClusterSpec:
        """Parse module options. Raises ``SpecError`` naming the first option that cannot be used."""
        names = Names.parse(params["name"], params["namespace"], params["secret_name"])
        if params["secret_name"] is not None:
            check_dns_subdomain("secret_name", params["secret_name"])
        image = _image(params, "image")
        server = Server.of(image, params["server_version"])
        return cls(
            names=names,
            replicas=_replicas(params),
            image=str(image),
            image_pull_policy=params["image_pull_policy"],
            image_pull_secrets=tuple(params["image_pull_secrets"]),
            server=server,
            clone_method=_clone_method(params, server),
            clone_throttle=_clone_throttle(params, server),
            xtrabackup_image=_xtrabackup_image(params, server, image),
            config=parse_options("config", params["config"], server),
            primary_config=parse_options("primary_config", params["primary_config"], server),
            replica_config=parse_options("replica_config", params["replica_config"], server),
            storage_size=_storage_size(params),
            storage_class=params["storage_class"],
            resources=_resources(params),
            server_id_base=params["server_id_base"],
            max_lag=at_least("max_lag", params["max_lag"], 1),
            passwords=_passwords(params, names),
            secret_is_foreign=params["secret_name"] is not None,
            node_selector=_strings("node_selector", params["node_selector"]),
            tolerations=tuple(params["tolerations"]),
            affinity=params["affinity"],
            pod_labels=_own_labels("pod_labels", params["pod_labels"], names),
            pod_annotations=_strings("pod_annotations", params["pod_annotations"]),
            service_labels=_own_labels("service_labels", params["service_labels"], names),
            read_service_annotations=_strings("read_service_annotations", params["read_service_annotations"]),
            primary_service_annotations=_strings("primary_service_annotations", params["primary_service_annotations"]),
            read_service_type=params["read_service_type"],
            primary_service_type=params["primary_service_type"],
            network_policy=params["network_policy"],
            pod_disruption_budget=params["pod_disruption_budget"],
        )

    @property
    def instances(self) -> tuple[str, ...]:
        return self.names.instances(self.replicas)


def _replicas(params: Mapping[str, t.Any]) -> int:
    replicas = at_least("replicas", params["replicas"], 1)
    base = at_least("server_id_base", params["server_id_base"], 1)
    if base + replicas - 1 > _MAX_SERVER_ID:
        raise SpecError("server_id_base", f"{base} plus the last ordinal exceeds the largest server_id, {_MAX_SERVER_ID}")
    return replicas


def _image(params: Mapping[str, t.Any], option: str) -> ImageReference:
    image = ImageReference.parse(option, params[option])
    return image.pulled_from(params["registry"]) if params["registry"] else image


def _clone_method(params: Mapping[str, t.Any], server: Server) -> CloneMethod:
    asked, possible = params["clone_method"], server.support.clone_method
    if asked not in ("auto", possible):
        raise SpecError("clone_method", f"{server} cannot be cloned by {asked}; use {possible}, or auto, which chooses it")
    return possible


def _clone_throttle(params: Mapping[str, t.Any], server: Server) -> int | None:
    throttle: int | None = params["clone_throttle"]
    if throttle is None:
        return None
    if server.support.clone_method != "xtrabackup":
        raise SpecError("clone_throttle", f"is for clone_method xtrabackup; for {server} use config.clone_max_data_bandwidth")
    return at_least("clone_throttle", throttle, 1)


def _xtrabackup_image(params: Mapping[str, t.Any], server: Server, image: ImageReference) -> str:
    """The image with the backup tool, which is the server's own where that has it."""
    given, support = params["xtrabackup_image"], server.support
    if given is not None and support.clone_method != "xtrabackup":
        raise SpecError("xtrabackup_image", f"is for clone_method xtrabackup, and {server} is cloned by {support.clone_method}")
    if given is None and not support.complete_image:
        raise SpecError(
            "xtrabackup_image",
            f"{server} is cloned by xtrabackup, which its image does not hold; name an image with xtrabackup, xbstream and "
            "ncat or socat, such as gcr.io/google-samples/xtrabackup:1.0",
        )
    return str(image if given is None else _image(params, "xtrabackup_image"))


def _storage_size(params: Mapping[str, t.Any]) -> str:
    size: str = params["storage_size"]
    parse_quantity("storage_size", size)
    return size


def _resources(params: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    resources: Mapping[str, t.Any] = params["resources"]
    for kind, amounts in resources.items():
        if kind not in ("requests", "limits"):
            raise SpecError(f"resources.{kind}", "expected requests or limits")
        if not isinstance(amounts, Mapping):
            raise SpecError(f"resources.{kind}", f"expected a dict such as {{memory: 1Gi}}, found {amounts!r}")
        for resource, amount in amounts.items():
            parse_quantity(f"resources.{kind}.{resource}", str(amount))
    return {kind: {resource: str(amount) for resource, amount in amounts.items()} for kind, amounts in resources.items()}


def _passwords(params: Mapping[str, t.Any], names: Names) -> Mapping[str, str]:
    passwords = {key: params[option] for option, key in PASSWORD_OPTIONS.items() if params[option] is not None}
    given = [option for option in PASSWORD_OPTIONS if params[option] is not None]
    if given and params["secret_name"] is not None:
        raise SpecError(given[0], "cannot be combined with secret_name: the passwords are in that Secret already")
    for option in given:
        check_password(option, params[option])
        check_not_in_names(option, params[option], names)
    return passwords


def _strings(option: str, values: Mapping[str, t.Any]) -> Mapping[str, str]:
    for key, value in values.items():
        if isinstance(value, (Mapping, list)) or value is None:
            raise SpecError(f"{option}.{key}", f"expected a string, found {value!r}")
    return {_text(key): _text(value) for key, value in values.items()}


def _text(value: object) -> str:
    """YAML reads true and 1 without quotes as other types; Kubernetes compares with the lower-case text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _own_labels(option: str, labels: Mapping[str, t.Any], names: Names) -> Mapping[str, str]:
    for key in labels:
        if key in names.labels:
            raise SpecError(f"{option}.{key}", "the collection sets this label itself, and Services select by it")
    return _strings(option, labels)
