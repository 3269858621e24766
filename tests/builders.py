"""Small builders of messages and buses for tests."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from bus.broker import Broker
from bus.publisher import Publisher
from bus.roles import Role
from bus.run import RunFolder
from bus.sockets import Listen
from bus.transport import Publishing
from protocol.bodies import Action, Body, Control, Report, Result, Setting, Verb
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import EVERYONE, SUPERVISOR

CAST = {
    "@worker": Role.SPECIALIST,
    "@other": Role.SPECIALIST,
    "@lead": Role.COORDINATOR,
    "@tech-lead-orchestrator": Role.TECH_LEAD,
}


def status(
    number: int,
    *,
    sender: str = "@worker",
    recipient: str = "@lead",
    text: str = "",
    priority: Priority = Priority.NORMAL,
) -> Message:
    """Return a small message that a specialist may send to a coordinator."""
    body = Report(action=Action.PENDING, result=Result(success=True, description=text or f"message {number}"))
    return message(
        MessageType.STATUS, body, f"m-{sender}-{number}", sender=sender, recipient=recipient, priority=priority
    )


def message(
    kind: MessageType,
    body: Body,
    identity: str,
    *,
    sender: str = "@worker",
    recipient: str = "@lead",
    task: str = "t",
    attempt: int | None = None,
    cause: str | None = None,
    priority: Priority = Priority.NORMAL,
) -> Message:
    return Message(
        sender=sender,
        recipient=recipient,
        type=kind,
        priority=priority,
        task=task,
        timestamp_ns=1_795_253_400_000_000_000,
        id=identity,
        mission="test",
        cause=cause,
        attempt=attempt,
        body=body,
    )


def introduce(publishing: Publishing, cast: dict[str, Role] | None = None) -> None:
    """Let names exist, as the supervisor does."""
    messages = []
    for name, role in (cast or CAST).items():
        body = Control(verb=Verb.PRESENT, subject=name, settings=(Setting(name="role", value=role.value),))
        identity = derived("present", name)
        messages.append(message(MessageType.CONTROL, body, identity, sender=SUPERVISOR, recipient=EVERYONE, task="run"))
    publishing.publish(messages)


def free_address() -> str:
    """Return an address of which this port and the next are free now."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return f"tcp://127.0.0.1:{port}"


def serve_broker(path: str, listen: Listen | None = None) -> None:
    Broker(RunFolder(Path(path)), listen=listen).serve()


class RunningBroker:
    """A broker in a process of its own, to be killed and started again."""

    def __init__(self, path: Path, listen: Listen | None = None) -> None:
        self.run = RunFolder(path)
        self._listen = listen
        self.run.create()
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["bus.broker"])
        self.start()

    def start(self) -> None:
        self.process = self._context.Process(target=serve_broker, args=(str(self.run.path), self._listen), daemon=True)
        self.process.start()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(10)

    def rss_kib(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("the broker is gone")


@contextmanager
def broker(path: Path, listen: Listen | None = None) -> Iterator[RunningBroker]:
    """Run a broker with the test cast introduced. listen: where it can be reached from elsewhere too."""
    running = RunningBroker(path, listen)
    try:
        supervisor = Publisher(running.run, SUPERVISOR)
        introduce(supervisor)
        supervisor.close()
        yield running
    finally:
        running.kill()


def until(fact: object, most_s: float = 20.0) -> None:
    """Wait for a fact, not for luck."""
    assert callable(fact)
    deadline_s = time.monotonic() + most_s
    while not fact():
        assert time.monotonic() < deadline_s, "it never became true"
        time.sleep(0.01)
