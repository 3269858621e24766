"""The lines of our own firmware, also as its C writes them."""

import ctypes
from pathlib import Path

import pytest

from agents.device.links.loopback import pair
from agents.device.polling import Poller, PollingPace
from agents.device.protocols.battery_monitor import FLAGS, LIMITS, STATES, BatteryMonitor, order
from agents.device.recording import Chunk, statuses
from agents.device.status import FrameError, Status
from tests.agents.device.sealing import line, scan
from tests.firmware import logic


def said(data: bytes) -> Status:
    decoder = BatteryMonitor()
    [frame] = decoder.feed(data)
    return decoder.decode(frame)


def test_a_scan_says_what_was_measured() -> None:
    status = said(scan(n_4="3412", n_30="-105", n_31="1002", n_32="4000000A"))
    assert (status.pack_voltage_v, status.current_a, status.cell_count) == (52.8, 5.0, 16)
    assert (status.cells[1], status.cells[16], status.temperatures["8"]) == (3.412, 3.3, -10.5)
    assert status.alarms == frozenset({"cell-high-alarm", "cell-low-alarm", "value-lost", "cell-clipped"})
    assert (status.others["flag-cell-clipped"], status.others["flag-host-silent"]) == (True, True)
    assert "flag-unknown" not in status.others
    assert (status.others["sequence"], status.others["at-ms"]) == (7, 1750)
    assert status.others["reset-cause"] == "memory-survived unknown"


def test_what_flags_say_is_wrong_with_the_monitor_is_an_alarm_and_how_things_stand_is_none() -> None:
    faults = frozenset(FLAGS) - STATES
    assert said(scan(n_31="1FFFFF", n_32="0")).alarms == faults
    assert {"mux-stuck", "cell-wire-open", "adc-silent"} <= faults
    assert set(FLAGS) >= STATES


@pytest.mark.parametrize(
    ("cause", "alarms"),
    [("1", set()), ("2", set()), ("60", set()), ("28", {"reset-by-watchdog"}), ("4", {"reset-by-brown-out"})],
)
def test_a_reset_by_a_fault_is_an_alarm_at_the_start_and_in_every_scan(cause: str, alarms: set[str]) -> None:
    assert said(line(f"BOOT,1,{cause},UNKNOWN")).alarms == (frozenset(alarms) or None)
    assert said(scan(n_31="0", n_32="0", n_33=cause)).alarms == frozenset(alarms)


def test_what_a_scan_calls_absent_is_absent() -> None:  # case 13
    status = said(scan(n_6="-", n_20="-", n_25="-"))
    assert (len(status.cells), 3 in status.cells, status.pack_voltage_v) == (15, False, None)
    assert (len(status.temperatures), "3" in status.temperatures) == (7, False)


def test_the_hall_sensor_stands_in_for_the_shunt_and_both_are_told() -> None:  # case 25
    assert said(scan()).others["hall-current-a"] == 4.9
    assert said(scan(n_21="-")).current_a == 4.9
    assert said(scan(n_21="-", n_22="-")).current_a is None


def test_zero_is_a_value_and_no_absent_one() -> None:
    status = said(scan(n_4="0", n_21="0", n_23="0"))
    assert (status.cells[1], status.current_a, status.temperatures["1"]) == (0.0, 0.0, 0.0)


def test_names_of_flags_and_limits_are_those_of_the_headers() -> None:
    def named(numbers: dict[str, int]) -> dict[int, str]:
        return {number: name.lower().replace("_", "-") for name, number in numbers.items()}

    assert dict(enumerate(FLAGS)) == named(logic.FLAGS)
    assert dict(enumerate(LIMITS)) == named(logic.LIMITS)


def test_the_line_that_the_sketch_writes_is_read(tmp_path: Path) -> None:
    sketch, text, readings = logic.compiled(tmp_path), logic.Line(), logic.Readings()
    for number, reading in enumerate((*readings.cells_mv, *readings.temperatures_dc), 1):
        reading.value, reading.is_present = -number, number != 3
    report = logic.Report(sequence=2**32 - 1, at_ms=250, flags=1, alarms=1 << 30, reset_cause=9)
    sketch.line_report(ctypes.byref(text), ctypes.byref(report), ctypes.byref(readings))
    assert sketch.line_end(ctypes.byref(text))
    status = said(bytes(text.text)[: text.length])
    assert (len(status.cells), status.cells[16], status.temperatures["8"]) == (15, -0.016, -2.4)
    assert (status.pack_voltage_v, status.current_a) == (None, None)
    assert status.alarms == frozenset({"value-lost", "reset-by-watchdog"})
    assert (status.others["sequence"], status.others["reset-cause"]) == (2**32 - 1, "power watchdog")


def test_an_order_is_one_that_the_sketch_takes(tmp_path: Path) -> None:
    sketch = logic.compiled(tmp_path)
    for kind, text in enumerate(("HOST", "ACK", "LOG")):
        assert sketch.order_read(ctypes.create_string_buffer(order(text).strip())).kind == kind


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("BOOT,1,1,UNKNOWN", {"reset-cause-bits": 1, "reset-cause": "power", "state": "unknown"}),
        ("LOG,12,345,1,3651", {"log-number": 12, "log-at-ms": 345, "log-limit": "cell-high-alarm", "log-value": 3651}),
        ("CAL,CELL,3,-20,150", {"calibration-cell-3-offset-uv": -20, "calibration-cell-3-gain-ppm": 150}),
        ("CAL,PACK,7", {"calibration-pack-gain-ppm": 7}),
        ("CAL,ZERO,2048000,2500000", {"calibration-zero-shunt-uv": 2048000, "calibration-zero-hall-uv": 2500000}),
        ("OK,CAL CELL 3 3300", {"order": "CAL CELL 3 3300", "is-taken": True, "reason": ""}),
        ("NO,,damaged", {"order": "", "is-taken": False, "reason": "damaged"}),
        ("NO,A,B*C,unknown", {"order": "A,B*C", "is-taken": False, "reason": "unknown"}),
    ],
)
def test_what_is_no_scan_says_nothing_of_the_battery(text: str, others: dict[str, object]) -> None:
    assert said(line(text)) == Status(others=others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        line("BM,1,7,1750,3300"),
        scan(n_1="2"),
        scan(n_4=""),
        scan(n_4="+3300"),
        scan(n_4="3_300"),
        scan(n_4="3300.0"),
        scan(n_31="-"),
        scan(n_32="8000000000"),
        line("BM"),
        line("BOOT,1"),
        line("LOG,1,2,99,3"),
        line("LOG,1,2,-1,3"),
        line("CAL,OTHER,1"),
        line("CAL"),
    ],
)
def test_a_line_that_is_whole_and_cannot_be_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        said(data)


@pytest.mark.parametrize("data", [line("XX,1"), b"$BM,1*0000\r\n", scan().replace(b"\r\n", b"\n"), b"$\r\n", b"$*\r\n"])
def test_a_line_without_its_word_end_or_crc_is_none(data: bytes) -> None:
    assert BatteryMonitor().feed(data) == []


def test_a_line_cut_by_a_reset_does_not_spoil_the_next() -> None:
    boot = line("BOOT,1,8,UNKNOWN")
    assert [frame.kind for frame in BatteryMonitor().feed(scan()[:90] + b"\r\n" + boot + scan())] == ["boot", "scan"]
    assert [frame.kind for frame in BatteryMonitor().feed(scan()[:90] + boot + scan())] == ["boot", "scan"]


def test_a_monitor_of_fewer_cells_is_read_by_its_own_numbers() -> None:
    text = ",".join(["BM", "1", "0", "0", *["3300"] * 8, "26400", "-", "-", "250", "250", "0", "0", "1"])
    decoder = BatteryMonitor(cell_count=8, temperature_count=2)
    [frame] = decoder.feed(line(text))
    assert (decoder.decode(frame).cell_count, len(decoder.decode(frame).temperatures)) == (8, 2)


def test_a_dollar_without_end_does_not_grow_a_buffer_or_hide_a_line() -> None:
    decoder = BatteryMonitor()
    assert decoder.feed(b"$" * 5000) == []
    assert [frame.kind for frame in decoder.feed(scan())] == ["scan"]


def test_a_monitor_that_is_heard_is_told_every_few_seconds_that_its_host_lives() -> None:
    here, there = pair()
    poller = Poller(here, BatteryMonitor(), PollingPace())
    told = dict[int, bytes]()
    for second in range(20):
        if second < 10:
            there.write(scan())
        poller.poll(float(second))
        if sent := there.read(0.0):
            told[second] = sent
    assert told == dict.fromkeys((0, 3, 6, 9), order("HOST"))


def test_what_tells_that_a_host_lives_cuts_no_line_of_a_recording_in_two() -> None:
    said = scan()
    chunks = [Chunk(1, False, said[:20]), Chunk(2, True, BatteryMonitor.heartbeat), Chunk(3, False, said[20:])]
    assert len(list(statuses(chunks, BatteryMonitor()))) == 1
