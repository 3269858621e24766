"""What documents in many wordings make of the limits: never looser than they allow, and nothing from elsewhere."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.skills.battery.documents.safety_requirements import render
from agents.skills.battery.requirements.citations import as_words
from agents.skills.battery.requirements.derivation import derive
from agents.skills.battery.requirements.pack import PackSettings, written_out
from agents.skills.battery.sketch.headers import limits_header, plain
from agents.skills.findings import find
from agents.skills.quantities import extract_facts
from agents.work import SkillFailed
from gates.design.files import Direction, Limit, RequirementsFile
from gates.design.limits import limit_faults
from tests.cases import ROOT

PRACTICE = as_words("practice.md", (ROOT / "scenarios" / "battery_design" / "practice.md").read_bytes())
NMC = PackSettings(
    chemistry="NMC",
    cell_type="NMC 280Ah",
    nominal_voltage=Decimal("3.7"),
    max_voltage=Decimal("4.2"),
    min_voltage=Decimal("3.0"),
)


def derived(*texts: str, pack: PackSettings | None = None, name: str = "cell {}.md") -> RequirementsFile:
    """The requirements that follow from documents with these words, held against the rules of the gate."""
    documents = [extract_facts(name.format(number), text.encode()) for number, text in enumerate(texts, 1)]
    facts = [fact for document in documents for fact in document.facts]
    raw = written_out(pack or PackSettings())
    made = derive(as_words("pack.yaml", raw), raw, PRACTICE, facts, find(facts, documents))
    assert list(limit_faults(made)) == []
    return made


def limits(*texts: str, pack: PackSettings | None = None, name: str = "cell {}.md") -> dict[str, Decimal]:
    return {limit.name: limit.value for limit in derived(*texts, pack=pack, name=name).limits}


DEFAULT = limits()


def changed(*texts: str) -> dict[str, str]:
    return {name: f"{value}" for name, value in limits(*texts).items() if value != DEFAULT[name]}


HIGH, LOW = "cell-high-alarm", "cell-low-alarm"
CHARGE, DISCHARGE = "charge-current-alarm", "discharge-current-alarm"
COLD, HOT = "charge-cold-alarm", "charge-hot-alarm"
PHRASES = [
    ("Charging voltage limit: 3.60 V", {HIGH: "3.600"}),
    ("End-of-charge voltage 3.55V±0.05", {HIGH: "3.550"}),
    ("Overcharge Detection Voltage 3.60±0.025V", {HIGH: "3.600"}),
    ("Full charge voltage: 3600 mV", {HIGH: "3.600"}),
    ("Ladeschlussspannung: 3,60 V", {HIGH: "3.600"}),
    ("Limited charging voltage (Ulim) 3.60 V", {HIGH: "3.600"}),
    ("Voltage at end of charge     3.6 V", {HIGH: "3.600"}),
    ("The cell must not be charged above 3.60 V.", {HIGH: "3.600"}),
    ("Charge with 0.5C to 3.60V, then until 0.05C", {HIGH: "3.600"}),
    ("Charge cut-off voltage: 3.6 V/cell", {HIGH: "3.600"}),
    ("Voltage range of the cell 2.6V~3.6V", {HIGH: "3.600", LOW: "2.600"}),
    ("Cell voltage must stay between 2.6 V and 3.6 V.", {HIGH: "3.600", LOW: "2.600"}),
    ("Spannungsbereich der Zelle: 2,6 V bis 3,6 V", {HIGH: "3.600", LOW: "2.600"}),
    ("Min. voltage: 2.6V; max. voltage: 3.6V", {HIGH: "3.600", LOW: "2.600"}),
    ("Cut-off voltage (charge/discharge): 3.60 V / 2.60 V", {HIGH: "3.600", LOW: "2.600"}),
    ("Discharge Cut-off Voltage: 2.60V (T>0℃), 2.0V (T≤0℃)", {LOW: "2.600"}),
    ("Entladeschlussspannung: 2,60 V", {LOW: "2.600"}),
    ("Lower limited voltage 2.6 V", {LOW: "2.600"}),
    ("Discharging below 2.6 V is not permitted.", {LOW: "2.600"}),
    ("The cells may be discharged down to 2.6 V.", {LOW: "2.600"}),
    ("Battery low voltage cut-off: 44.8 V", {"pack-low-alarm": "44.800"}),
    ("Pack voltage range: 44.8 V - 57.6 V", {"pack-low-alarm": "44.800", "pack-high-alarm": "57.600"}),
    ("Max. continuous discharge current 1C (200A)", {DISCHARGE: "200.000"}),
    ("Max. continuous discharge: 200 A", {DISCHARGE: "200.000"}),
    ("Max. Entladestrom (dauernd): 0,5C", {DISCHARGE: "140.000"}),
    ("Maximum charging current: 0.5C", {CHARGE: "140.000"}),
    ("Charging rate: max. 0.5C", {CHARGE: "140.000"}),
    ("Max. charge current (25±2 ℃): 140 A", {CHARGE: "140.000"}),
    ("| Parameter | Value | Unit |\n|---|---|---|\n| Max. charge current | 0.5 | C |", {CHARGE: "140.000"}),
    ("Continuous current must not exceed 150 A.", {CHARGE: "150.000", DISCHARGE: "150.000"}),
    ("Charge temperature: 41 °F to 104 °F", {COLD: "5.0", HOT: "40.0"}),
    ("Charging: 5~40℃", {COLD: "5.0", HOT: "40.0"}),
    ("Betriebstemperatur Laden: 5 bis 40 °C", {COLD: "5.0", HOT: "40.0"}),
    ("Never charge the cell at temperatures below 5 °C or above 40 °C.", {COLD: "5.0", HOT: "40.0"}),
    ("Charging is only permitted from 5 °C to 40 °C.", {COLD: "5.0", HOT: "40.0"}),
    ("Working temperature of the cell: 5~40℃", {COLD: "5.0", HOT: "40.0", "discharge-hot-alarm": "40.0"}),
]


@pytest.mark.parametrize(("text", "expected"), PHRASES, ids=[text[:40] for text, _ in PHRASES])
def test_a_stricter_document_narrows_the_limits_in_whatever_words(text: str, expected: dict[str, str]) -> None:
    made = changed(text)
    assert {name: made.get(name) for name in expected} == expected


def test_the_columns_of_a_table_are_all_read_with_the_unit_at_the_end_of_the_row() -> None:
    made = changed(
        "| Parameter | Min | Typ | Max | Unit |\n|---|---|---|---|---|\n| Charge voltage | 3.50 | 3.55 | 3.60 | V |\n"
        "| Charge temperature | 5 | 25 | 40 | °C |\n"
    )
    assert (made[HIGH], made[COLD], made[HOT]) == ("3.600", "5.0", "40.0")


def test_columns_for_charge_and_discharge_are_told_apart() -> None:
    head = "| Characteristic | Charge | Discharge |\n|---|---|---|\n"
    made = changed(head + "| Temperature | 5 to 40 °C | -15 to 50 °C |\n| Max. current | 0.5C | 0.7C |\n")
    assert (made[COLD], made["discharge-cold-alarm"]) == ("5.0", "-15.0")
    assert (made[CHARGE], made[DISCHARGE]) == ("140.000", "196.000")


ELSEWHERE = [
    "# AGM 48V bank\n\nMaximum charge voltage: 57.0 V\nDischarge cut-off voltage: 46.0 V\nMax charge current: 30 A",
    "# 12 V lead-acid battery\n\nMax. charging voltage: 14.7 V\nCharge temperature: 10 to 40 °C",
    "# Samsung NMC cell\n\nDischarge cut-off voltage: 3.0 V\nCharge temperature: 10 to 45 °C",
    "# LiFePO4 cell 100 Ah\n\nMax. charge current: 50 A",
    "# Solar charger manual\n\nMaximum charge current: 35 A\nCharge voltage: 54.4 V",
    "# Inverter 24 V\n\nMaximum DC input voltage: 33 V\nMax. AC current: 50 A\nMax discharge current: 100 A",
    "# Charger 24 V\n\nCharges up to 8 cells in series",
    "# IRLZ44N Power MOSFET\n\n| Parameter | Value |\n|---|---|\n| Maximum voltage | 30 V |\n| Max. current | 47 A |",
    "# ADS1115 converter\n\nMaximum voltage at any pin: 3.6 V\nOperating voltage range: 2.0 V to 5.5 V",
    "# Fuse\n\nMaximum voltage: 32 V",
    "BQ76930 battery monitor IC: up to 10 cells in series",
    "Up to 4 cells can be connected in parallel.",
    "Maximum charging voltage 3.65 V\nDelivery voltage min 3.28 V",
    "Charge voltage 3.65 V. Recharge voltage: 3.35 V. Recommended charge voltage 3.45 V",
    "Max. pulse charge current (30 s): 140 A\nStorage temperature: 0 ~ 35 °C",
    "Maximum charging current at temperatures below 10 °C: 28 A",
    "Charge temperature range: -20 °C to 60 °C",
    "Charging below 0 °C at 0.05C is allowed down to -20 °C.",
    "Max. charge current at 5 °C: 28 A, max. charge temperature 60 °C",
    "Cell 1 voltage: 3.31 V\nCell 2 voltage: 3.32 V\nCell 3 voltage: 3.30 V\nMax cell voltage: 3.32 V",
    "Max. charge current: 1e30 A\nMax. discharge current: 0.0000000000000000000000000000000000000000001 A",
]


@pytest.mark.parametrize("text", ELSEWHERE, ids=[text[:40] for text in ELSEWHERE])
def test_what_is_not_about_this_pack_neither_limits_nor_refuses_it(text: str) -> None:
    assert changed(text) == {}


def test_what_is_set_aside_is_named_with_its_reason() -> None:
    made = derived("# Solar charger\n\nMaximum charge current: 35 A", "# AGM battery\n\nMax. charge current: 30 A")
    notes = " ".join(note.text for note in made.notes)
    assert "cell 1.md, line 3 says Maximum charge current: 35 A. This is what a charger or an inverter gives" in notes
    assert "cell 2.md, line 3 says Max. charge current: 30 A. This is about lead-acid, not about LFP" in notes


def test_of_documents_that_contradict_each_other_the_stricter_holds_and_both_are_named() -> None:
    made = derived("Charge cut-off voltage: 3.60 V", "Charge cut-off voltage: 3.50 V")
    notes = " ".join(note.text for note in made.notes if note.is_grave)
    assert made.pack.max_v == Decimal("3.50")
    assert "cell 1.md (line 1)" in notes
    assert "cell 2.md (line 1)" in notes


@pytest.mark.parametrize(
    "text",
    [
        "**Attention**: The maximum operating voltage of the BMS is 60V.",
        "# BMS manual\n\n| Item | Rating |\n|---|---|\n| Voltage | Max. 60 V |",
        "# BMS manual\n\nMaximum input voltage: 60 V",
        "# BMS manual\n\nMaximum battery voltage: 60 V",
        "# BMS manual\n\nOperating voltage range: 20 V to 60 V",
        "# Inverter 48 V\n\nDC input voltage range: 38 - 60 V",
    ],
)
def test_a_pack_that_a_device_cannot_take_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(SkillFailed, match=r"16 cells of 4\.2 V come to 67\.2 V, but .*60 V; take fewer cells"):
        limits(text, pack=NMC, name="document {}.md")
    assert limits(text, name="document {}.md")["pack-high-alarm"] == DEFAULT["pack-high-alarm"]


def is_as_strict(limit: Limit, other: Limit) -> bool:
    return limit.value <= other.value if limit.direction is Direction.ABOVE else limit.value >= other.value


VOLTS, AMPERES = st.decimals("3.3", "3.9", places=2), st.integers(30, 400)
WORDS = st.sampled_from(
    ["Charge cut-off voltage", "Charging voltage limit", "Max. charging voltage", "Ladeschlussspannung"]
)


@pytest.mark.slow
@given(WORDS, VOLTS, VOLTS)
def test_a_stricter_document_never_makes_a_limit_looser(words: str, one: Decimal, other: Decimal) -> None:
    strict, loose = (derived(f"{words}: {value} V") for value in sorted((one, other)))
    assert all(map(is_as_strict, strict.limits, loose.limits))


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(["charge", "discharge", "continuous"]), AMPERES), max_size=4))
def test_a_further_document_never_makes_a_limit_looser(said: list[tuple[str, int]]) -> None:
    texts = [f"Max. {words} current: {value} A" for words, value in said]
    for count in range(len(texts)):
        assert all(map(is_as_strict, derived(*texts[: count + 1]).limits, derived(*texts[:count]).limits))


@given(st.integers(-40, 19), st.integers(21, 90))
def test_charging_below_zero_is_never_allowed(low: int, high: int) -> None:
    made = limits(f"Charge temperature: {low} °C to {high} °C")
    assert made[COLD] == max(0, low)
    assert made[HOT] <= min(55, high)


HOSTILE = st.text("*/\\?#|<>`[]()!&\u202e\u2066\x85\u2028abc \"'%${}", max_size=40)


@given(HOSTILE)
def test_no_words_end_a_comment_of_the_sketch(words: str) -> None:
    shown = plain(words)
    assert not re.search(r"\*/|/\*|\\|\?\?|[\n\r\u2028\u2029\x85\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.slow
@given(HOSTILE)
def test_words_of_a_document_are_shown_and_not_obeyed(words: str) -> None:
    made = derived(f"Charge cut-off voltage <b>{words}: 3.60 V")
    header, page = limits_header(made).decode(), render(made)
    outside = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    assert all(re.fullmatch(r"#(?:define|ifndef|endif).*|", line.strip()) for line in outside.splitlines())
    assert "<b>" not in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", header + page)


def test_figures_and_findings_without_end_are_cut_and_the_rest_counted() -> None:
    texts = [f"Max. charge current: {200 + number} A\nCharge voltage: {3.5 + number / 1000} V" for number in range(60)]
    made = derived(*texts)
    assert made.pack.max_v == Decimal("3.5")
    assert sum(len(limit.bases) for limit in made.limits) < 2_000
    assert len(made.notes) < 120


def test_the_shipped_documents_leave_the_shipped_limits() -> None:
    folder: Path = ROOT / "scenarios" / "battery_design" / "specs"
    made = limits(*(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())))
    assert all(value <= DEFAULT[name] for name, value in made.items() if name.endswith("high-alarm"))
