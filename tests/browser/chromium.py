# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's Chromium without a screen and without a network, told what to do through a pipe."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import scaled

__all__ = ["Browser", "Tab", "browser", "program"]

PACKAGES = ("chromium", "fonts-dejavu-core")
PATIENCE = scaled(60.0)
FLAGS = (
    "--headless",
    "--no-sandbox",  # root cannot have one
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
Answer = dict[str, t.Any]


def program() -> str:
    """Chromium's path; it is installed if it is missing."""
    if not shutil.which("chromium"):
        for arguments in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", *arguments], check=True, stdout=sys.stderr)
    found = shutil.which("chromium")
    assert found, "apt-get installed chromium, and there is no such program"
    return found


class Browser:
    """Commands of the DevTools protocol, each answered before the next is given, and the events in between.

    https://chromedevtools.github.io/devtools-protocol/
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.events: list[Answer] = []

    def call(self, method: str, session: str | None = None, /, **params: t.Any) -> Answer:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda message: message.get("id") == number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return t.cast("Answer", answer["result"])

    def wait_for(self, event: str, session: str) -> None:
        def arrived(message: Answer) -> bool:
            return message.get("method") == event and message.get("sessionId") == session

        if not any(arrived(each) for each in self.events):
            self._until(arrived)

    def _until(self, wanted: t.Callable[[Answer], bool]) -> Answer:
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._next(deadline)
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                return message

    def _next(self, deadline: float) -> Answer:
        while b"\0" not in self._buffer:
            ready, _writable, _broken = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"Chromium did not answer within {PATIENCE:g} s"
            received = os.read(self._answers, 1 << 20)
            assert received, "Chromium has ended"
            self._buffer += received
        message, _end, self._buffer = self._buffer.partition(b"\0")
        return t.cast("Answer", json.loads(message))


class Tab:
    """One page in a window of its own size."""

    def __init__(self, browser: Browser, url: str, *, width: int, scheme: str = "light") -> None:
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def call(self, method: str, **params: t.Any) -> Answer:
        return self._browser.call(method, self._session, **params)

    def wait_for(self, event: str) -> None:
        self._browser.wait_for(event, self._session)

    def evaluate(self, expression: str) -> t.Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    @property
    def dom(self) -> str:
        return t.cast("str", self.evaluate("document.documentElement.outerHTML"))

    @property
    def text(self) -> str:
        """The visible text, without the parts that the style hides."""
        return t.cast("str", self.evaluate("document.body.innerText"))

    def screenshot(self, path: Path) -> Path:
        """The whole page, also what one would have to scroll to."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))
        return path

    def pdf(self, path: Path) -> Path:
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]))
        return path

    def events(self, method: str) -> list[Answer]:
        mine = [each for each in self._browser.events if each.get("sessionId") == self._session]
        return [each["params"] for each in mine if each["method"] == method]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with an empty ``profile``; it ends with the block."""
    their_commands, our_commands = _pipe()
    our_answers, their_answers = _pipe()
    # Chromium reads commands from descriptor 3 and answers on descriptor 4.
    handover = f'exec "$@" 3<&{their_commands} 4>&{their_answers}'
    command = ["bash", "-c", handover, "bash", program(), *FLAGS, f"--user-data-dir={profile}"]
    with open(profile.with_name("chromium.log"), "wb") as log:
        process = subprocess.Popen(command, pass_fds=(their_commands, their_answers), stdout=log, stderr=log)
    os.close(their_commands)
    os.close(their_answers)
    try:
        opened = Browser(our_commands, our_answers)
        yield opened
        opened.call("Browser.close")
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(our_commands)
        os.close(our_answers)


def _pipe() -> tuple[int, int]:
    """Reading and writing end, out of the way of the descriptors that have a meaning."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
