"""A headless Chromium, spoken to with the DevTools protocol over pipes. Imported by tests that open pages.

https://chromedevtools.github.io/devtools-protocol describes the commands. No package is needed.
"""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60  # after which an answer counts as missing


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process with one page. Everything that the page says or asks for is kept."""

    def __init__(self, chromium: str):
        self.profile = tempfile.mkdtemp(prefix="heterodyne-browser-")
        reader, self.commands = _high_pipe()
        self.answers, writer = _high_pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        flags += ["--disable-background-networking", "--no-first-run", "--remote-debugging-pipe"]
        words = [chromium, *flags, f"--user-data-dir={self.profile}", "about:blank"]
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        redirected = ["bash", "-c", f'exec "$@" 3<&{reader} 4>&{writer}', "bash", *words]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(redirected, pass_fds=(reader, writer), **quiet)
        os.close(reader)
        os.close(writer)
        self.buffer, self.next_id, self.session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        self.has_scripts = True
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result; events that come meanwhile are kept."""
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def read(self) -> dict[str, Any]:
        """The next message. Fails when none comes."""
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError("Chromium does not answer")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise AssertionError("Chromium is gone")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def open(self, page: pathlib.Path) -> None:
        """Loads the page and returns once everything in it has run."""
        self.events.clear()
        self.send("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read())
        self.settle()

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for. Fails when it throws."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def settle(self) -> None:
        """Waits until what is due has been drawn: observers report after a frame."""
        if self.has_scripts:
            self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")

    def set_scripts(self, enabled: bool) -> None:
        """Whether pages that are opened from now on may run theirs. Without, run() can ask but not wait."""
        self.send("Emulation.setScriptExecutionDisabled", value=not enabled)
        self.has_scripts = enabled

    def resize(self, width: int, height: int = 900) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle()

    def set_media(self, media: str = "", dark: bool = False) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)
        self.settle()

    def hover(self, x: float, y: float) -> None:
        """Moves the pointer to that place of the window."""
        for place in (x - 1, x):
            self.send("Input.dispatchMouseEvent", type="mouseMoved", x=place, y=y)
        self.settle()

    def screenshot(self, path: pathlib.Path, width: int) -> None:
        """Of the whole page at that width, however long."""
        for _ in range(2):  # drawing what comes into sight may change the length
            self.resize(width, max(900, self.run("document.documentElement.scrollHeight")))
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Console messages, errors, and requests for anything but the page itself."""
        found = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                found.append(f"{method}: {json.dumps(parameters)[:600]}")
            elif method == "Network.requestWillBeSent" and parameters.get("type") != "Document":
                found.append(f"request: {parameters['request']['url'][:200]}")
        return found


def _high_pipe() -> tuple[int, int]:
    """A pipe whose descriptors do not collide with 3 and 4."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high
