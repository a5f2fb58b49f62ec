"""A headless Chromium, driven over its DevTools protocol by a pair of pipes."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
SECONDS = 60  # to wait for an answer


def find_browser() -> str | None:
    """Return the path of a Chromium, None if there is none or it can't be driven."""
    if sys.platform == "win32":  # its processes inherit no file descriptors
        return None
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a browser; a context manager that ends the process.

    Parameters
    ----------
    path : str
        Of the program.
    profile : Path
        An empty folder.
    """

    def __init__(self, path: str, profile: Path):
        self._reads, theirs_to_write = os.pipe()
        theirs_to_read, self._writes = os.pipe()
        # The browser reads from descriptor 3 and writes to 4.
        command = f'exec "$0" "$@" 3<&{theirs_to_read} 4>&{theirs_to_write}'
        argv = ["bash", "-c", command, path, *FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [*argv, "about:blank"],
            pass_fds=(theirs_to_read, theirs_to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_to_read)
        os.close(theirs_to_write)
        self._pending, self._n_sent, self._session = b"", 0, None
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._loaded = False
        try:
            self._attach()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session = None
        with contextlib.suppress(OSError, EOFError, AssertionError):
            self.call("Browser.close")
        for descriptor in (self._reads, self._writes):
            os.close(descriptor)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _attach(self) -> None:
        """Make a page, and have it tell what happens in it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Network", "Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, path: Path, width: int, height: int) -> None:
        """Load a file in a window of a size, and wait for it."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        self._loaded = False
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not self._loaded:
            self._receive()

    def evaluate(self, expression: str) -> object:
        """Return what a JavaScript expression gives in the page."""
        reply = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def call(self, method: str, **parameters: object) -> dict:
        """Call a method of the protocol and wait for its reply."""
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._receive()
            if reply.get("id") == self._n_sent:
                assert "error" not in reply, reply
                return reply["result"]

    def _receive(self) -> dict:
        while b"\0" not in self._pending:
            if not select.select([self._reads], [], [], SECONDS)[0]:
                raise TimeoutError(f"the browser says nothing for {SECONDS} s")
            part = os.read(self._reads, 1 << 20)
            if not part:
                raise EOFError("the browser has ended")
            self._pending += part
        message, _, self._pending = self._pending.partition(b"\0")
        event = json.loads(message)
        method = event.get("method")
        if method == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Log.entryAdded":
            self.errors.append(event["params"]["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(event["params"]["exceptionDetails"]))
        return event
