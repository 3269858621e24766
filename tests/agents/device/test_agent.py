"""A device's agent on the bus: what it tells, what it hears, what it declines, and that its death repeats nothing."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from agents.device.alarms.rules import start_rules
from agents.device.judging.limits import Limits
from agents.device.status import Status
from agents.device.watching.commands import ONLY_WATCHES
from agents.device.watching.earlier import before
from agents.device.watching.process import Lines, RealTime, watch
from agents.device.watching.publishing import PublishingPace
from agents.device.watching.watch import Terms
from bus.faults import VARIABLE
from bus.follower import durable
from bus.journal import JournalReader
from bus.publisher import Publisher
from bus.records import Entry
from bus.roles import Role
from bus.run import RunFolder
from protocol.bodies import (
    Action,
    Alert,
    AlertState,
    Answer,
    Approval,
    Body,
    Consent,
    Control,
    Quality,
    Refusal,
    Report,
    Setting,
    Severity,
    TaskAssignment,
    Telemetry,
    Verb,
)
from protocol.decoder import decode
from protocol.messages import Message, MessageType
from protocol.topics import EVERYONE, HUMAN, SUPERVISOR
from protocol.xml import parse
from tests.agents.device.agent_bench import CALM, LEAD, NAME, POST, Bench, pack
from tests.builders import RunningBroker, broker, introduce, message, until

OVER, RAISED = "cell-overvoltage", AlertState.RAISED
ACKNOWLEDGED, CLEARED = AlertState.ACKNOWLEDGED, AlertState.CLEARED


def raised(bench: Bench) -> Message:
    """A warning of the first cell, raised."""
    bench.see(pack(), *[pack(3.55)] * 4)
    return next(one for one in bench.said(MessageType.ALERT) if isinstance(one.body, Alert) and one.body.code == OVER)


def test_it_tells_what_it_reads_with_name_unit_quality_and_time(bench: Bench) -> None:
    bench.see(pack())
    [told] = bench.said(MessageType.TELEMETRY)
    assert isinstance(told.body, Telemetry)
    assert (told.recipient, told.task, told.body.device) == ("@dashboard", "pack-1", "pack-1")
    assert told.body.taken == told.timestamp_ns
    assert {one.name: (one.unit, one.value) for one in told.body.readings}["cell-1-voltage"] == ("V", Decimal("3.3"))
    assert {one.quality for one in told.body.readings} == {Quality.GOOD}


def test_it_raises_alerts_to_everyone_that_name_device_cell_value_and_limit(bench: Bench) -> None:
    told = raised(bench)
    assert isinstance(told.body, Alert)
    assert told.recipient == EVERYONE
    assert told.body.text.startswith("pack-1: cell-overvoltage: cell-1-voltage is 3.55 V, above 3.5 V")


def test_before_the_device_has_spoken_nothing_is_known_and_then_its_silence_is_an_alarm(bench: Bench) -> None:
    bench.see(None)
    assert bench.states == ["unknown: the device has not spoken yet"]
    bench.see(*[None] * 14)
    assert bench.said(MessageType.TELEMETRY) == []
    assert bench.states_of("data-lost") == [RAISED]


def test_a_line_that_is_gone_makes_values_old_and_alarms_and_its_return_is_told_at_once(bench: Bench) -> None:
    bench.see(pack(), *["/dev/ttyUSB0 was unplugged"] * 14)
    qualities = [
        one.quality
        for told in bench.said(MessageType.TELEMETRY)
        if isinstance(told.body, Telemetry)
        for one in told.body.readings
        if one.name == "pack-voltage"
    ]
    assert qualities == [Quality.GOOD, Quality.STALE, Quality.ABSENT]
    assert bench.states_of("data-lost") == [RAISED]
    assert bench.states[-1] == "the device has been silent for 14 s; /dev/ttyUSB0 was unplugged"
    count = len(bench.said(MessageType.TELEMETRY))
    bench.see(pack())
    assert len(bench.said(MessageType.TELEMETRY)) == count + 1


@pytest.mark.parametrize("way", ["answer", "approval", "control"])
def test_a_person_acknowledges_by_answer_approval_or_setting(bench: Bench, way: str) -> None:
    alert = raised(bench)
    if way == "answer":
        asked = bench.tell(MessageType.ANSWER, Answer(choice="acknowledge", person="R. Meyer"), cause=alert.id)
    elif way == "approval":
        body = Approval(subject=alert.id or "", decision=Consent.GRANTED, reason="seen", person="R. Meyer")
        asked = bench.tell(MessageType.APPROVAL, body)
    else:
        setting = Setting(name="acknowledge", value=OVER)
        asked = bench.tell(MessageType.CONTROL, Control(verb=Verb.SET, settings=(setting,)))
    assert bench.states_of() == [RAISED, ACKNOWLEDGED]
    assert bench.said(MessageType.ALERT)[-1].cause == asked.id
    assert bench.alerts()[-1].text.endswith("acknowledged by R. Meyer") is (way != "control")
    bench.see(*CALM)
    assert bench.states_of() == [RAISED, ACKNOWLEDGED, CLEARED]


def test_the_acknowledgement_of_a_warning_does_not_count_for_the_alarm_that_came_after_it(bench: Bench) -> None:
    alert = raised(bench)
    bench.see(*[pack(3.7)] * 3)
    bench.tell(MessageType.ANSWER, Answer(choice="acknowledge"), cause=alert.id)
    assert bench.states_of() == [RAISED, RAISED]
    assert bench.last_refusal().code == "not-raised"


def test_only_a_person_acknowledges(bench: Bench) -> None:
    alert = raised(bench)
    bench.tell(MessageType.ANSWER, Answer(choice="acknowledge"), sender=LEAD, cause=alert.id)
    assert bench.states_of() == [RAISED]
    assert bench.last_refusal().code == "role"


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (MessageType.ANSWER, Answer(choice="ignore it"), "unknown-answer"),
        (MessageType.APPROVAL, Approval(subject="x", decision=Consent.DENIED, reason="no"), "nothing-asked"),
        (MessageType.APPROVAL, Approval(subject="x", decision=Consent.GRANTED, reason="yes"), "not-raised"),
        (
            MessageType.CONTROL,
            Control(verb=Verb.SET, settings=(Setting(name="charge-fet", value="off"),)),
            "not-built",
        ),
    ],
)
def test_whatever_a_person_asks_in_vain_is_refused_once_with_the_reason(
    bench: Bench, kind: MessageType, body: Body, code: str
) -> None:
    asked = bench.tell(kind, body)
    bench.restart()
    bench.agent.hear(0)
    assert len(bench.said(MessageType.REFUSAL)) == 1
    assert (bench.last_refusal().code, bench.last_refusal().refused) == (code, asked.id)


def test_a_task_that_would_write_is_declined_as_approvals_for_devices_are_not_built(bench: Bench) -> None:
    task = TaskAssignment(title="switch charging off", skill="write-setting", folder="battery")
    bench.tell(MessageType.TASK_ASSIGNMENT, task, sender=LEAD)
    assert (bench.last_refusal().code, bench.last_refusal().reason) == ("not-built", ONLY_WATCHES)
    [done] = bench.said(MessageType.TASK_COMPLETION)
    assert isinstance(done.body, Report)
    assert done.body.action is Action.BLOCKED
    assert done.body.error_details is not None
    assert done.body.error_details.message == ONLY_WATCHES


def test_what_is_said_to_everyone_is_not_for_it(bench: Bench) -> None:
    body = Control(verb=Verb.SET, settings=(Setting(name="acknowledge", value=OVER),))
    raised(bench)
    bench.bus.publisher(HUMAN).publish([message(MessageType.CONTROL, body, "to-all", sender=HUMAN, recipient=EVERYONE)])
    bench.agent.hear(0)
    assert bench.states_of() == [RAISED]


def test_each_pack_behind_a_device_is_watched_by_itself(bench: Bench) -> None:
    both = Status(packs=(replace(pack(), address=1), replace(pack(3.55), address=2)))
    bench.see(*[both] * 5)
    told = [one.body.device for one in bench.said(MessageType.TELEMETRY) if isinstance(one.body, Telemetry)]
    assert set(told) == {"pack-1/1", "pack-1/2"}
    assert {one.task for one in bench.said(MessageType.ALERT)} == {"pack-1/2"}
    bench.see(*[Status(packs=both.packs[:1])] * 15)
    [lost] = bench.alerts("data-lost")
    assert lost.text.startswith("pack-1/2: ")


def test_another_life_repeats_no_alert_and_hears_what_was_said_while_nobody_lived(bench: Bench) -> None:
    alert = raised(bench)
    bench.tell(MessageType.ANSWER, Answer(choice="acknowledge"), cause=alert.id, is_heard=False)
    bench.restart()
    bench.see(pack(3.55), pack(3.55), pack(3.55))
    assert bench.states_of() == [RAISED]
    bench.agent.hear(0)
    bench.see(*CALM)
    assert bench.states_of() == [RAISED, ACKNOWLEDGED, CLEARED]
    bench.restart()
    bench.agent.hear(0)
    bench.see(*CALM)
    assert bench.states_of() == [RAISED, ACKNOWLEDGED, CLEARED]


def test_what_the_device_itself_calls_alarming_is_told_and_raised_as_a_warning_of_its_own(bench: Bench) -> None:
    bench.see(replace(pack(), alarms=frozenset({"mux-stuck"})))
    [alert] = bench.alerts("device-mux-stuck")
    assert alert.severity is Severity.WARNING
    assert alert.text == "pack-1: device-mux-stuck: the device itself says mux-stuck"
    told = {one.name: one.value for message in bench.said(MessageType.TELEMETRY) if isinstance(message.body, Telemetry)
            for one in message.body.readings}  # fmt: skip
    assert told["alarm-mux-stuck"] == 1


def test_an_alarm_of_the_devices_own_is_latched_over_a_death_and_cleared_like_any_other(bench: Bench) -> None:
    calm = replace(pack(), alarms=frozenset[str]())
    bench.see(replace(pack(), alarms=frozenset({"mux-stuck"})))
    bench.restart()
    bench.see(calm, pack())
    assert bench.states_of("device-mux-stuck") == [RAISED]
    setting = Setting(name="acknowledge", value="device-mux-stuck")
    bench.tell(MessageType.CONTROL, Control(verb=Verb.SET, settings=(setting,)))
    bench.see(calm)
    assert bench.states_of("device-mux-stuck") == [RAISED, ACKNOWLEDGED, CLEARED]


def test_a_device_that_says_nothing_of_alarms_clears_none(bench: Bench) -> None:
    bench.see(replace(pack(), alarms=frozenset({"mux-stuck"})))
    setting = Setting(name="acknowledge", value="device-mux-stuck")
    bench.tell(MessageType.CONTROL, Control(verb=Verb.SET, settings=(setting,)))
    bench.see(pack(), pack())
    assert bench.states_of("device-mux-stuck") == [RAISED, ACKNOWLEDGED]


def test_a_name_that_no_message_can_hold_is_left_out(bench: Bench) -> None:
    bench.see(replace(pack(), alarms=frozenset({"<b>", "", "x" * 99, "wire-open"})))
    assert {body.code for one in bench.said(MessageType.ALERT) if isinstance(body := one.body, Alert)} == {
        "device-wire-open"
    }


class Charged:
    """A source that knows nothing of an earlier life: the first cell is above its limit."""

    def poll(self, now_s: float) -> Status | None:
        return pack(round(3.55 + now_s % 10 / 1000, 3))


PERIOD_S: Final = 0.05
FAST: Final = Terms(
    tuple(
        rule.model_copy(update={"steps": tuple(step.model_copy(update={"delay_s": 0.1}) for step in rule.steps)})
        for rule in start_rules(4, 280)
    ),
    Limits(cell_count=4),
    PublishingPace(least_s=0.1, full_s=0.5),
)


def live(run: RunFolder) -> None:
    post = replace(POST, mission=run.id, terms=FAST)
    lines = Lines({"bms": Charged()}, {}, RealTime(PERIOD_S))
    watch(run, post, before(durable(run), NAME), lines, "battery-1-0a1b2c")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBroker]:
    with broker(tmp_path / "run") as made:
        supervisor = Publisher(made.run, SUPERVISOR)
        introduce(supervisor, {NAME: Role.DEVICE})
        supervisor.close()
        yield made


def own(run: RunFolder) -> list[tuple[Entry, Message]]:
    """What the agent has said so far: each document admissible, and what was heard is what was said."""
    found = [(entry, decode(entry.document)) for entry in JournalReader(run.journal, 0).entries()]
    for entry, _ in found:
        parse(entry.document)
    return [(entry, told) for entry, told in found if told.sender == NAME]


def states(run: RunFolder, code: str = OVER) -> list[AlertState]:
    bodies = [told.body for _, told in own(run)]
    return [body.state for body in bodies if isinstance(body, Alert) and body.code == code]


def measured(run: RunFolder) -> Sequence[Telemetry]:
    return [told.body for _, told in own(run) if isinstance(told.body, Telemetry)]


@pytest.mark.slow
def test_over_a_real_broker_it_is_heard_and_killed_and_started_again_it_repeats_nothing(
    running: RunningBroker,
) -> None:
    run, context = running.run, get_context("forkserver")
    first = context.Process(target=live, args=(run,), daemon=True)
    first.start()
    until(lambda: states(run) == [RAISED] and len(measured(run)) > 3)
    first.kill()
    first.join()
    before_death = len(measured(run))
    alert = next(told for _, told in own(run) if isinstance(told.body, Alert) and told.body.code == OVER)
    person = Publisher(run, HUMAN)
    body = Answer(choice="acknowledge", person="R. Meyer")
    asked = message(MessageType.ANSWER, body, "seen", sender=HUMAN, recipient=NAME, cause=alert.id)
    person.publish([asked.model_copy(update={"mission": run.id})])
    person.close()
    second = context.Process(target=live, args=(run,), daemon=True)
    second.start()
    until(lambda: len(measured(run)) > before_death + 3 and ACKNOWLEDGED in states(run))
    second.terminate()
    second.join(10)
    assert second.exitcode == 0
    assert states(run) == [RAISED, ACKNOWLEDGED]
    assert_nothing_twice(run)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["device.before-publish:1", "device.before-ack:4"])
def test_dead_between_reading_and_publishing_or_before_the_answer_it_repeats_and_loses_nothing(
    running: RunningBroker, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, context = running.run, get_context("spawn")
    monkeypatch.setenv(VARIABLE, f"{point}:{tmp_path / 'marker'}")
    first = context.Process(target=live, args=(run,), daemon=True)
    first.start()
    first.join(30)
    assert first.exitcode == -signal.SIGKILL
    before_death = len(measured(run))
    second = context.Process(target=live, args=(run,), daemon=True)
    second.start()
    until(lambda: len(measured(run)) > before_death + 8 and states(run) == [RAISED])
    second.terminate()
    second.join(10)
    assert states(run) == [RAISED]
    assert_nothing_twice(run)


def assert_nothing_twice(run: RunFolder) -> None:
    """Every measurement and alert is there once, in the order in which they were taken, and nothing was refused."""
    taken = [(body.device, body.taken) for body in measured(run)]
    assert taken == sorted(set(taken))
    told = [message.id for _, message in own(run)]
    assert len(told) == len(set(told))
    everything = [decode(entry.document) for entry in JournalReader(run.journal, 0).entries()]
    assert [one for one in everything if isinstance(one.body, Refusal)] == []
