# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers of the other flavour, with a certificate each, as the pods make them one."""

from __future__ import annotations

import os
import subprocess

from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlSession
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from integration.mysqld.servers import DATA, MOUNT, PASSWORDS, LocalServer, chrooted, drop_everything
from pod_accounts import account_statements
from rootfs import UID
from waiting import scaled

__all__ = ["MariaDb"]


class MariaDb(LocalServer):
    """A server of the other flavour, from nothing."""

    def start(self) -> None:
        self.folder.mkdir()
        os.chown(self.folder, UID, UID)
        argv = ("mariadb-install-db", *DATA, "--force", "--auth-root-authentication-method=normal")
        install = chrooted(self.rootfs, self.folder, *argv)
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._certify()
        encryption = (f"--ssl-cert=/{MOUNT}/certificate", f"--ssl-key=/{MOUNT}/key")
        self.launch("mariadbd", "--innodb-buffer-pool-size=16M", "--log-slave-updates", *encryption)

    def _certify(self) -> None:
        certificate, key = self.folder / "certificate", self.folder / "key"
        making = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "2")
        subprocess.run([*making, "-out", certificate, "-keyout", key], check=True, stderr=subprocess.DEVNULL)
        for file in (certificate, key):
            os.chown(file, UID, UID)

    def create_users(self) -> None:
        """The accounts that the pods create."""
        self.run(*account_statements(str(self.value("@@version")), PASSWORDS, flavour="mariadb"))

    def clear(self) -> None:
        """Nobody's replica, writable, no databases, users or transactions."""
        self.run("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF")
        drop_everything(self)
        self.run("RESET MASTER", "SET GLOBAL gtid_slave_pos = ''")

    def instance(self) -> SqlInstance:
        """As root."""
        return SqlInstance(PyMySqlSession(self.session(), scaled(5)))
