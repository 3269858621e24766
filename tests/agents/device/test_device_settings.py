"""How the devices of a watch are named, and which names cannot be."""

import pytest

from agents.device.watching.settings import DeviceSettings, check_can_be, sources_of
from protocol.errors import SourceError


@pytest.mark.parametrize(
    "text",
    [
        "../x=emulated:jbd",
        "a/b=emulated:jbd",
        "=emulated:jbd",
        f"{'a' * 61}=emulated:jbd",
        "ü=emulated:jbd",
        "@x=tcp://h:1",
    ],
)
def test_a_name_that_cannot_be_is_refused_and_not_taken_for_a_path(text: str) -> None:
    with pytest.raises(SourceError, match="a name is up to 60 letters"):
        sources_of(text, "jbd", 1)


@pytest.mark.parametrize(
    "url", ["/dev/ttyUSB0?baud=9600", "emulated:jbd?cells=8", "/dev/serial/by-path/a=b", "serial://pack?baud=9600"]
)
def test_an_equals_sign_in_an_address_names_nothing(url: str) -> None:
    name, [source] = sources_of(url, "jbd", 3)
    assert (name, source.url) == ("battery-3", url)


def test_the_name_of_a_recording_may_have_spaces() -> None:
    name, [source] = sources_of("house=jbd@recording:/tmp/last night.txt", "", 1)
    assert (name, source.protocol, source.url) == ("house", "jbd", "recording:/tmp/last night.txt")


@pytest.mark.parametrize(
    "name", ["human", "broker", "Gatekeeper", "recorder", "tech-lead-orchestrator", "battery-analyst"]
)
def test_a_device_is_not_called_like_somebody_else_of_the_run(name: str) -> None:
    called, sources = sources_of(f"{name}=emulated:jbd", "", 1)
    with pytest.raises(SourceError, match="call the device something else"):
        check_can_be([DeviceSettings(name=called, sources=sources)])
