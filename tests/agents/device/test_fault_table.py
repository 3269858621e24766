"""The table of faults in the documentation is what the code finds."""

import pytest

from agents.device.emulation.faults import ORDERS
from tests.agents.device.fault_table import MODULE, emulated, lines, sensor_rows
from tests.agents.device.tables import shown, table

QUICK_SENSORS = ("a cell reads 16 V", "one cell is no longer told of", "the pack reads 3 V more than its cells",
                 "the charge switch is off, 28 A", "a sensor is shorted: 160 °C", "everything stands still, -140 A",
                 "the pack reads 0 V", "a temperature jumps by 30 °C")  # fmt: skip


def documented(first: str) -> list[str]:
    return [row for row in shown(MODULE) if row.startswith(f"| {first} |")]


@pytest.mark.parametrize("order", ["overvoltage 7 3.72", "open-wire 3", "open-ntc 1", "unplug"])
def test_the_documented_row_of_an_order_is_what_is_found(order: str) -> None:
    [_, _, row] = table(("",), [(f"`{order}`", "jbd", *emulated("jbd", order))])
    assert row in documented(f"`{order}`")


def test_the_documented_rows_of_faults_of_sensors_are_what_is_found() -> None:
    for row in sensor_rows(QUICK_SENSORS):
        assert table(("",), [row])[2:] == documented(row[0])


def test_every_order_is_in_the_documentation_and_a_normal_day_has_no_false_alarm() -> None:
    text = "\n".join(shown(MODULE))
    assert [word for word in ORDERS if f"| `{word}" not in text] == []
    assert shown(MODULE)[-1] == "| nothing is wrong, for 24 hours from full to empty and back | 0 | 0 |"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_documented_table_is_what_is_found() -> None:
    assert lines(day_period_s=3.0) == shown(MODULE)
