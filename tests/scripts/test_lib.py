# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quoting, dialects and form of the scripts; what shellcheck and shfmt say about them is asked by `make lint`."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys

import generate_constants
import generate_embedded
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripts.cluster import NASTY, REPOSITORY, SCRIPTS
from scripts.pods import Pair, Pod
from waiting import scaled

# Everything a Secret can hold that a password may be; a newline at its end is not part of it.
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=32).filter(
    lambda text: text.rstrip("\n") and not text.endswith("\n")
)

OLD_WORDS = """\
STOP SLAVE; RESET SLAVE ALL;
CHANGE MASTER TO MASTER_HOST = 'h', MASTER_AUTO_POSITION = 1, GET_MASTER_PUBLIC_KEY = 1;
START SLAVE SQL_THREAD; SHOW SLAVE STATUS FOR CHANNEL '';
SELECT * FROM performance_schema.replication_connection_status, mysql.slave_master_info;
GRANT REPLICATION SLAVE ON *.* TO x
"""
NEW_WORDS = """\
STOP REPLICA; RESET REPLICA ALL;
CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'h', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1;
START REPLICA SQL_THREAD; SHOW REPLICA STATUS FOR CHANNEL '';
SELECT * FROM performance_schema.replication_connection_status, stored_channels;
GRANT REPLICATION SLAVE ON *.* TO x
"""


def bash(pod: Pod, command: str, *arguments: str) -> str:
    """Run bash in a container of the pod, with lib-common.sh at hand."""
    argv = ["bash", "-euc", f"source /kubemysql/scripts/lib-common.sh; {command}", "bash", *arguments]
    command_line = pod.command(argv, pod.environment(), "/allowed")
    done = subprocess.run(command_line, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=scaled(30))
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=PASSWORDS)
def test_any_password_works_as_literal_and_in_an_option_file(shared_pair: Pair, password: str) -> None:
    """Set by SQL, then used to log in: both have to mean the same bytes, and the right ones."""
    primary, _replica = shared_pair
    (primary.cluster.base / "secret" / "any").write_text(password, encoding="utf-8", newline="")
    script = """
        read_secret any
        sql_quote "$REPLY"
        query_local "
            CREATE USER IF NOT EXISTS any@localhost;
            ALTER USER any@localhost IDENTIFIED BY $REPLY;
            SELECT HEX(CAST($REPLY AS BINARY))" || die "$ANSWER"
        printf '%s\\n' "$ANSWER"
        query 'SELECT CURRENT_USER()' client any any --socket="$SOCKET" || die "$ANSWER"
        printf '%s\\n' "$ANSWER"
    """
    assert bash(primary, script).split() == [password.encode().hex().upper(), "any@localhost"]


@pytest.mark.parametrize("text", [NASTY, "a\n\n", "\\", "'", '"', "#", " ", "&", "\t"])
def test_secret_is_read_as_it_is_but_for_newlines_at_its_end(shared_pair: Pair, text: str) -> None:
    primary, _replica = shared_pair
    (primary.cluster.base / "secret" / "any").write_text(text, encoding="utf-8")
    assert bash(primary, "read_secret any; printf '%s' \"$REPLY\"") == text.rstrip("\n")


@pytest.mark.parametrize(
    ("version", "words"),
    [("8.0.17", OLD_WORDS), ("8.0.22-13", OLD_WORDS), ("8.0.23", NEW_WORDS), ("9.7.4-2", NEW_WORDS)],
)
def test_old_servers_get_their_old_words(shared_pair: Pair, version: str, words: str) -> None:
    said = bash(shared_pair[0], 'dialect "$1" "$2"; printf %s "$REPLY"', version, NEW_WORDS)
    assert said == words.replace("stored_channels", "mysql.slave_master_info")


def test_an_error_is_told_without_the_statement(shared_pair: Pair) -> None:
    script = """query_local "CREATE USER x@y IDENTIFIED BY 'secret word' NONSENSE" || printf '%s %s' "$ERRNO" "$ANSWER" """
    told = bash(shared_pair[0], script)
    assert told.startswith("1064 ERROR 1064 (42000)") and "secret" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Duplicate entry '1'; Query: 'INSERT INTO t VALUES (1)'", "Duplicate entry '1'; Query: 'INSERT INTO t VALUES (1)'"),
        ("failed. Query: 'CREATE USER x IDENTIFIED WITH y AS 'hash''", "failed."),
        ("failed. Query: 'set password for x = 'word''", "failed."),
        ("", ""),
    ],
)
def test_errors_are_told_without_credentials(shared_pair: Pair, text: str, told: str) -> None:
    command = 'source /kubemysql/scripts/lib-readiness.sh; public_error "$1"; printf %s "$REPLY"'
    assert bash(shared_pair[0], command, text) == told


@pytest.mark.parametrize("generator", ["generate_constants", "generate_embedded"])
def test_generated_files_are_up_to_date(generator: str) -> None:
    check = [sys.executable, str(REPOSITORY / "tests" / f"{generator}.py"), "--check"]
    done = subprocess.run(check, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_comments_are_not_embedded_and_code_is() -> None:
    """Whatever is no comment stays, a # within quotes or parameters included."""
    function = "read_it() { # FILE\n  # why\n  [[ ${1#-} ]] && echo '# no comment' \"$#\"\n}\n"
    code = f"#!/usr/bin/env bash\n{function}cat <<X\n# text\nX\n"
    stripped = generate_embedded.strip(code)
    assert "why" not in stripped and "FILE" not in stripped
    assert "'# no comment' \"$#\"" in stripped and "${1#-}" in stripped and "\n# text\n" in stripped
    assert stripped == generate_embedded.strip(code.replace("# why", "# another reason\n  # in two lines"))


def test_every_constant_is_used() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SCRIPTS.glob("*.sh") if path.name != "lib-constants.sh"]
    for name in generate_constants.NAMES:
        assert any(f"${name}" in text for text in texts), name


def test_no_constant_is_typed_twice() -> None:
    """A path, a port or a user of constants.py stands in no other script; only the way to the first script has to."""
    values = runpy.run_path(str(REPOSITORY / "plugins" / "module_utils" / "constants.py"))
    for path in SCRIPTS.glob("*.sh"):
        if path.name == "lib-constants.sh":
            continue
        text = generate_embedded.strip(path.read_text(encoding="utf-8")).replace("/kubemysql/scripts/", "")
        typed = [
            name
            for name in generate_constants.NAMES
            # The schema is called as the product, which log lines name as well.
            if re.search(
                rf"(?<![\w./-]){re.escape(str(values[name]))}" + (r"\." if name == "OWN_SCHEMA" else r"(?![\w-])"), text
            )
        ]
        assert not typed, f"{path.name}: {typed}"


def test_functions_are_short() -> None:
    for script in SCRIPTS.glob("*.sh"):
        start = 0
        for number, line in enumerate(script.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip().endswith("() {") or "() { #" in line:
                start = number
            elif line.strip() == "}":
                assert number - start < 40, f"{script.name}:{start}"
