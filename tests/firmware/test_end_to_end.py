"""From a cell to the bus: the real firmware behind a pty, read by the real decoder, watched by a device's agent.

Time is that of the emulated board where nothing else is said: both run on it, so what is asserted is no wall clock.
What is measured here: a cell that jumps to 3.72 V is on the bus 0.30 s later, the red lamp lights after 1.25 s, and the
alert is on the bus after 1.50 s. The last two wait for 1 s on purpose, as their limits say: one scan raises nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from agents.device.alarms.rules import start_rules
from agents.device.device_address import DeviceAddress
from agents.device.judging.limits import Limits
from agents.device.line import Line
from agents.device.status import Status
from agents.device.watching import process
from agents.device.watching.agent import DeviceAgent
from agents.device.watching.earlier import before
from agents.device.watching.process import Lines, RealTime
from agents.device.watching.surroundings import Surroundings
from agents.device.watching.watch import Terms
from agents.device.watching.wording import Post
from bus.artifacts import ArtifactStore
from bus.follower import durable
from bus.journal import JournalReader
from bus.memory import MemoryBus
from bus.publisher import Publisher
from bus.roles import Role
from bus.run import RunFolder
from protocol.bodies import Alert, AlertState, Answer, Quality, Reading, Severity, Telemetry
from protocol.decoder import decode
from protocol.messages import MessageType
from protocol.topics import HUMAN, SUPERVISOR
from tests.builders import broker, introduce, message, until
from tests.firmware.board import INPUTS, Board, switched_on

pytestmark = pytest.mark.slow

NAME: Final = "@battery-1"
PERIOD_S: Final = 0.25
TERMS: Final = Terms(start_rules(16, 280), Limits(period_s=PERIOD_S, cell_count=16))
POST: Final = Post(name=NAME, device="pack-1", mission="test", terms=TERMS)
EPOCH_NS: Final = 1_795_253_400_000_000_000
STEP_MS: Final = 50
EVEN: Final = (*(f"cell {cell} {3300 + cell}" for cell in range(1, 17)), *INPUTS)
TOO_HIGH: Final = ("cell 7 3720", "adc 1 3336")  # the pack has as much more
RAISED = AlertState.RAISED


def line_to(path: Path) -> Line:
    return Line(DeviceAddress(url=str(path), protocol="battery-monitor", period_s=PERIOD_S))


class Heard:
    """A monitor's line, which is waited for for as long as a pty takes. statuses: all that it said."""

    def __init__(self, path: Path) -> None:
        self._line, self.statuses = line_to(path), list[Status]()

    def poll(self, now_s: float) -> Status | None:
        status = self._line.poll(now_s, 0.005)
        self.statuses += [status] if status else []
        return status

    def close(self) -> None:
        self._line.close()


class Scene:
    """An agent on a bus in memory that watches a board through a pty; both live in the board's time."""

    def __init__(self, emulator: Path, program: bytes, folder: Path) -> None:
        self._emulator, self._program, self._link = emulator, program, folder / "monitor"
        self.bus, self.line = MemoryBus(clock_ns=lambda: 1), Heard(self._link)
        introduce(self.bus.publisher(SUPERVISOR), {NAME: Role.DEVICE})
        around = Surroundings(
            hearing=self.bus.subscriber(NAME[1:], len(self.bus.entries)),
            publishing=self.bus.publisher(NAME),
            sources={"monitor": self.line},
            store=ArtifactStore(folder),
            instance="battery-1-0a1b2c",
            raw={},
            clock_ns=lambda: EPOCH_NS + round(self.now_s * 1e9),
        )
        self.now_s = 0.0
        self.agent = DeviceAgent(POST, around, self.now_s)
        self._on = ExitStack()
        self.board: Board | None = None
        self.plug()

    def plug(self) -> None:
        self.board = self._on.enter_context(switched_on(self._emulator, self._program, self._link, *EVEN))

    def unplug(self) -> None:
        """Kill the board: its port disappears."""
        self._on.close()
        self.board = None

    def close(self) -> None:
        self.line.close()
        self._on.close()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000 / STEP_MS)):
            self.now_s += STEP_MS / 1000
            if self.board:
                self.board.run(STEP_MS)
            self.agent.look(self.now_s)
            self.agent.hear(0)

    def order(self, *texts: str) -> float:
        """Give the board orders; return when that was."""
        assert self.board
        self.board.order(*texts)
        return self.now_s

    @property
    def alarms(self) -> frozenset[str]:
        """What the monitor itself called wrong last."""
        return next(status.alarms for status in reversed(self.line.statuses) if status.alarms is not None)

    def alerts(self, code: str) -> list[tuple[float, Alert]]:
        return [(at_s, body) for at_s, body in self._said() if isinstance(body, Alert) and body.code == code]

    def readings(self, name: str) -> list[tuple[float, Reading]]:
        told = [(at_s, body) for at_s, body in self._said() if isinstance(body, Telemetry)]
        return [(at_s, one) for at_s, body in told for one in body.readings if one.name == name]

    def _said(self) -> list[tuple[float, object]]:
        messages = [decode(entry.document) for entry in self.bus.entries]
        return [((one.timestamp_ns - EPOCH_NS) / 1e9, one.body) for one in messages if one.sender == NAME]


@contextmanager
def watched(emulator: Path, program: bytes, folder: Path) -> Iterator[Scene]:
    scene = Scene(emulator, program, folder)
    try:
        yield scene
    finally:
        scene.close()


@pytest.fixture
def scene(emulator: Path, shipped: bytes, tmp_path: Path) -> Iterator[Scene]:
    with watched(emulator, shipped, tmp_path) as made:
        made.run(3)
        assert made.alarms == frozenset()
        assert {quality(one) for one in made.readings("cell-7-voltage")} == {Quality.GOOD}
        yield made


def quality(told: tuple[float, Reading]) -> Quality:
    return told[1].quality


def test_an_overvoltage_is_on_the_bus_within_a_second_and_raised_after_the_delay_of_its_limit(scene: Scene) -> None:
    began_s = scene.order(*TOO_HIGH)
    scene.run(4)
    assert scene.board
    read_s = next(at_s for at_s, one in scene.readings("cell-7-voltage") if one.value > 3.6)
    assert read_s - began_s <= 1.0
    lit_s = scene.board.first("alarm 1", round(began_s * 1000)) / 1000
    assert lit_s - began_s <= 1.5
    raised_s, alert = next((at_s, one) for at_s, one in scene.alerts("cell-overvoltage"))
    [step] = [step for rule in TERMS.rules if rule.code == "cell-overvoltage" for step in rule.steps if step.at == 3.65]
    assert raised_s - began_s <= 1.0 + step.delay_s
    assert (alert.state, alert.severity) == (RAISED, Severity.CRITICAL)
    assert "cell-7-voltage is 3.7" in alert.text
    assert "cell-high-alarm" in scene.alarms


def test_a_stuck_multiplexer_is_named_and_no_cell_is_believed(scene: Scene) -> None:
    scene.order("stuck 2", "adc 1 3400")
    scene.run(4)
    assert {"mux-stuck", "sum-mismatch"} <= scene.alarms
    assert scene.alerts("device-mux-stuck")
    assert quality(scene.readings("cell-7-voltage")[-1]) is not Quality.GOOD


def test_a_monitor_that_is_listened_to_does_not_call_its_host_silent(scene: Scene) -> None:
    scene.run(12)
    last = next(status for status in reversed(scene.line.statuses) if status.cells)
    assert "flag-host-silent" not in last.others


def test_an_open_cell_wire_is_named_and_just_its_cell_is_absent_and_missed(scene: Scene) -> None:
    scene.order("open 9")
    scene.run(13)
    assert "cell-wire-open" in scene.alarms
    assert scene.alerts("device-cell-wire-open")
    assert quality(scene.readings("cell-9-voltage")[-1]) is Quality.ABSENT
    assert {quality(scene.readings(f"cell-{cell}-voltage")[-1]) for cell in (8, 10)} == {Quality.GOOD}
    [(_, lost)] = scene.alerts("readings-lost")
    assert "cell-9-voltage" in lost.text


def test_a_monitor_that_hung_says_that_its_watchdog_has_reset_it(
    emulator: Path, hanging: bytes, tmp_path: Path
) -> None:
    with watched(emulator, hanging, tmp_path) as scene:
        scene.run(1.9)
        assert scene.alarms == frozenset()
        scene.run(2.5)
        assert "reset-by-watchdog" in scene.alarms
        assert scene.alerts("device-reset-by-watchdog")
        [boot] = [status for status in scene.line.statuses if status.others.get("state") and status.alarms]
        assert boot.others["reset-cause"] == "watchdog memory-survived"
        assert Quality.STALE in map(quality, scene.readings("pack-voltage"))
        assert quality(scene.readings("pack-voltage")[-1]) is Quality.GOOD


def test_unplugged_it_gets_old_is_an_alarm_and_plugged_in_again_all_is_well(scene: Scene) -> None:
    scene.unplug()
    scene.run(14)
    seen = [quality(told) for told in scene.readings("pack-voltage")]
    assert seen[-2:] == [Quality.STALE, Quality.ABSENT]
    [(_, alert)] = scene.alerts("data-lost")
    assert alert.state is RAISED
    scene.plug()
    scene.run(4)
    assert quality(scene.readings("pack-voltage")[-1]) is Quality.GOOD
    assert quality(scene.readings("cell-7-voltage")[-1]) is Quality.GOOD
    assert len(scene.alerts("data-lost")) == 1  # it stays until somebody has taken note of it
    raised = next(decode(entry.document) for entry in scene.bus.entries if entry.topic.endswith("/alert"))
    answer = message(
        MessageType.ANSWER, Answer(choice="acknowledge"), "seen", sender=HUMAN, recipient=NAME, cause=raised.id
    )
    scene.bus.publisher(HUMAN).publish([answer])
    scene.run(1)
    states = [one.state for _, one in scene.alerts("data-lost")]
    assert states == [RAISED, AlertState.ACKNOWLEDGED, AlertState.CLEARED]


def watch(run: RunFolder, path: Path) -> None:
    lines = Lines({"monitor": line_to(path)}, {}, RealTime(PERIOD_S))
    process.watch(run, replace(POST, mission=run.id), before(durable(run), NAME), lines, "battery-1-0a1b2c")


def raised(run: RunFolder) -> list[tuple[str, Severity]]:
    return [(one.code, one.severity) for one in said(run, Alert) if isinstance(one, Alert)]


def said(run: RunFolder, kind: type[Telemetry] | type[Alert]) -> list[Telemetry | Alert]:
    bodies = [decode(entry.document).body for entry in JournalReader(run.journal, 0).entries()]
    return [body for body in bodies if isinstance(body, kind)]


def test_over_a_real_broker_a_process_of_its_own_tells_of_the_overvoltage(
    emulator: Path, shipped: bytes, tmp_path: Path
) -> None:
    """Here the board keeps pace with the clock on the wall, on which the agent's process lives."""
    link = tmp_path / "monitor"
    with broker(tmp_path / "run") as made, switched_on(emulator, shipped, link, *EVEN, "pace") as board:
        supervisor = Publisher(made.run, SUPERVISOR)
        introduce(supervisor, {NAME: Role.DEVICE})
        supervisor.close()
        agent = get_context("forkserver").Process(target=watch, args=(made.run, link), daemon=True)
        agent.start()

        def comes(fact: Callable[[], object]) -> None:
            def goes_on() -> bool:
                board.run(STEP_MS)
                return bool(fact())

            until(goes_on, 60)

        comes(lambda: said(made.run, Telemetry))
        assert said(made.run, Alert) == []
        board.order(*TOO_HIGH)
        comes(lambda: ("cell-overvoltage", Severity.CRITICAL) in raised(made.run))
        agent.terminate()
        agent.join(10)
        assert agent.exitcode == 0
