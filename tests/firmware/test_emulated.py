"""The whole sketch on an emulated Mega with an emulated board: what comes out of its ports and pins, and when."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.firmware.board import order, sketch
from tests.firmware.heard import run
from tests.firmware.logic import FLAGS, LIMITS, names

pytestmark = pytest.mark.slow


def test_it_starts_unknown_and_reports_each_quarter_of_a_second(emulator: Path, shipped: bytes) -> None:
    heard = run(emulator, shipped, "run 3100")
    assert heard.answers() == ["BOOT,1,1,UNKNOWN"]
    reports = heard.reports()
    assert [fields[2] for _, fields in reports] == [str(number) for number in range(len(reports))]
    assert {later - earlier for (earlier, _), (later, _) in pairwise(reports)} <= set(range(225, 276))
    _, fields = reports[-1]
    assert [int(value) for value in fields[4:20]] == pytest.approx([3250 + 7 * cell for cell in range(1, 17)], abs=8)
    assert len(fields) == 34
    assert names(int(fields[31], 16), FLAGS) == {"CALIBRATION_DEFAULT"}


def test_one_cell_too_high_lights_the_alarm_and_is_in_the_line_within_a_second_and_a_half(
    emulator: Path, shipped: bytes
) -> None:
    heard = run(emulator, shipped, "run 2100", "cell 7 3720", "run 1500")
    assert heard.first("alarm 1", 2100) <= 3600
    assert heard.first("buzzer 1", 2100) <= 3600
    at_ms, shown = next((at_ms, fields[32]) for at_ms, fields in heard.reports() if fields[32] != "0")
    assert at_ms <= 3600
    assert names(int(shown, 16), LIMITS) == {"CELL_HIGH_ALARM"}


def test_an_acknowledged_alarm_is_silent_and_the_order_is_answered(emulator: Path, shipped: bytes) -> None:
    orders = ("run 2000", "cell 7 3720", "run 1600", "cell 7 3300", "run 500", order("ACK"), "run 700")
    heard = run(emulator, shipped, *orders)
    assert "OK,ACK" in heard.answers()
    assert heard.reports()[-1][1][32] == "0"
    assert heard.first("ok 1", 4100) > 0


def test_the_button_acknowledges_once_for_each_press(emulator: Path, shipped: bytes) -> None:
    pressed = ("press", "run 300", "cell 7 3720", "run 1600", "cell 7 3300", "run 500")
    held = run(emulator, shipped, "run 1000", *pressed)
    assert held.reports()[-1][1][32] == "2"
    again = run(emulator, shipped, "run 1000", *pressed, "release", "run 20", "press", "run 500")
    assert again.reports()[-1][1][32] == "0"


def test_a_stuck_multiplexer_is_named(emulator: Path, shipped: bytes) -> None:
    heard = run(emulator, shipped, "run 1000", "stuck 2", "run 3000")
    fields = heard.reports()[-1][1]
    assert len(set(fields[4:20])) == 1
    assert "MUX_STUCK" in names(int(fields[31], 16), FLAGS)
    assert names(int(fields[32], 16), LIMITS) == {"SUM_MISMATCH"}


def test_an_open_cell_wire_is_absent_and_does_not_read_as_its_neighbour(emulator: Path, shipped: bytes) -> None:
    fields = run(emulator, shipped, "open 9", "run 1000").reports()[-1][1]
    assert fields[12] == "-"
    assert "-" not in fields[4:12] + fields[13:20]
    assert {"UNKNOWN", "CELL_WIRE_OPEN"} <= names(int(fields[31], 16), FLAGS)


def test_an_open_ntc_on_an_upper_channel_is_absent(emulator: Path, shipped: bytes) -> None:
    fields = run(emulator, shipped, "adc 9 4096", "run 1000").reports()[-1][1]
    assert fields[23:31] == ["251"] * 5 + ["-"] + ["251"] * 2
    assert "TEMPERATURE_OPEN" in names(int(fields[31], 16), FLAGS)


def test_a_saved_calibration_is_there_after_a_reset(emulator: Path, shipped: bytes) -> None:
    save = (order("CAL CELL 3 3300"), "run 400", order("CAL SAVE"), "run 2500", "reset", "run 800")
    heard = run(emulator, shipped, "run 600", *save, order("CAL SHOW"), "run 1500")
    answers = heard.answers()
    assert answers[1:3] == ["OK,CAL CELL 3 3300", "OK,CAL SAVE"]
    assert answers[3].startswith("BOOT,1,")
    assert answers[-1] == "OK,CAL SHOW"
    [gain] = [int(text.split(",")[-1]) for text in answers if text.startswith("CAL,CELL,3,0,")]
    assert 7_000 < gain < 13_000
    fields = heard.reports()[-1][1]
    assert fields[6] == "3300"
    assert names(int(fields[31], 16), FLAGS) == set()


def test_the_last_alarms_are_told_also_after_a_reset(emulator: Path, shipped: bytes) -> None:
    heard = run(emulator, shipped, "run 1000", "cell 7 3720", "run 1700", "reset", "run 700", order("LOG"), "run 600")
    [told] = [text.split(",") for text in heard.answers() if text.startswith("LOG,")]
    assert told[1] == "0"
    assert told[3] == str(LIMITS["CELL_HIGH_ALARM"])
    assert int(told[4]) == pytest.approx(3720, abs=5)
    assert heard.answers()[-1] == "OK,LOG"


def test_damaged_and_unknown_orders_are_refused_with_a_reason(emulator: Path, shipped: bytes) -> None:
    orders = ("run 500", "say ACK*0000", "run 300", order("OPEN CONTACTOR"), "run 300", "say " + "x" * 200, "run 300")
    heard = run(emulator, shipped, *orders)
    assert heard.answers()[1:] == ["NO,,damaged", "NO,OPEN CONTACTOR,unknown", "NO,,damaged"]


def test_a_silent_host_is_told_and_heard_again(emulator: Path, shipped: bytes) -> None:
    heard = run(emulator, shipped, "run 10800", order("HOST"), "run 700")
    flags = [names(int(fields[31], 16), FLAGS) for _, fields in heard.reports()]
    assert "HOST_SILENT" in flags[-5]
    assert "HOST_SILENT" not in flags[-1]


def test_the_dead_mans_pin_goes_with_every_scan(emulator: Path, shipped: bytes) -> None:
    beats = [at_ms for at_ms, text in run(emulator, shipped, "run 3000").pins if text.startswith("heartbeat")][1:]
    assert 10 <= len(beats) <= 12
    assert all(200 <= later - earlier <= 300 for earlier, later in pairwise(beats))


def test_a_task_that_hangs_stops_the_dead_mans_pin_and_resets_the_board(emulator: Path, hanging: bytes) -> None:
    heard = run(emulator, hanging, "run 3600")
    boots = [(at_ms, text) for at_ms, text in heard.lines if text.startswith("BOOT")]
    assert [text for _, text in boots] == ["BOOT,1,1,UNKNOWN", "BOOT,1,28,UNKNOWN"]
    restarted_ms = boots[1][0]
    assert 2900 <= restarted_ms <= 3300
    quiet = [at_ms for at_ms, text in heard.pins if text.startswith("heartbeat") and 2010 < at_ms < restarted_ms - 20]
    assert quiet == []


def test_a_task_that_is_left_out_is_a_task_that_hangs(emulator: Path) -> None:
    lacking = sketch({"battery_monitor.ino": (b"tasks_ran |= TASK_SHOWN;", b"")})
    heard = run(emulator, lacking, "run 2600")
    assert len([text for text in heard.answers() if text.startswith("BOOT")]) >= 2
    assert [text for _, text in heard.pins if text == "heartbeat 1"] == []
