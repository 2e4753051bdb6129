# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options for the connection to the API server."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that talks to Kubernetes."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file.
      - Without it and without O(host), the library's default is used, E(KUBECONFIG) or C(~/.kube/config); inside a pod
        that has neither, the pod's service account.
      - Can also be set with the environment variable E(K8S_AUTH_KUBECONFIG).
    type: path
  context:
    description:
      - Name of the context to use from the kubeconfig file; its current context by default.
      - Can also be set with the environment variable E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server. With it, no kubeconfig file is read.
      - Can also be set with the environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token.
      - Can also be set with the environment variable E(K8S_AUTH_API_KEY).
    type: str
  ca_cert:
    description:
      - Path of the certificate authority that signed the API server's certificate.
      - Can also be set with the environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - Path of a client certificate; needs O(client_key).
      - Can also be set with the environment variable E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the client certificate's key; needs O(client_cert).
      - Can also be set with the environment variable E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  validate_certs:
    description:
      - Whether to check the API server's certificate; yes, unless the kubeconfig file switches it off.
      - Can also be set with the environment variable E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
requirements:
  - python >= 3.10
  - kubernetes >= 24.2.0
"""
