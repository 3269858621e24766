"""A real browser for tests: Chromium without a window, spoken to over two pipes (the DevTools protocol)."""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.systems import need_command

PATIENCE_S: Final = 60.0
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class Page:
    """One page that was opened. complaints: what its console said. requested: every address that it asked for."""

    def __init__(self, sending: int, receiving: int) -> None:
        self._sending, self._receiving, self._rest = sending, receiving, b""
        self._number, self._session = 0, ""
        self._poll = select.poll()  # not select(), which knows no file beyond the 1,024th that a process has open
        self._poll.register(receiving, select.POLLIN)
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._happened: list[str] = []

    def open(self, path: Path, width: int = 1280) -> None:
        """Open a file in a window of this width, and wait until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width)
        self.call("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._happened:
            self._hear()

    def resize(self, width: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)

    def media(self, kind: str = "", **features: str) -> None:
        """Show it as for another medium, such as `print`, or with `prefers_color_scheme="dark"`."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=kind, features=told)

    def ask(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        told: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            told["sessionId"] = self._session
        os.write(self._sending, json.dumps(told).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def _hear(self) -> dict[str, Any]:
        deadline_s = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            left_ms = max(0.0, deadline_s - time.monotonic()) * 1000
            assert self._poll.poll(left_ms), "the browser says nothing"
            raw = os.read(self._receiving, 1 << 16)
            assert raw, "the browser has ended"
            self._rest += raw
        first, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(first)
        self._note(heard.get("method", ""), heard.get("params", {}))
        return heard

    def _note(self, event: str, told: dict[str, Any]) -> None:
        self._happened.append(event)
        if event == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        elif event in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(told))


@contextmanager
def page(folder: Path) -> Iterator[Page]:
    """Run a browser whose profile lies in this folder; it is ended with the block."""
    need_command("chromium", "chromium")
    (hears, says), (listens, tells) = os.pipe(), os.pipe()
    options = (*_OPTIONS, f"--user-data-dir={folder / 'profile'}")
    # Chromium reads descriptor 3 and writes descriptor 4.
    process = subprocess.Popen(
        ["bash", "-c", f'exec chromium "$@" 3<&{hears} 4>&{tells}', "chromium", *options],
        pass_fds=(hears, tells),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(hears)
    os.close(tells)
    try:
        yield Page(says, listens)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        os.close(says)
        os.close(listens)
