"""A server, a receiver and a sender of a peer, each a process of its own, for one round; and whether they are there."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.messages import documents
from benchmarks.path import Passage
from benchmarks.peers.known import PYTHON, Peer, Start
from benchmarks.peers.talk import UVLOOP
from benchmarks.processes import free_port, used_cpu_s

_WARM: Final = 500
_ANSWER_S: Final = 60.0
_GRACE_S: Final = 2.0
_AGAIN_S: Final = 0.05


class Absent(Exception):
    """A peer cannot be measured; the text says why."""


def lacking(peer: Peer) -> str | None:
    """Return what is missing for this peer, None if nothing is."""
    if not PYTHON.exists():
        return f"there is no {PYTHON}"
    if peer.server and _found(peer.server) is None:
        return f"there is no {peer.server}, neither in {PYTHON.parent} nor in the path"
    done = subprocess.run([PYTHON, "-c", f"import {', '.join(peer.modules)}"], capture_output=True, text=True)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else None


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{PYTHON.parent.absolute()}:{os.environ.get('PATH', '')}")


@dataclass(frozen=True, slots=True)
class Side:
    """A running process and what it says. log: the file that has its errors."""

    process: subprocess.Popen[bytes]
    log: Path

    def hear(self, said: str) -> dict[str, Any]:
        """Return what comes with these words; what libraries print is passed over.

        Raises:
            Absent: the process ended, or did not say it within a minute.
        """
        assert self.process.stdout is not None
        deadline_s = time.monotonic() + _ANSWER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            if not select.select([self.process.stdout], [], [], left_s)[0]:
                break
            line = self.process.stdout.readline()
            if not line:
                raise Absent(f"ended instead of {said!r}: {self.last_words()}")
            if line.startswith(b'{"said"') and (heard := json.loads(line))["said"] == said:
                return dict(heard)
        raise Absent(f"no {said!r} within {_ANSWER_S:.0f} s: {self.last_words()}")

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "no word of why"

    def stop(self) -> None:
        """End the process and whatever it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_GRACE_S)


def through_peer(peer: Peer, count: int, *, uvloop: bool = False) -> Passage:
    """Send `count` messages through a fresh server of the peer and await every one at the receiver.

    Raises:
        Absent: something did not start, did not answer, or not everything arrived.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="build", prefix="peer-"))).absolute()
        port = free_port()
        address = peer.address.format(port=port, folder=folder)
        document = folder / "document.xml"
        document.write_bytes(documents(1)[0])
        script = [str(PYTHON), "-m", f"benchmarks.peers.{peer.script}"]
        rest = [address, str(document), str(_WARM), str(count)]
        environment = {**os.environ, **({UVLOOP: "1"} if uvloop else {})}

        def begun(command: Sequence[str], name: str) -> Side:
            return stack.enter_context(_running(command, folder / f"{name}.txt", environment))

        server = begun(peer.serve(Start(folder, port, [*script, "serve", *rest])), "server")
        _await_connection(address, server)
        receiver = begun([*script, "receive", *rest], "receiver")
        receiver.hear("listening")
        return _passed(count, begun([*script, "send", *rest], "sender"), server, receiver)


def _passed(count: int, sender: Side, server: Side, receiver: Side) -> Passage:
    """Let the warm-up pass, say go, return what the passage took."""
    sender.hear("warmed")
    receiver.hear("warm")
    before_s = used_cpu_s(server.process.pid)
    sender.tell()
    received, sent = receiver.hear("received"), sender.hear("sent")
    used_s = used_cpu_s(server.process.pid) - before_s
    cpu_s = {"sender": sent["cpu_s"], "server": used_s, "receiver": received["cpu_s"]}
    return Passage(count, received["at_s"] - sent["at_s"], cpu_s)


@contextmanager
def _running(command: Sequence[str], log: Path, environment: dict[str, str]) -> Iterator[Side]:
    """Run a command in a group of its own, until the end of the round."""
    program = _found(command[0])
    if program is None:
        raise Absent(f"there is no {command[0]}")
    pipe = subprocess.PIPE
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [program, *command[1:]], bufsize=0, stdin=pipe, stdout=pipe, stderr=errors, env=environment, process_group=0
        )
    side = Side(process, log)
    with process:
        try:
            yield side
        finally:
            side.stop()


def _await_connection(address: str, server: Side) -> None:
    """Wait until the server takes connections.

    Raises:
        Absent: it ended, or takes none within a minute.
    """
    deadline_s = time.monotonic() + _ANSWER_S
    while not _is_open(address):
        if server.process.poll() is not None or time.monotonic() > deadline_s:
            raise Absent(f"the server did not start: {server.last_words()}")
        time.sleep(_AGAIN_S)


def _is_open(address: str) -> bool:
    host, _, port = address.rpartition("//")[2].rpartition(":")
    family, target = (socket.AF_INET, (host, int(port))) if host else (socket.AF_UNIX, address)
    with socket.socket(family) as one:
        return one.connect_ex(target) == 0
