"""An alarm over a real broker: from the device up to a person, and the person's note straight back to the device."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import pytest

from agents.device.alarms.rules import start_rules
from agents.device.judging.limits import Limits
from agents.device.status import Status
from agents.device.watching import process
from agents.device.watching.earlier import before
from agents.device.watching.process import Lines, RealTime
from agents.device.watching.publishing import PublishingPace
from agents.device.watching.watch import Terms
from agents.device.watching.wording import Post
from bus.follower import durable
from bus.journal import JournalReader
from bus.publisher import Publisher
from bus.roles import Role
from bus.run import RunFolder
from cli.main import main
from coordinators import shell
from protocol.bodies import Alert, AlertState
from protocol.decoder import decode
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from tests.asking import BATTERY
from tests.builders import broker, introduce, until

OVER: Final = "cell-overvoltage"
# One alarm, soon: whatever else an overcharged cell raises would be asked about besides it.
RULES: Final = tuple(
    rule.model_copy(update={"steps": tuple(step.model_copy(update={"delay_s": 0.1}) for step in rule.steps)})
    for rule in start_rules(4, 280)
    if rule.code == OVER
)
TERMS: Final = Terms(RULES, Limits(cell_count=4), PublishingPace(least_s=0.2, full_s=1.0))
CONTEXT: Final = get_context("forkserver")


class Overcharged:
    """A source whose first cell is above every limit, and moves a little, as what is measured does."""

    def poll(self, now_s: float) -> Status | None:
        cells = {1: round(3.7 + now_s % 10 / 1000, 3), 2: 3.301, 3: 3.302, 4: 3.303}
        return Status(pack_voltage_v=round(sum(cells.values()), 3), current_a=0.0, soc_percent=60.0, cells=cells)


def watch(run: RunFolder) -> None:
    post = Post(name=BATTERY, device="pack-1", mission=run.id, terms=TERMS)
    lines = Lines({"bms": Overcharged()}, {}, RealTime(0.05))
    process.watch(run, post, before(durable(run), BATTERY), lines, "battery-1-0a1b2c")


@contextmanager
def going(*started: BaseProcess) -> Iterator[None]:
    """Let processes live, and kill them in the end."""
    for one in started:
        one.start()
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.join()


def watching(run: RunFolder) -> BaseProcess:
    return CONTEXT.Process(target=watch, args=(run,), daemon=True)


def deciding(run: RunFolder) -> list[BaseProcess]:
    return [CONTEXT.Process(target=shell.serve, args=(run, name), daemon=True) for name in ("@lead", TECH_LEAD)]


def said(run: RunFolder, kind: MessageType) -> list[Message]:
    messages = [decode(entry.document) for entry in JournalReader(run.journal).entries()]
    return [one for one in messages if one.type is kind]


def states(run: RunFolder) -> list[AlertState]:
    return [one.body.state for one in said(run, MessageType.ALERT) if isinstance(one.body, Alert)]


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    with pytest.raises(SystemExit) as ended:
        main((*arguments, "--json"))
    told = capsys.readouterr()
    assert (ended.value.code or 0, told.err) == (0, "")
    return [json.loads(line) for line in told.out.splitlines()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFolder]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "anna")
    with broker(tmp_path / "runs" / "one") as running:
        supervisor = Publisher(running.run, SUPERVISOR)
        introduce(supervisor, {BATTERY: Role.DEVICE})
        supervisor.close()
        yield running.run


@pytest.mark.slow
def test_an_alarm_reaches_a_person_whose_note_of_it_reaches_the_device(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with going(watching(run), *deciding(run)):
        until(lambda: orchestra(capsys, "inbox", "one"))
        [row] = orchestra(capsys, "inbox", "one")
        assert (row["kind"], row["from"], row["task"]) == ("alert", BATTERY, "pack-1")
        assert "pack-1: cell-overvoltage: cell-1-voltage is 3.7" in row["question"]
        [told] = orchestra(capsys, "answer", row["short"], "acknowledge", "--text", "charger is off")
        assert (told["person"], told["running"]) == ("anna", True)
        until(lambda: AlertState.ACKNOWLEDGED in states(run))
    [answer] = said(run, MessageType.ANSWER)
    assert (answer.recipient, answer.cause) == (BATTERY, row["id"])
    noted = said(run, MessageType.ALERT)[-1]
    assert isinstance(noted.body, Alert)
    assert (noted.cause, noted.body.text) == (answer.id, "pack-1: cell-overvoltage was acknowledged by anna")
    assert orchestra(capsys, "inbox", "one") == []
    assert said(run, MessageType.REFUSAL) == []


@pytest.mark.slow
def test_whoever_dies_on_the_way_it_is_asked_once_and_a_note_waits_for_the_devices_agent(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with going(watching(run)):
        until(lambda: states(run) == [AlertState.RAISED])
    assert orchestra(capsys, "inbox", "one") == []
    with going(*deciding(run)):
        until(lambda: orchestra(capsys, "inbox", "one"))
    [row] = orchestra(capsys, "inbox", "one")
    orchestra(capsys, "answer", row["id"], "acknowledge")
    with going(watching(run), *deciding(run)):
        until(lambda: states(run) == [AlertState.RAISED, AlertState.ACKNOWLEDGED])
    assert [one.recipient for one in said(run, MessageType.ESCALATION)] == [TECH_LEAD, HUMAN]
    assert said(run, MessageType.REFUSAL) == []
