"""How a device is named on the command line, and what is wrong with it before anything starts."""

import sys
from pathlib import Path

import pytest

from agents.device.watching.settings import DeviceSettings, SourceSettings, check_can_be, read_settings, sources_of
from protocol.errors import DefinitionError, OrchestraError, SourceError
from tests.recorded import record


def settings(text: str, protocol: str = "", **more: object) -> DeviceSettings:
    name, sources = sources_of(text, protocol, 1)
    return DeviceSettings.model_validate({"name": name, "sources": sources, **more})


@pytest.mark.parametrize(
    ("text", "protocol", "name", "sources"),
    [
        ("/dev/ttyUSB0", "jbd", "battery-1", [("jbd", "/dev/ttyUSB0", "jbd")]),
        ("jbd@/dev/ttyUSB0?baud=19200", "", "battery-1", [("jbd", "/dev/ttyUSB0?baud=19200", "jbd")]),
        ("house=daly-a5@tcp://10.0.0.5:8899", "jbd", "house", [("daly-a5", "tcp://10.0.0.5:8899", "daly-a5")]),
        ("emulated:jk", "", "battery-1", [("jk-uart", "emulated:jk", "jk-uart")]),
        (
            "emulated:jbd?fault=overvoltage+7+3.72&after=5",
            "",
            "battery-1",
            [("jbd", "emulated:jbd?fault=overvoltage+7+3.72&after=5", "jbd")],
        ),
        (
            "house=jbd@/dev/ttyUSB0,battery-monitor@/dev/ttyACM0",
            "",
            "house",
            [("jbd", "/dev/ttyUSB0", "jbd"), ("battery-monitor", "/dev/ttyACM0", "battery-monitor")],
        ),
        (
            "jbd@/dev/ttyUSB0, jbd@/dev/ttyUSB1",
            "",
            "battery-1",
            [("jbd", "/dev/ttyUSB0", "jbd"), ("jbd-2", "/dev/ttyUSB1", "jbd")],
        ),
    ],
)
def test_a_device_is_named_with_what_it_speaks(
    text: str, protocol: str, name: str, sources: list[tuple[str, str, str]]
) -> None:
    expected = tuple(SourceSettings(name=one, url=url, protocol=spoken) for one, url, spoken in sources)
    assert sources_of(text, protocol, 1) == (name, expected)


def test_a_recording_says_itself_what_was_spoken_and_is_known_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "line.txt", 2)
    monkeypatch.chdir(tmp_path)
    _, (source,) = sources_of("recording:line.txt", "", 1)
    assert (source.protocol, source.url) == ("jbd", f"recording:{tmp_path / 'line.txt'}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/dev/ttyUSB0", "does not say what the device speaks; add --protocol P, one of: battery-monitor"),
        ("", "is no address of a device"),
        ("emulated:morse", "'morse' cannot be emulated"),
        ("recording:nowhere.txt", "cannot read"),
        ("jbd@recording:nowhere.txt,jbd@/dev/ttyUSB0", "a recording is played by itself"),
        (",".join(f"jbd@/dev/ttyUSB{number}" for number in range(5)), "up to 4 devices"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(SourceError) as said:
        sources_of(text, "", 1)
    assert reason in str(said.value)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("devices", "reason"),
    [
        ([settings("jbd@/dev/ttyUSB0"), settings("jbd@/dev/ttyUSB1")], "two devices are called alike"),
        ([settings("a=jbd@/dev/ttyUSB0"), settings("b=jbd@/dev/ttyUSB0")], "a line is named twice"),
        ([settings("morse@/dev/ttyUSB0")], "'morse' is no protocol"),
        ([settings("jbd@http://a")], "is no address of a device"),
        ([settings("jbd@/dev/ttyUSB0", addresses=(2,))], "have no addresses"),
        ([settings("jbd@/dev/ttyUSB0", register_map="/x.yaml")], "takes no map"),
    ],
)
def test_what_does_not_fit_together_is_found_before_anything_starts(devices: list[DeviceSettings], reason: str) -> None:
    with pytest.raises(OrchestraError, match=reason):
        check_can_be(devices)


def test_alarms_that_are_none_are_found_before_anything_starts() -> None:
    with pytest.raises(DefinitionError, match="the alarms"):
        check_can_be([settings("jbd@/dev/ttyUSB0", alarms="cells: 16\nbattery_ah: soon\n")])


def test_bluetooth_is_asked_by_a_driver_where_there_are_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here only what is said where there are none: they need another Python than the oldest that is supported."""
    monkeypatch.setitem(sys.modules, "aiobmsble.bms", None)
    with pytest.raises(SourceError, match=r"Bluetooth needs Python 3\.12"):
        sources_of("ble://PACK%201?driver=jbd", "", 1)
    with pytest.raises(SourceError, match="is no address of a battery by Bluetooth"):
        sources_of("ble://PACK", "", 1)


def test_a_recording_that_holds_nothing_is_not_watched(tmp_path: Path) -> None:
    record(tmp_path / "line.txt", 0)
    with pytest.raises(SourceError, match="holds nothing that was said"):
        check_can_be([settings(f"recording:{tmp_path / 'line.txt'}")])


def test_settings_come_back_from_the_message_that_starts_a_mission() -> None:
    one = settings("house=jbd@/dev/ttyUSB0,battery-monitor@/dev/ttyACM0", cells=8, battery_ah=100.0)
    assert read_settings(one.model_dump_json()) == one
    with pytest.raises(SourceError, match="no settings of a device"):
        read_settings('{"name": "x"}')


def test_of_many_packs_on_one_line_none_is_stale_before_its_turn_has_come_again() -> None:
    stack = settings("jbd-up@/dev/ttyUSB0", addresses=tuple(range(1, 9)))
    assert stack.terms.limits.period_s == 4.0
    assert settings("jbd-up@/dev/ttyUSB0").terms.limits.period_s == 1.0
