"""Tables on a terminal: no column disappears because another one is long."""

import pytest

from cli.screen import shared


@pytest.mark.parametrize(
    ("widest", "room", "widths"),
    [
        ([3, 12, 40], 100, [3, 12, 40]),
        ([3, 12, 400], 80, [3, 12, 65]),
        ([3, 30, 30, 400], 83, [3, 20, 20, 40]),
        ([400, 400], 1, [1, 2]),
    ],
    ids=["all fit", "the last is cut", "the long ones share", "no room at all"],
)
def test_narrow_columns_stay_whole_and_long_ones_share_what_is_left(
    widest: list[int], room: int, widths: list[int]
) -> None:
    assert shared(widest, room) == widths
