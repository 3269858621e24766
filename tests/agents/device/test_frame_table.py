"""The table of frames in the documentation is what the decoders do."""

import pytest

from agents.device.protocols.catalogue import DECODERS
from tests.agents.device.frame_table import MODULE, lines
from tests.agents.device.tables import shown
from tests.agents.device.test_frames import FILE
from tests.cases import cases


@pytest.mark.slow
def test_the_documented_table_is_what_decoders_do() -> None:
    cases(FILE)
    assert lines() == shown(MODULE)


def test_every_decoder_is_in_the_documentation_and_none_has_crashed() -> None:
    rows = {row.split("|")[1].strip(" `"): row for row in shown(MODULE)[2:]}
    assert rows.keys() == DECODERS.keys()
    assert all("| 0 of 2000 |" in row for row in rows.values())
