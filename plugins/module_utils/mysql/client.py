# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions by PyMySQL, which nothing else imports.

Sessions are encrypted or not opened at all, unless the caller switches encryption off. The identity of the server
cannot be verified by its certificate: servers generate their own, for no host name. The stream that ``dial`` opens has to
be authenticated instead.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from traceback import format_exc

from ..errors import AccessDenied, MissingLibrary, SqlError, Unreachable
from .query import Query

try:
    import pymysql
    from pymysql.cursors import DictCursor
except ImportError:
    _IMPORT_ERROR: str | None = format_exc()
else:
    _IMPORT_ERROR = None

__all__ = ["Dial", "PyMySqlConnector", "PyMySqlSession", "dial_addresses"]

# Opens the stream to an instance's MySQL port within so many seconds, or raises ``Unreachable``.
Dial = Callable[[str, float], socket.socket]

# ER_ACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ER_ACCOUNT_HAS_BEEN_LOCKED,
# ER_MUST_CHANGE_PASSWORD_LOGIN: https://dev.mysql.com/doc/mysql-errors/9.4/en/server-error-reference.html
_LOGIN_REFUSED = {1044, 1045, 1698, 3118, 1862}
# Client errors of a connection that did not come about or broke, ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN,
# ER_ABORTING_CONNECTION, ER_CLIENT_INTERACTION_TIMEOUT, ER_HOST_IS_BLOCKED, ER_SERVER_OFFLINE_MODE, ER_SESSION_WAS_KILLED
_NO_SESSION = {
    2002,
    2003,
    2005,
    2006,
    2012,
    2013,
    2014,
    2026,
    2055,
    1040,
    1053,
    1152,
    1158,
    1159,
    1160,
    1161,
    1129,
    3032,
    3169,
    4031,
}

# Exceptions of the driver when something other than MySQL answers.
_NOT_MYSQL = (struct.error, IndexError, ValueError)


def dial_addresses(address_of: Callable[[str], tuple[str, int] | None]) -> Dial:
    """Connect to instances directly, each at the host and port that ``address_of`` returns."""

    def dial(instance: str, timeout: float) -> socket.socket:
        address = address_of(instance)
        if address is None:
            raise Unreachable(f"no address is known for {instance}")
        try:
            stream = socket.create_connection(address, timeout)
        except OSError as error:
            raise Unreachable(f"{address[0]}:{address[1]}: {error}") from error
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream

    return dial


def _encryption() -> ssl.SSLContext:
    # `create_default_context` would read the machine's certificate store, 20 ms for a check that cannot be made.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _translated(error: Exception, doing: str) -> SqlError:
    """Translate the driver's exception. Neither servers nor the driver repeat passwords."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    text = str(error.args[-1]) if error.args else type(error).__name__
    message = f"{doing}: {text}" + (f" (error {number})" if number else "")
    if number in _LOGIN_REFUSED:
        return AccessDenied(message, number)
    # Servers number what they refuse; anything without a number is a conversation that broke off.
    if not number or number in _NO_SESSION or isinstance(error, OSError):
        return Unreachable(message, number)
    return SqlError(message, number)


class PyMySqlSession:
    """A ``Session`` on a PyMySQL connection."""

    def __init__(self, connection: pymysql.Connection[DictCursor], timeout: float) -> None:
        self._connection = connection
        self.timeout = timeout

    @property
    def server_version(self) -> str:
        return str(self._connection.get_server_info())

    def fetch(self, query: Query) -> list[dict[str, object]]:
        return self._run(query)

    def execute(self, query: Query) -> None:
        self._run(query)

    def close(self) -> None:
        with suppress(pymysql.Error, OSError):
            self._connection.close()

    def _run(self, query: Query) -> list[dict[str, object]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query.sql, query.args)
                return [dict(row) for row in cursor.fetchall()]
        except (pymysql.Error, OSError) as error:
            raise _translated(error, query.masked) from error


class PyMySqlConnector:
    """Opens sessions for one user on any instance that ``dial`` reaches, encrypted if ``tls``."""

    def __init__(self, dial: Dial, user: str, password: str, *, tls: bool = True) -> None:
        if _IMPORT_ERROR is not None:
            raise MissingLibrary("PyMySQL", _IMPORT_ERROR)
        self._dial = dial
        self._user = user
        self._password = password
        self._tls = _encryption() if tls else None

    def connect(self, instance: str, timeout: float) -> PyMySqlSession:
        """Log in; if opening the stream took long, the session's answers get less of ``timeout``, at least half."""
        begin = time.monotonic()
        stream = self._dial(instance, timeout)
        left = max(timeout - (time.monotonic() - begin), timeout / 2)
        connection = pymysql.connect(
            defer_connect=True,
            host=instance,
            user=self._user,
            # The driver would encode text as Latin-1.
            password=self._password.encode(),
            charset="utf8mb4",
            # Set explicitly: the driver relies on the greeting, which does not contain a server's own autocommit=OFF.
            autocommit=None,
            init_command="SET autocommit = 1",
            cursorclass=DictCursor,
            program_name="kubemysql.replication",
            read_timeout=left,
            write_timeout=left,
            ssl=self._tls,
            ssl_disabled=self._tls is None,
        )
        try:
            connection.connect(stream)
        except (pymysql.Error, OSError, *_NOT_MYSQL) as error:
            stream.close()
            raise _translated(error, "login") from error
        return PyMySqlSession(connection, left)
