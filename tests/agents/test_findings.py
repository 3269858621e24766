"""What comparing facts shows, and what it must not call a contradiction."""

import json
from typing import Any

import pytest

from agents.skills.facts import DocumentFacts, Finding, FindingKind
from agents.skills.findings import find
from agents.skills.quantities import extract_facts
from gates.sources import media_type_of
from tests.cases import ROOT, SAMPLE

EXPECTED = json.loads((ROOT / "scenarios" / "spec_facts" / "sample_expected.json").read_bytes())


def findings(**texts: str) -> tuple[Finding, ...]:
    """Findings over small markdown documents, given by name."""
    documents = [extract_facts(f"{name}.md", text.encode()) for name, text in texts.items()]
    return over(documents)


def over(documents: list[DocumentFacts]) -> tuple[Finding, ...]:
    return find([fact for document in documents for fact in document.facts], documents)


def kinds(**texts: str) -> list[str]:
    return [item.kind.value for item in findings(**texts)]


def test_two_limits_of_one_thing_that_exclude_each_other_are_a_contradiction() -> None:
    [found] = findings(a="The maximum operating voltage of the device is 60V.", b="- Maximum voltage: 70 V")
    assert found.kind is FindingKind.CONTRADICTION
    assert [evidence.document for evidence in found.evidence] == ["a.md", "b.md"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("- Maximum current: 70-100 A", "- Max current: 90 A"),
        ("- Maximum voltage: 60 V", "- Maximum voltage: 60000 mV"),
        ("- Mean voltage: 3.27 V", "- Average voltage: 3.273 V"),
        ("- Weight: 5.49 kg ±0.3 kg", "- Weight: 5.3 kg"),
        ("- Standby current: < 1 mA", "- Standby current: 0.4 mA"),
        ("- Storage temperature: 20 °C", "- Operating temperature: 50 °C"),
        ("- Dimensions: 70 mm x 135 mm", "- Dimensions: 13.5 cm x 7 cm"),
        ("- Maximum voltage: 60 V", "- Minimum voltage: 40 V"),
    ],
)
def test_amounts_that_can_both_be_true_are_no_contradiction(one: str, other: str) -> None:
    assert kinds(a=one, b=other) == []


def test_many_documents_with_many_values_of_one_thing_are_told_once() -> None:
    texts = {f"note{number}": f"- Temperature of the rack: {10 + number} °C" for number in range(100)}
    [found] = findings(**texts)
    assert found.kind is FindingKind.CONTRADICTION
    assert "100 documents give Temperature of the rack 100 different values" in found.statement


def test_what_a_part_and_the_whole_do_differ_in_is_named_as_a_lookalike() -> None:
    board = "# Board\n- Shutdown current: < 1 mA\n"
    chip = "# Board\n## Chip: XY76952\n- Shutdown mode: 1 uA\n"
    [found] = findings(a=board, b=chip)
    assert found.kind is FindingKind.LOOKALIKE
    assert "XY76952" in found.statement


def test_a_factor_of_exactly_a_thousand_is_a_slip_and_not_a_contradiction() -> None:
    [found] = findings(a="- Cell resistance: 0.25 Ohm", b="- Cell resistance: 0.25 mOhm")
    assert found.kind is FindingKind.UNIT_SLIP
    assert "factor of 1000" in found.statement


def test_a_unit_of_another_dimension_is_a_slip() -> None:
    [found] = findings(a="- Charge voltage: 14 A")
    assert (found.kind, "no unit of voltage" in found.statement) == (FindingKind.UNIT_SLIP, True)


def test_sides_in_an_area_unit_are_a_slip() -> None:
    assert kinds(a="The board dimensions are 70x135 mm².") == ["unit-slip"]


def test_an_open_value_is_named_and_no_figure_is_assumed() -> None:
    [found] = findings(a="- Weight: t.b.d.", b="- Length: 5 mm")
    assert found.kind is FindingKind.MISSING
    assert "No figure is assumed" in found.statement


def test_a_table_of_many_rows_under_one_name_is_a_series() -> None:
    rows = "".join(f"| Load step | {number} A |\n" for number in range(1, 12))
    assert kinds(a=f"| Name | Value |\n|---|---|\n{rows}") == []


PACK = """| Label | Value |
|---|---|
| Total Voltage | {total} |
| Current | -10.0 A |
| Power | {power} |
| Battery Capacity | 280 Ah |
| Remain Capacity | {remain} |
| Remain Battery | 75 % |
| Cell Volt. Diff | {spread} |
| Cell 1 Voltage | 3.301 V |
| Cell 2 Voltage | 3.300 V |
| Cell 3 Voltage | 3.302 V |
| Cell 4 Voltage | 3.300 V |
{more}"""


def pack(**changed: str) -> tuple[Finding, ...]:
    fitting = {"total": "13.20 V", "power": "132.0 W", "remain": "210 Ah", "spread": "0.002 V", "more": ""}
    return findings(pack=PACK.format(**{**fitting, **changed}))


def test_a_pack_whose_figures_fit_gives_no_alarm() -> None:
    assert pack() == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"total": "13.90 V", "power": "139 W"}, "add up to 13.203 V"),
        ({"power": "150 W"}, "the power is stated as 150 W"),
        ({"remain": "150 Ah"}, "the state of charge is stated as 75 %"),
        ({"spread": "0.006 V"}, "the difference is stated as 0.006 V"),
        ({"more": "| Cell 1 Resistance | 0.06 Ω |"}, "well under 0.001 ohm"),
    ],
)
def test_a_pack_whose_figures_do_not_fit_is_named(changed: dict[str, str], words: str) -> None:
    [found] = pack(**changed)
    assert words in found.statement


def test_readings_of_two_packs_do_not_contradict_each_other() -> None:
    other = PACK.format(total="13.25 V", power="132.5 W", remain="210 Ah", spread="0.002 V", more="")
    fitting = PACK.format(total="13.20 V", power="132.0 W", remain="210 Ah", spread="0.002 V", more="")
    assert findings(a=fitting, b=other) == ()


def test_the_chemistry_that_limits_the_number_of_cells_is_named() -> None:
    [found] = findings(a="For NMC cells, a maximum number of 14 cells may be used.", b="- Up to 16 LFP cells in series")
    assert (found.kind, "chemistry" in found.statement) == (FindingKind.LOOKALIKE, True)


def test_what_reading_a_document_showed_is_passed_on() -> None:
    parts = extract_facts("parts.csv", b'Reference,Value,Qty\n"R1,R2",10k,3\n')
    assert over([parts]) == parts.findings


def test_the_same_facts_give_the_same_findings_in_any_order() -> None:
    documents = [extract_facts(path.name, path.read_bytes()) for path in sorted(SAMPLE.iterdir())]
    facts = [fact for document in documents for fact in document.facts]
    assert find(facts, documents) == find(facts[::-1], documents[::-1])


def sample() -> tuple[Finding, ...]:
    return over([extract_facts(path.name, path.read_bytes()) for path in sorted(SAMPLE.iterdir())])


@pytest.mark.parametrize("item", EXPECTED["findings"], ids=lambda item: f"{item['kind']} {item['words'][0]}")
def test_the_sample_shows_what_it_was_written_to_show(item: dict[str, Any]) -> None:
    assert any(
        found.kind.value == item["kind"] and all(word in found.statement for word in item["words"])
        for found in sample()
    )


def test_the_sample_shows_nothing_else() -> None:
    assert len(sample()) == len(EXPECTED["findings"])


def test_every_document_of_the_sample_is_of_a_type_we_read() -> None:
    assert all(media_type_of(path.name) for path in SAMPLE.iterdir())
