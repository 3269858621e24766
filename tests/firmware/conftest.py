"""What takes long to build and is the same for all tests of the emulated board."""

from pathlib import Path

import pytest

from tests.firmware.board import built_emulator, sketch

_HANGING = (b"storage_step();", b"while (millis() > 2000U) {\n    }\n    storage_step();")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_emulator(tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="session")
def shipped(emulator: Path) -> bytes:
    return sketch()


@pytest.fixture(scope="session")
def hanging(emulator: Path) -> bytes:
    """The sketch with a task that hangs once two seconds are over."""
    return sketch({"battery_monitor.ino": _HANGING})


@pytest.fixture(scope="session")
def with_card(emulator: Path) -> bytes:
    """The sketch with its log on an SD card."""
    return sketch({"options.h": (b"SD_LOG 0", b"SD_LOG 1")})
