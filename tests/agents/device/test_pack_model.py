"""The modelled pack behaves as a pack does, and the same seed makes the same one."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.emulation.pack_model import (
    after,
    allowed_a,
    open_circuit_v,
    pack_of,
    soc_percent,
    status_of,
    voltages,
)


def test_the_same_seed_makes_the_same_pack_and_another_another() -> None:
    assert pack_of(7) == pack_of(7)
    assert pack_of(7) != pack_of(8)
    assert status_of(pack_of(7), Random(1)) == status_of(pack_of(7), Random(1))


@given(charge=st.floats(min_value=0, max_value=0.99))
def test_a_fuller_cell_never_has_less_voltage(charge: float) -> None:
    assert open_circuit_v(charge) <= open_circuit_v(charge + 0.01)


def test_a_current_moves_charge_by_the_coulomb() -> None:
    pack = after(pack_of(1, capacity_ah=280, charge=0.5), -28.0, 3600)
    assert soc_percent(pack) == pytest.approx(40, abs=0.3)


def test_cells_sag_under_load_and_recover_slowly() -> None:
    rested = pack_of(1)
    loaded = after(rested, -140, 600)
    released = after(loaded, 0, 1)
    later = after(released, 0, 7200)
    assert min(voltages(rested)) - min(voltages(loaded)) > 0.05
    assert voltages(loaded)[0] < voltages(released)[0] < voltages(later)[0]


def test_one_long_step_is_many_short_ones() -> None:
    long, short = after(pack_of(3), -100, 600), pack_of(3)
    for _ in range(600):
        short = after(short, -100, 1)
    assert voltages(short) == pytest.approx(voltages(long), abs=1e-9)


def test_losses_warm_the_cells_and_the_air_cools_them() -> None:
    hot = after(pack_of(1, charge=1.0, celsius=20), -280, 3600, ambient_c=20)
    assert 30 < hot.now[0].celsius < 50
    assert after(hot, 0, 36_000, ambient_c=20).now[0].celsius == pytest.approx(20, abs=0.5)


def test_cells_differ_by_about_a_per_cent() -> None:
    capacities = [cell.capacity_ah for cell in pack_of(5, cells=200).cells]
    mean = sum(capacities) / len(capacities)
    spread = (sum((one - mean) ** 2 for one in capacities) / len(capacities)) ** 0.5
    assert 0.006 < spread / mean < 0.014


def test_a_careful_charger_stops_at_full_and_a_careful_load_at_empty() -> None:
    full, empty = pack_of(2, charge=0.9), pack_of(2, charge=0.1)
    for _ in range(4000):
        full, empty = after(full, allowed_a(full, 140), 10), after(empty, allowed_a(empty, -140), 10)
    assert max(voltages(full)) < 3.60
    assert min(voltages(empty)) > 2.70
    assert abs(full.current_a) < 5


def test_a_status_has_what_a_monitor_says() -> None:
    status = status_of(pack_of(1), Random(1))
    assert (status.cell_count, len(status.cells), list(status.temperatures)) == (16, 16, ["1", "2", "3", "4"])
    assert sum(status.cells.values()) == pytest.approx(status.pack_voltage_v, abs=0.02)
