"""Alarms: raised after their delay, once; latched until somebody has taken note; cleared only by good values."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.alarms.rules import Rule, Side, Step, Watch, parse_rules, read_rules, start_rules
from agents.device.alarms.standing import Alarms, Said, Standing, acknowledge, advance, restored
from protocol.bodies import AlertState, Quality, Reading, Severity
from protocol.errors import DefinitionError
from tests.cases import ROOT

RULES = start_rules(16, 280)
RAISED, ACKNOWLEDGED, CLEARED = AlertState.RAISED, AlertState.ACKNOWLEDGED, AlertState.CLEARED
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
OVER = "cell-overvoltage"


def read(name: str, value: float, quality: Quality = Quality.GOOD) -> Reading:
    unit = "A" if name == "current" else "degC" if name.startswith("temperature") else "V"
    return Reading(name=name, unit=unit, quality=quality, value=Decimal(f"{value:.3f}"))


def cells(first: float, others: float = 3.3, quality: Quality = Quality.GOOD) -> list[Reading]:
    return [read("cell-1-voltage", first, quality), read("cell-2-voltage", others), read("current", 0.0)]


class Watched:
    """Alarms of one device, and what has been said of them."""

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        self.alarms, self.rules, self.said = Alarms(0.0), rules, list[Said]()

    def see(self, readings: Sequence[Reading], at_s: float, *, is_heard: bool = True) -> None:
        self.alarms, said = advance(self.alarms, self.rules, readings, at_s, is_heard=is_heard)
        self.said += said

    def acknowledge(self, code: str) -> None:
        self.alarms, said = acknowledge(self.alarms, self.rules, code)
        self.said += said

    def told(self, code: str) -> list[tuple[AlertState, Severity]]:
        return [(one.alert.state, one.alert.severity) for one in self.said if one.alert.code == code]

    def standing(self, code: str) -> Standing:
        return self.alarms.by_code[code].standing


def seen(*volts: float, start_s: float = 0.0) -> Watched:
    """One cell at these voltages, one a second."""
    watched = Watched()
    for second, value in enumerate(volts):
        watched.see(cells(value), start_s + second)
    return watched


def test_it_is_raised_after_the_delay_and_says_which_cell_and_by_how_much() -> None:
    watched = seen(3.3, 3.55, 3.55)
    assert watched.told(OVER) == []
    watched.see(cells(3.55), 3.0)
    [said] = [one for one in watched.said if one.alert.code == OVER]
    assert (said.alert.value, said.alert.limit, said.number) == (Decimal("3.55"), Decimal("3.5"), 1)
    assert said.alert.text == "cell-overvoltage: cell-1-voltage is 3.55 V, above 3.5 V"


def test_it_starts_as_unknown_and_unknown_is_said_by_nobody() -> None:
    watched = Watched()
    watched.see([], 0.0, is_heard=False)
    assert watched.standing(OVER) is Standing.UNKNOWN
    watched.see([read("cell-1-voltage", 3.3, Quality.ABSENT)], 1.0)
    assert watched.standing(OVER) is Standing.UNKNOWN
    watched.see(cells(3.3), 2.0)
    assert watched.standing(OVER) is Standing.CALM
    assert watched.said == []


def test_silence_confirms_nothing() -> None:
    watched = seen(3.3, 3.7)
    watched.see([], 5.0, is_heard=False)
    watched.see(cells(3.7), 60.0)
    assert watched.told(OVER) == []


def test_it_is_latched_until_it_is_acknowledged_and_then_cleared_once() -> None:
    watched = seen(3.55, 3.55, 3.55, 3.3, 3.3)
    assert watched.told(OVER) == [(RAISED, WARNING)]
    watched.acknowledge(OVER)
    watched.acknowledge(OVER)
    assert watched.told(OVER) == [(RAISED, WARNING), (ACKNOWLEDGED, WARNING), (CLEARED, WARNING)]


def test_acknowledged_while_it_goes_on_it_is_cleared_only_at_the_clear_value() -> None:
    watched = seen(3.55, 3.55, 3.55)
    watched.acknowledge(OVER)
    watched.see(cells(3.45), 3.0)
    assert watched.standing(OVER) is Standing.ACKNOWLEDGED
    watched.see(cells(3.40), 4.0)
    assert watched.told(OVER)[-1] == (CLEARED, WARNING)


def test_what_gets_worse_is_raised_again_and_has_to_be_acknowledged_again() -> None:
    watched = seen(3.55, 3.55, 3.55)
    watched.acknowledge(OVER)
    for second in (3, 4, 5):
        watched.see(cells(3.66), second)
    assert watched.told(OVER) == [(RAISED, WARNING), (ACKNOWLEDGED, WARNING), (RAISED, CRITICAL)]
    watched.see(cells(3.3), 6.0)
    assert watched.standing(OVER) is Standing.RAISED


def test_less_than_the_worst_can_get_worse_again_after_it_was_acknowledged() -> None:
    watched = seen(3.66, 3.66, 3.66, 3.66)
    watched.acknowledge(OVER)
    for second, volts in enumerate((3.45, 3.66, 3.66), 4):
        watched.see(cells(volts), second)
    assert watched.told(OVER) == [(RAISED, CRITICAL), (ACKNOWLEDGED, CRITICAL), (RAISED, CRITICAL)]


def test_a_doubted_value_raises_and_does_not_clear() -> None:
    watched = Watched()
    for second in range(3):
        watched.see(cells(3.7, quality=Quality.SUSPECT), second)
    watched.acknowledge(OVER)
    watched.see(cells(3.3, quality=Quality.SUSPECT), 3.0)
    assert watched.standing(OVER) is Standing.ACKNOWLEDGED
    watched.see(cells(3.3), 4.0)
    assert watched.standing(OVER) is Standing.CALM


@pytest.mark.parametrize("lost", [Quality.STALE, Quality.ABSENT])
def test_a_cell_that_is_gone_clears_nothing(lost: Quality) -> None:
    watched = seen(3.55, 3.55, 3.55)
    watched.acknowledge(OVER)
    watched.see(cells(3.3, quality=lost), 3.0)
    watched.see(cells(3.3)[1:], 4.0)
    assert watched.standing(OVER) is Standing.ACKNOWLEDGED


def test_a_sensor_that_never_was_there_keeps_nothing_standing() -> None:
    watched = Watched()
    absent = read("temperature-3", 0, Quality.ABSENT)
    for second in range(7):
        watched.see([read("temperature-1", 62), absent], second)
    watched.acknowledge("temperature-high")
    watched.see([read("temperature-1", 25), absent], 7.0)
    assert watched.standing("temperature-high") is Standing.CALM


def test_lost_data_is_an_alarm_after_its_own_delay_also_when_nothing_ever_came() -> None:
    watched = Watched()
    for second in range(12):
        watched.see([], second, is_heard=False)
    assert watched.said == []
    for second in range(12, 70):
        watched.see([], second, is_heard=False)
    assert watched.told("data-lost") == [(RAISED, WARNING), (RAISED, CRITICAL)]
    watched.see(cells(3.3), 70.0)
    watched.acknowledge("data-lost")
    assert watched.told("data-lost")[-1] == (CLEARED, CRITICAL)


def test_a_device_that_is_asked_seldom_is_not_lost_between_two_answers() -> None:
    alarms, told = Alarms(0.0), list[Said]()
    for second in range(200):
        is_heard = second % 20 == 0
        readings = cells(3.3) if is_heard else []
        alarms, said = advance(alarms, RULES, readings, second, is_heard=is_heard, gap_s=60.0)
        told += said
    assert told == []


def test_readings_that_stay_away_are_an_alarm_while_others_come() -> None:
    watched = seen(3.3)
    for second in range(1, 13):
        watched.see([read("cell-1-voltage", 3.3, Quality.ABSENT), read("current", 0)], second)
    assert watched.told("readings-lost") == [(RAISED, WARNING)]


@pytest.mark.parametrize(("current_a", "is_raised"), [(20.0, True), (0.0, False), (-20.0, False), (None, True)])
def test_charging_below_freezing_is_an_alarm_at_once_and_so_it_is_where_nobody_knows(
    current_a: float | None, is_raised: bool
) -> None:
    watched = Watched()
    current = [] if current_a is None else [read("current", current_a)]
    watched.see([read("temperature-1", -1), *current], 0.0)
    assert (watched.told("charging-cold") == [(RAISED, CRITICAL)]) is is_raised


def test_the_end_of_charging_ends_its_alarm_without_a_value() -> None:
    watched = Watched()
    watched.see([read("temperature-1", -1), read("current", 20)], 0.0)
    watched.acknowledge("charging-cold")
    watched.see([read("temperature-1", -1), read("current", 0.7)], 1.0)
    assert watched.standing("charging-cold") is Standing.ACKNOWLEDGED
    watched.see([read("temperature-1", -1), read("current", 0)], 2.0)
    assert watched.said[-1].alert.state is CLEARED
    assert watched.said[-1].alert.value is None


def test_a_discharge_is_judged_by_its_size() -> None:
    watched = Watched()
    for tenth in range(5):
        watched.see([read("current", -600)], tenth / 10)
    assert watched.told("short-circuit") == [(RAISED, CRITICAL)]


def test_a_restarted_process_goes_on_where_the_alerts_say_and_repeats_none() -> None:
    first = seen(3.66, 3.66, 3.66, 3.66)
    second = Watched()
    second.alarms = restored([one.alert for one in first.said], RULES, 10.0)
    for at_s in range(10, 15):
        second.see(cells(3.66), at_s)
    assert second.said == []
    second.acknowledge(OVER)
    second.see(cells(3.3), 15.0)
    assert [one.number for one in second.said if one.alert.code == OVER] == [2, 3]
    third = restored([one.alert for one in (*first.said, *second.said)], RULES, 20.0)
    assert third.by_code[OVER].standing is Standing.UNKNOWN


def test_an_alarm_whose_rule_was_taken_out_ends_when_it_is_acknowledged() -> None:
    alarms = restored([one.alert for one in seen(3.66, 3.66, 3.66).said], (), 10.0)
    _, said = acknowledge(alarms, (), OVER)
    assert [one.alert.state for one in said] == [ACKNOWLEDGED, CLEARED]


def at_rest(volts: float, lowest: float) -> Watched:
    """Three cells at rest for a while, one of them lower than the others."""
    watched = Watched()
    for second in range(12):
        watched.see([*cells(lowest, others=volts), read("cell-3-voltage", volts)], second)
    return watched


@pytest.mark.parametrize(("volts", "is_raised"), [(3.10, False), (3.25, True), (3.33, True), (3.42, False)])
def test_a_difference_at_rest_counts_only_where_the_curve_is_flat(volts: float, is_raised: bool) -> None:
    assert (at_rest(volts, volts - 0.06).told("cell-delta-rest") == [(RAISED, WARNING)]) is is_raised


@pytest.mark.parametrize("volts", [3.10, 3.42])
def test_a_great_difference_counts_wherever_the_cells_stand(volts: float) -> None:
    assert (RAISED, CRITICAL) in at_rest(volts, volts - 0.31).told("cell-delta")


def test_a_cell_that_has_left_the_flat_part_does_not_hide_itself() -> None:
    assert at_rest(3.30, 3.15).told("cell-delta-rest") == [(RAISED, WARNING)]


volts = st.floats(2.0, 4.5, allow_nan=False)
# A limit of 3.5 V with a clear value of 3.4 V and a delay of 2 s.
ONE = Rule(
    code="high",
    watch=Watch.CELL_VOLTAGE,
    side=Side.ABOVE,
    steps=(Step(severity=WARNING, at=3.5, clear=3.4, delay_s=2),),
)


def run(rule: Rule, values: Sequence[float], *, acknowledges: bool = True) -> tuple[Watched, list[tuple[int, Said]]]:
    watched, told = Watched([rule]), list[tuple[int, Said]]()
    for second, value in enumerate(values):
        watched.see(cells(value, others=3.0), second)
        if acknowledges:
            watched.acknowledge("high")
        told += [(second, one) for one in watched.said[len(told) :]]
    return watched, told


@given(st.lists(volts, max_size=60))
def test_between_two_raises_stands_one_clear_and_a_value_that_was_cleared(values: list[float]) -> None:
    watched, told = run(ONE, values)
    marks = [(second, one.alert.state) for second, one in told if one.alert.state is not ACKNOWLEDGED]
    for (before, state), (later, following) in pairwise(marks):
        assert (state, following) in {(RAISED, CLEARED), (CLEARED, RAISED)}
        if state is RAISED:
            assert min(round(value, 3) for value in values[before + 1 : later + 1]) <= 3.4
    watched.see(cells(3.0, others=3.0), 1000.0)
    states = [one.alert.state for one in watched.said]
    assert states.count(RAISED) == states.count(ACKNOWLEDGED) == states.count(CLEARED)
    assert [one.number for one in watched.said] == list(range(1, len(watched.said) + 1))


@given(st.lists(st.floats(3.405, 3.495), max_size=60))
def test_noise_between_clear_and_limit_says_nothing(noise: list[float]) -> None:
    assert run(ONE, noise)[1] == []
    assert [one.alert.state for _, one in run(ONE, [3.6, 3.6, 3.6, *noise])[1]] == [RAISED, ACKNOWLEDGED]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4)), max_size=20))
def test_no_noise_shorter_than_the_delay_raises(bursts: list[tuple[int, int]]) -> None:
    values = [value for high, calm in bursts for value in (*[4.0] * (high + 1), *[3.3] * calm)]
    assert run(ONE, values)[1] == []


@given(st.lists(volts, max_size=60), st.floats(3.45, 4.0), st.floats(3.45, 4.0))
def test_a_stricter_limit_never_raises_later(values: list[float], one: float, other: float) -> None:
    def first(at: float) -> float:
        rule = ONE.model_copy(update={"steps": (ONE.steps[0].model_copy(update={"at": at}),)})
        return next((float(second) for second, said in run(rule, values)[1] if said.alert.state is RAISED), 1e9)

    assert first(min(one, other)) <= first(max(one, other))


@given(st.lists(volts, max_size=60))
def test_without_a_person_nothing_is_raised_twice(values: list[float]) -> None:
    _, told = run(ONE, values, acknowledges=False)
    assert len(told) <= 1


OWN = """cells: 4
battery_ah: 100
without: [cell-delta-rest]
alarms:
  - code: cell-overvoltage
    watch: cell-voltage
    side: above
    steps:
      - {severity: warning, at: 3.45, clear: 3.40, delay_s: 2}
      - {severity: critical, at: 3.60, clear: 3.40}
"""


def test_a_users_file_replaces_start_values_and_scales_the_others(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(OWN)
    rules = {rule.code: rule for rule in read_rules(path)}
    assert [step.at for step in rules[OVER].steps] == [3.45, 3.60]
    assert [step.at for step in rules["pack-overvoltage"].steps] == [14.0, 14.4]
    assert [step.at for step in rules["overcurrent"].steps] == [50, 100]
    assert "cell-delta-rest" not in rules


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("cells: 4", "cels: 4", "f.yaml:1: 'cells' is missing"),
        ("cells: 4", "cells: 0", "f.yaml:1: cells: 0 is too small; the least is 1"),
        ("clear: 3.40, d", "clear: 3.50, d", "f.yaml:9: clear: 3.5 is beyond the limit 3.45; write a value below it"),
        ("at: 3.60", "at: 3.44", "f.yaml:10: at: 3.44 is not worse than 3.45 of the step before; swap them"),
        ("critical", "warning", "f.yaml:10: severity: warning does not come after warning; the mildest is first"),
        ("side: above", "side: over", "f.yaml:7: alarms 1.side: 'over' is not one of above, below"),
        ("[cell-delta-rest]", "[cell-dleta]", "f.yaml:3: there is no start value cell-dleta; known: cell-delta, "),
        ("[cell-delta-rest]", "[cell-overvoltage]", "f.yaml:5: 'cell-overvoltage' stands in this file twice"),
        ("at: 3.45", "at: .nan", "f.yaml:9: "),
        ("side: above", "side: above\n    flat_v: [3.3, 3.2]", "f.yaml:8: flat_v: 3.3 is not below 3.2; the lower"),
    ],
)
def test_a_fault_in_a_users_file_is_named_with_its_line(old: str, new: str, complaint: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_rules(OWN.replace(old, new), "f.yaml")
    assert complaint in str(caught.value)


def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(DefinitionError, match="split it"):
        read_rules(Path("/dev/zero"))


def test_the_file_in_the_documentation_is_one() -> None:
    [example] = re.findall(r"```yaml\n(cells:.*?)```", (ROOT / "docs" / "device.md").read_text(), re.DOTALL)
    rules = {rule.code: rule for rule in parse_rules(example, "device.md")}
    assert [step.at for step in rules[OVER].steps] == [3.45, 3.60]


def test_the_documentation_has_every_start_value() -> None:
    rows = (ROOT / "docs" / "device.md").read_text().splitlines()
    for rule in RULES:
        [row] = [row for row in rows if row.startswith(f"| `{rule.code}`")]
        assert row.count(" s |") + row.count("at once") == len(rule.steps), row
