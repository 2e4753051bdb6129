# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to an API server: credentials, requests, and the errors of both.

``kubernetes.dynamic`` serves as an HTTP client with the ecosystem's authentication. The typed API classes are never
imported, because that alone takes half a second, and nothing is discovered.
"""

from __future__ import annotations

import os
import traceback
import typing as t

from ..errors import ApiUnavailable, MissingLibrary
from .auth import KubernetesAuth
from .refusals import refusal_of

try:
    from kubernetes import config as kubernetes_config
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.client.rest import ApiException
    from kubernetes.dynamic import DynamicClient
    from urllib3.exceptions import HTTPError
    from yaml import YAMLError

    _IMPORT_ERROR: str | None = None
except ImportError:
    _IMPORT_ERROR = traceback.format_exc()

__all__ = ["ApiServer"]

# One request; a healthy API server answers in milliseconds, a stalled one must not use up the whole wait_timeout.
_REQUEST_TIMEOUT = 30.0
# Exceptions of the library for a kubeconfig that is YAML of another shape.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


class _NoDiscovery:
    """Replaces DynamicClient's discovery, some twenty requests for what is in kinds.py."""

    def __init__(self, client: object, cache_file: object) -> None:
        del client, cache_file


class ApiServer:
    """A pool of connections with the caller's credentials, and the server's version once it was read. The clients of one run
    share it.
    """

    def __init__(self, auth: KubernetesAuth) -> None:
        if _IMPORT_ERROR is not None:
            raise MissingLibrary("kubernetes", _IMPORT_ERROR)
        self.configuration = _configuration(auth)
        self._client = DynamicClient(ApiClient(self.configuration), discoverer=_NoDiscovery)
        self.version: tuple[int, int] | None = None

    def send(self, method: str, path: str, purpose: str, namespace: str, **params: t.Any) -> t.Any:
        """The response. ``purpose`` and ``namespace`` are for the message of an error."""
        try:
            return self._client.request(method, path, serialize=False, _request_timeout=_REQUEST_TIMEOUT, **params)
        except ApiException as error:
            if not error.status:
                # The library reports a TLS failure in this way; its reason has two lines.
                failure = ": ".join(str(error.reason).splitlines())
                raise ApiUnavailable(f"cannot {purpose}: {failure}. Check ca_cert, client_cert and validate_certs") from error
            raise refusal_of(error.status, error.body or str(error.reason), purpose, namespace) from error
        except (HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise ApiUnavailable(
                f"cannot {purpose}: no answer from {self.configuration.host} ({reason}). "
                "Check kubeconfig, context and host, and that the cluster is running",
                transient=True,
            ) from error


def _configuration(auth: KubernetesAuth) -> Configuration:
    configuration = Configuration()
    if auth.host is None:
        _load(auth, configuration)
    else:
        configuration.host = auth.host
    if auth.api_key is not None:
        # The plain key works with every release of the library; newer ones know it as an alias of BearerToken.
        configuration.api_key = {"authorization": f"Bearer {auth.api_key}"}
    if auth.validate_certs is not None:
        configuration.verify_ssl = auth.validate_certs
    for option, attribute in (("ca_cert", "ssl_ca_cert"), ("client_cert", "cert_file"), ("client_key", "key_file")):
        value = getattr(auth, option)
        if value is not None:
            setattr(configuration, attribute, _readable(option, value))
    configuration.retries = False
    return configuration


def _readable(option: str, path: str) -> str:
    path = os.path.expanduser(path)
    if not os.access(path, os.R_OK):
        raise ApiUnavailable(f"{option}: there is no file {path} that can be read")
    return path


def _load(auth: KubernetesAuth, configuration: Configuration) -> None:
    """Read the kubeconfig; inside a pod without one, use the pod's service account."""
    named = auth.kubeconfig is not None or auth.context is not None
    try:
        kubernetes_config.load_kube_config(
            config_file=None if auth.kubeconfig is None else os.path.expanduser(auth.kubeconfig),
            context=auth.context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (kubernetes_config.ConfigException, OSError, YAMLError, *_MALFORMED) as error:
        if named or "KUBERNETES_SERVICE_HOST" not in os.environ:
            raise ApiUnavailable(
                f"kubeconfig: {auth.kubeconfig or 'the default one'} cannot be used: {error}. "
                "Set kubeconfig (K8S_AUTH_KUBECONFIG) and context, or host and api_key"
            ) from error
        kubernetes_config.load_incluster_config(client_configuration=configuration)
