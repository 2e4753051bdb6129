# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster's passwords: given, from the live Secret, or generated, in this order, key by key."""

from __future__ import annotations

import typing as t

from ..constants import SECRET_DIR, SECRET_KEYS
from ..errors import SpecError
from ..kube.manifest import Manifest
from ..kube.port import ObjectStore
from ..options import PASSWORD_OPTIONS, check_password
from ..spec import ClusterSpec
from ..state.passwords import parse_password, parse_passwords

__all__ = ["check_foreign_secret", "read_password", "resolve_passwords"]


def resolve_passwords(
    spec: ClusterSpec, live: Manifest | None, *, bootstrapped: bool, generate: t.Callable[[], str]
) -> dict[str, str]:
    """All passwords of the cluster. ``generate`` makes one for a key that neither the user nor the Secret has.

    Once the cluster is ``bootstrapped``, the accounts exist with the passwords of the Secret: a different one, or a new
    one in place of a lost Secret, would lock out the pods and these modules, so both are refused.
    """
    kept = parse_passwords(live)
    for option, key in PASSWORD_OPTIONS.items():
        given = spec.passwords.get(key)
        if not bootstrapped:
            continue
        if key in kept and given is not None and given != kept[key]:
            raise SpecError(
                option,
                f"differs from {key} in Secret {spec.names.secret}, and the running cluster's account has the latter. "
                "Changing the password of a running cluster is not supported; give the present one, or none",
            )
        if key not in kept and given is None:
            raise SpecError(
                option,
                f"Secret {spec.names.secret} has no {key}, and the cluster has data whose account has a password already. "
                f"Restore the Secret, or give the present password with {option}. Pods that run still have it: kubectl -n "
                f"{spec.names.namespace} exec {spec.names.instance(0)} -c mysql -- cat {SECRET_DIR}/{key}",
            )
    return {key: spec.passwords.get(key) or kept.get(key) or generate() for key in SECRET_KEYS}


def check_foreign_secret(store: ObjectStore, name: str) -> None:
    """Raise ``SpecError`` unless the user's Secret is there with every key, each holding a usable password."""
    live = store.get("Secret", name)
    if live is None:
        raise SpecError("secret_name", f"there is no Secret {name!r}; create it with the keys {', '.join(SECRET_KEYS)}")
    passwords = parse_passwords(live)
    missing = [key for key in SECRET_KEYS if key not in passwords]
    if missing:
        raise SpecError("secret_name", f"Secret {name!r} lacks {', '.join(missing)}; it needs {', '.join(SECRET_KEYS)}")
    for option, key in PASSWORD_OPTIONS.items():
        try:
            check_password(option, passwords[key])
        except SpecError as error:
            problem = error.message.partition(": ")[2]
            raise SpecError("secret_name", f"{key} of Secret {name!r} {problem}") from error


def read_password(store: ObjectStore, secret: str, key: str) -> str:
    """The password that a cluster's Secret holds under ``key``."""
    password = parse_password(store.get("Secret", secret), key)
    if password is None:
        raise SpecError(
            "secret_name",
            f"there is no Secret {secret!r} with the key {key}; name the Secret that holds the cluster's passwords",
        )
    return password
