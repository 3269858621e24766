"""Fixtures that several tests of devices share."""

from pathlib import Path

import pytest

from tests.agents.device.agent_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
