# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to the API server: the options of every module, as one value."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import SpecError

__all__ = ["KubernetesAuth", "check_environment"]


@dataclass(frozen=True)
class KubernetesAuth:
    """Credentials and address. Files are paths on the host that runs the module; ``api_key`` is a bearer token."""

    kubeconfig: str | None
    context: str | None
    host: str | None
    api_key: str | None
    ca_cert: str | None
    client_cert: str | None
    client_key: str | None
    validate_certs: bool | None

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any]) -> KubernetesAuth:
        return cls(**{name: params[name] for name in cls.__dataclass_fields__})


# Settings of kubernetes.core that this collection does not have. Ignored, they would let it act with other rights or over
# another way than the user believes.
_UNSUPPORTED = tuple(f"K8S_AUTH_{option}" for option in ("IMPERSONATE", "PASSWORD", "PROXY", "TLS_SERVER_NAME", "USERNAME"))


def check_environment(environment: Mapping[str, str]) -> None:
    """Raise ``SpecError`` if the environment sets an authentication option of kubernetes.core that is not supported here."""
    for name, value in sorted(environment.items()):
        if value and name.startswith(_UNSUPPORTED):
            problem = "is set, and this collection does not support it. Unset it"
            raise SpecError(name, f"{problem}; a proxy can be set as proxy-url in the kubeconfig")
