"""Create the certificates, keys and kubeconfigs of the local cluster.

Everything is made in one go beside the final folder, which then appears with one rename: the folder either holds a
complete set made from the present inputs, or is made anew.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import ipaddress
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 3650


@dataclass(frozen=True)
class Leaf:
    """One certificate to issue: who it speaks for, and the names it serves under."""

    name: str
    common_name: str
    organization: str = ""
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    kubeconfig: bool = False


def wanted(node: str, node_address: str, service_address: str) -> list[Leaf]:
    """Return every certificate of a one-node cluster."""
    hosts = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    return [
        Leaf(
            "apiserver",
            "kube-apiserver",
            addresses=("127.0.0.1", node_address, service_address),
            hosts=(*hosts, "kubernetes.default.svc.cluster.local"),
        ),
        Leaf("etcd", "etcd", addresses=("127.0.0.1",), hosts=("localhost",)),
        Leaf("apiserver-etcd", "kube-apiserver"),
        Leaf("apiserver-kubelet", "kubemysql:apiserver-kubelet", "system:masters"),
        Leaf("kubelet-server", node, addresses=(node_address,), hosts=(node,)),
        Leaf("admin", "kubemysql:admin", "system:masters", kubeconfig=True),
        Leaf("kubelet", f"system:node:{node}", "system:nodes", kubeconfig=True),
        Leaf("controller-manager", "system:kube-controller-manager", kubeconfig=True),
        Leaf("scheduler", "system:kube-scheduler", kubeconfig=True),
        Leaf("proxy", "system:kube-proxy", kubeconfig=True),
        Leaf("dns", "kubemysql:dns"),
        Leaf("volumes", "kubemysql:volumes"),
    ]


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a fresh key; elliptic curves keep the whole set under a tenth of a second."""
    return ec.generate_private_key(ec.SECP256R1())


def key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def distinguished_name(common_name: str, organization: str) -> x509.Name:
    """Return a subject as Kubernetes reads it: the user in CN, the group in O."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """Return what every certificate here has in common."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of freshly started machines jump.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
    )


@dataclass(frozen=True)
class Authority:
    """The certificate authority of one cluster."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls) -> Authority:
        """Return a new self-signed authority."""
        key = new_key()
        name = distinguished_name("kubemysql", "")
        certificate = (
            builder(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @property
    def pem(self) -> bytes:
        """Return the authority's certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, leaf: Leaf) -> tuple[bytes, bytes]:
        """Return certificate and key of one leaf as PEM."""
        key = new_key()
        alternatives: list[x509.GeneralName] = [x509.DNSName(host) for host in leaf.hosts]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in leaf.addresses]
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        request = (
            builder(distinguished_name(leaf.common_name, leaf.organization), self.certificate.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if alternatives:
            request = request.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = request.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), key_bytes(key)


def kubeconfig(server: str, user: str, authority: bytes, certificate: bytes, key: bytes) -> bytes:
    """Return a kubeconfig that needs no other file."""

    def embed(content: bytes) -> str:
        return base64.b64encode(content).decode()

    cluster = {"server": server, "certificate-authority-data": embed(authority)}
    credentials = {"client-certificate-data": embed(certificate), "client-key-data": embed(key)}
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubemysql", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "kubemysql", "context": {"cluster": "kubemysql", "user": user}}],
        "current-context": "kubemysql",
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def write(path: Path, content: bytes) -> None:
    """Write a file nobody else may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)


def create(folder: Path, server: str, leaves: list[Leaf]) -> None:
    """Write the whole set into a folder."""
    folder.mkdir(mode=0o700, parents=True)
    authority = Authority.create()
    write(folder / "ca.crt", authority.pem)
    write(folder / "ca.key", key_bytes(authority.key))
    account_key = new_key()
    write(folder / "service-account.key", key_bytes(account_key))
    public = account_key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write(folder / "service-account.pub", public)
    for leaf in leaves:
        certificate, key = authority.issue(leaf)
        write(folder / f"{leaf.name}.crt", certificate)
        write(folder / f"{leaf.name}.key", key)
        if leaf.kubeconfig:
            content = kubeconfig(server, leaf.name, authority.pem, certificate, key)
            write(folder / f"{leaf.name}.kubeconfig", content)


def main() -> None:
    """Make the set unless a complete one from the same inputs is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--server", required=True)
    parser.add_argument("--node", required=True)
    parser.add_argument("--node-address", required=True)
    parser.add_argument("--service-address", required=True)
    options = parser.parse_args()

    leaves = wanted(options.node, options.node_address, options.service_address)
    inputs = json.dumps([options.server, [vars(leaf) for leaf in leaves]]).encode()
    folder: Path = options.folder
    marker = folder / "inputs.json"
    if marker.is_file() and marker.read_bytes() == inputs:
        print("unchanged")
        sys.exit(0)
    partial = folder.with_name(folder.name + ".partial")
    for stale in (partial, folder):
        shutil.rmtree(stale, ignore_errors=True)
    create(partial, options.server, leaves)
    write(partial / "inputs.json", inputs)
    partial.rename(folder)
    print("changed")


if __name__ == "__main__":
    main()
