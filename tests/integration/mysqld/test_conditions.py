# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions of real servers, made to be wrong: registered replicas, certificates, clones, the volume, semi-sync."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pymysql
import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import assess
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from integration.mysqld.judge import finding, found, judge
from integration.mysqld.proxy import Proxy
from integration.mysqld.servers import Cluster, Server
from rootfs import UID
from unit.fakes.kubernetes_objects import TARGET, deployed
from waiting import eventually, scaled


def registered(primary: Server) -> set[object]:
    return {row["Server_Id"] for row in primary.run("SHOW REPLICAS")}


def test_replica_that_the_primary_has_forgotten(cluster: Cluster, pool: SessionPool) -> None:
    """The primary has given the connection up; the replica has not heard of it."""
    primary, replica = cluster["mysql-0"], cluster["mysql-1"]
    with Proxy(primary.port) as proxy:
        replica.run("STOP REPLICA", f"CHANGE REPLICATION SOURCE TO SOURCE_PORT = {proxy.port}", "START REPLICA")
        eventually("it to connect", lambda: replica.channel()["Source_UUID"])
        eventually("both to be registered", lambda: registered(primary) == {101, 102})
        proxy.freeze()
        dump = "SELECT processlist_id AS id FROM performance_schema.threads WHERE processlist_command LIKE 'Binlog Dump%%'"
        for row in primary.run(dump):
            primary.run(f"KILL {row['id']}")
        # The other one notices and connects again.
        eventually("the replica to be forgotten", lambda: registered(primary) == {102})
        assert found(judge(pool)) == {(Kind.REPLICA_NOT_REGISTERED, "mysql-1")}
        proxy.thaw()
        replica.run("STOP REPLICA")


def test_replica_of_nobodys(cluster: Cluster, pool: SessionPool) -> None:
    """A third server replicates from the primary, and the StatefulSet has two instances only."""
    eventually("both to be registered", lambda: registered(cluster["mysql-0"]) == {101, 102})
    assessment = assess(observe(deployed(2), pool, TARGET), 30)
    assert found(assessment) == {(Kind.UNKNOWN_REPLICA, "mysql-0")}
    assert "server_id 102" in finding(assessment, Kind.UNKNOWN_REPLICA, "mysql-0").message
    assert assessment.state == "healthy"


@contextmanager
def certificate(server: Server, days: float) -> Iterator[None]:
    """Give the server a certificate that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days=days))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = {server.folder / "data" / "server-cert.pem": pem, server.folder / "data" / "server-key.pem": private}
    before = {path: path.read_bytes() for path in files}

    def reload(contents: dict[Path, bytes]) -> None:
        for path, content in contents.items():
            path.write_bytes(content)
            os.chown(path, UID, UID)
        server.run("ALTER INSTANCE RELOAD TLS")

    reload(files)
    try:
        yield
    finally:
        reload(before)


def test_certificate_that_ends_soon(cluster: Cluster, pool: SessionPool) -> None:
    with certificate(cluster["mysql-1"], 29.5):
        assessment = judge(pool)
        assert found(assessment) == {(Kind.CERTIFICATE_EXPIRING, "mysql-1")}
        assert "29.5 days" in finding(assessment, Kind.CERTIFICATE_EXPIRING, "mysql-1").message
    assert judge(pool).findings == ()


def test_certificate_that_ends(cluster: Cluster, pool: SessionPool) -> None:
    """A server does not load one that has ended, so it ends while it is in use."""
    second = 1 / 86400
    with certificate(cluster["mysql-1"], scaled(2.0) * second):
        eventually("its end", lambda: found(judge(pool)) == {(Kind.CERTIFICATE_EXPIRED, "mysql-1")})
    assert judge(pool).findings == ()


def test_clone_that_failed(cluster: Cluster, pool: SessionPool) -> None:
    """The statement is refused by the donor; the server remembers it until the next clone."""
    replica = cluster["mysql-1"]
    donor = f"127.0.0.1:{cluster['mysql-0'].port}"
    replica.run(f"SET GLOBAL clone_valid_donor_list = '{donor}'")
    assert judge(pool).findings == ()
    with pytest.raises(pymysql.Error):
        replica.run(f"CLONE INSTANCE FROM nobody@'127.0.0.1':{cluster['mysql-0'].port} IDENTIFIED BY 'wrong'")
    assessment = judge(pool)
    assert found(assessment) == {(Kind.CLONE_INCOMPLETE, "mysql-1")}
    assert "Failed" in finding(assessment, Kind.CLONE_INCOMPLETE, "mysql-1").message
    # Only a start without the file that remembers it lets the server forget.
    replica.stop()
    for remembered in (replica.folder / "data" / "#clone").glob("#view_*"):
        remembered.unlink()
    replica.start()


@pytest.mark.parametrize(("free", "kind"), [(19, Kind.VOLUME_FILLING), (5, Kind.VOLUME_FULL)])
def test_volume(free: int, kind: Kind, cluster: Cluster, pool: SessionPool) -> None:
    """As the pod's own session tells it; with that session the knowledge ends."""
    mebibyte = 2**20
    with cluster["mysql-2"].session() as session, session.cursor() as cursor:
        cursor.execute(f"SET @kubemysql_volume_size = {100 * mebibyte}, @kubemysql_volume_free = {free * mebibyte}")
        assessment = judge(pool)
        assert found(assessment) == {(kind, "mysql-2")}
        assert finding(assessment, kind, "mysql-2").message == f"{100 - free}% of the volume is in use, {free} MiB are free"
    eventually("the session to be gone", lambda: judge(pool).findings == ())


def test_commit_that_nobody_acknowledges(cluster: Cluster, pool: SessionPool) -> None:
    primary = cluster["mysql-0"]
    primary.run(
        "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
        "SET GLOBAL rpl_semi_sync_source_timeout = 3600000",
        "SET GLOBAL rpl_semi_sync_source_wait_no_replica = ON",
        "SET GLOBAL rpl_semi_sync_source_enabled = ON",
    )
    client = threading.Thread(target=lambda: primary.run("CREATE DATABASE app"))
    begin = time.time()
    client.start()
    try:
        seen = eventually("the commit to wait", lambda: found(judge(pool)))
        assert seen == {(Kind.SEMI_SYNC_WAITING, "mysql-0")}
        waiting = finding(judge(pool), Kind.SEMI_SYNC_WAITING, "mysql-0")
        assert waiting.since is not None
        # The server counts whole seconds.
        assert begin - 1 < waiting.since < time.time() + 1
    finally:
        primary.run("SET GLOBAL rpl_semi_sync_source_enabled = OFF")
        client.join()
        primary.run("UNINSTALL PLUGIN rpl_semi_sync_source")
    cluster.settle()
    assert judge(pool).findings == ()


def test_errors_tell_since_when(cluster: Cluster, pool: SessionPool) -> None:
    replica = cluster["mysql-1"]
    begin = time.time()
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'wrong'", "START REPLICA")
    eventually("the source to refuse", lambda: replica.channel()["Last_IO_Errno"])
    since = finding(judge(pool), Kind.RECEIVER_CONNECTING, "mysql-1").since
    assert since is not None
    assert begin < since < time.time()
