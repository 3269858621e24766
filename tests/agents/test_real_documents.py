"""The two real folders, scored fact by fact and trap by trap against what their manifest says a right report holds."""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from agents.skills.facts import DocumentFacts, Fact, FactKind, Finding, FindingKind, from_json, to_json
from agents.skills.findings import find
from agents.skills.frames import jk_frame
from agents.skills.hexdumps import hex_dumps
from agents.skills.quantities import extract_facts
from gates.claims import flaw, read_claims
from gates.sources import media_type_of, read_source
from tests.cases import are_here, cases

EXPECTED_FILE = "battery/expected_facts.json"
UNITS = {"Nm": "N*m", "mm2": "mm**2", "cells": "cell", "uOhm": "uohm", "part": "", "count": "", "pages": "", "not": ""}
FRAME_FACTS = {
    "total_V": "total voltage",
    "soc_pct": "state of charge",
    "cycles": "cycles",
    "strings": "number of cells in series",
    "cell_ov_mV": "cell overvoltage protection",
    "cell_ov_release_mV": "cell overvoltage recovery",
    "cell_uv_mV": "cell undervoltage protection",
    "cell_uv_release_mV": "cell undervoltage recovery",
    "pack_ov_V": "pack overvoltage protection",
    "pack_uv_V": "pack undervoltage protection",
    "dis_oc_A": "discharge overcurrent protection",
    "chg_oc_A": "charge overcurrent protection",
    "balance_start_mV": "balance start voltage",
    "balance_diff_mV": "balance difference",
    "capacity_Ah": "capacity",
    "battery_type_code": "battery type code",
    "current_A": "current",
    "t_mos_C": "MOSFET temperature",
    "t_box_C": "battery box temperature",
    "t_batt_C": "battery temperature",
    "chg_low_temp_C": "charge low temperature protection",
    "dis_low_temp_C": "discharge low temperature protection",
}


@cache
def expected() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(cases(EXPECTED_FILE).read_bytes())
    return loaded


def listed(part: str) -> list[Any]:
    """The expected items of a part, or one placeholder that skips where the cases are absent."""
    if not are_here(EXPECTED_FILE):
        return [pytest.param(None, id="absent")]
    return [pytest.param(item, id=name_of(item)) for item in expected()[part]]


def name_of(item: dict[str, Any]) -> str:
    return f"{item['doc']} {item.get('key', '')} {item.get('value', '')}".strip()


@cache
def document(name: str) -> DocumentFacts:
    return extract_facts(name, cases(f"battery/{name}").read_bytes())


@cache
def folder(name: str) -> tuple[DocumentFacts, ...]:
    files = sorted(path for path in cases(f"battery/{name}").iterdir() if media_type_of(path.name))
    return tuple(document(f"{name}/{path.name}") for path in files)


@cache
def findings(name: str) -> tuple[Finding, ...]:
    documents = folder(name)
    return find([fact for read in documents for fact in read.facts], documents)


def values(fact: Fact) -> list[Decimal]:
    return [value for value in (fact.value, fact.value_high) if value is not None]


def says(fact: Fact, item: dict[str, Any]) -> bool:
    if item["value"] is None:
        return fact.kind is FactKind.MISSING and fact.value is None
    if isinstance(item["value"], str):
        return fact.kind is FactKind.PART and fact.text == item["value"]
    wanted = item["value"] if isinstance(item["value"], list) else [item["value"]]
    unit = item["unit"].split(" ")[0]
    return values(fact) == [Decimal(str(value)) for value in wanted] and fact.unit == UNITS.get(unit, unit)


def quotes(fact: Fact, item: dict[str, Any]) -> bool:
    return " ".join(item.get("quote", "").split()) in " ".join(fact.claim.quote.split())


@pytest.mark.slow
@pytest.mark.parametrize("item", listed("facts"))
def test_an_expected_fact_is_found_with_value_unit_and_quote(item: dict[str, Any] | None) -> None:
    if item is None:
        cases(EXPECTED_FILE)
        return
    found = [fact for fact in document(item["doc"]).facts if quotes(fact, item)]
    if isinstance(item["value"], list) and (item["unit"] == "count" or item["unit"] == ""):
        stated = {str(value) for fact in found for value in [*values(fact), fact.text]}
        assert {str(value) for value in item["value"]} <= stated
    else:
        assert any(says(fact, item) for fact in found), [fact.claim.statement for fact in found]


@pytest.mark.parametrize("item", listed("frames"))
def test_a_recorded_frame_is_decoded_to_the_published_values(item: dict[str, Any] | None) -> None:
    if item is None:
        cases(EXPECTED_FILE)
        return
    stated = {fact.subject: fact.value for fact in document(item["doc"]).facts}
    for key, subject in FRAME_FACTS.items():
        assert stated[subject] == Decimal(str(item[key])), subject
    cells = [stated[f"cell {number + 1} voltage"] for number in range(len(item["cells_mV"]))]
    assert cells == item["cells_mV"]


@pytest.mark.parametrize("item", listed("frames"))
def test_the_length_and_sum_of_a_recorded_frame_are_those_published(item: dict[str, Any] | None) -> None:
    if item is None:
        cases(EXPECTED_FILE)
        return
    source = read_source(cases(f"battery/{item['doc']}").read_bytes(), media_type_of(item["doc"]) or "")
    frames = [frame for dump in hex_dumps(source.lines) if (frame := jk_frame(dump)) and len(frame.octets) > 99]
    [frame] = frames
    assert len(frame.octets) == item["bytes"]
    assert frame.stated == item["checksum_field"]
    assert frame.summed == item.get("checksum_sum_as_written", item["checksum_sum"])
    assert frame.is_whole


@pytest.mark.parametrize("name", ["libresolar_bms_c1", "jk_bms"])
@pytest.mark.slow
def test_every_claim_stands_in_its_document(name: str) -> None:
    for read in folder(name):
        source = read_source(cases(f"battery/{read.document}").read_bytes(), read.media_type)
        assert [flaw(claim, source) for claim in read_claims(to_json(read)) if flaw(claim, source)] == []


@pytest.mark.parametrize("name", ["libresolar_bms_c1", "jk_bms"])
def test_the_facts_of_a_document_come_back_from_json_as_they_were(name: str) -> None:
    for read in folder(name):
        assert from_json(to_json(read)) == read


def named(found: Sequence[Finding], kind: FindingKind, *words: str) -> bool:
    return any(
        item.kind is kind and all(word in item.statement + str(item.evidence) for word in words) for item in found
    )


def test_the_two_maximum_voltages_contradict_each_other() -> None:
    found = findings("libresolar_bms_c1")
    assert named(found, FindingKind.CONTRADICTION, "60 V", "70 V", "6-datasheet.md", "4-installation.md")


def test_nothing_else_of_that_manual_is_called_a_contradiction() -> None:
    contradictions = [item for item in findings("libresolar_bms_c1") if item.kind is FindingKind.CONTRADICTION]
    assert len(contradictions) == 1


def test_the_shutdown_currents_of_board_and_chip_are_told_apart() -> None:
    found = findings("libresolar_bms_c1")
    assert named(found, FindingKind.LOOKALIKE, "SHUTDOWN mode", "Shutdown current", "BQ76952")
    assert not named(found, FindingKind.CONTRADICTION, "SHUTDOWN mode")


def test_the_missing_weight_is_named_and_given_no_figure() -> None:
    assert named(findings("libresolar_bms_c1"), FindingKind.MISSING, "Weight", "t.b.d.")
    weights = [fact for fact in document("libresolar_bms_c1/6-datasheet.md").facts if "eight" in fact.subject]
    assert [fact.value for fact in weights] == [None]


def test_the_cell_limits_of_two_chemistries_are_told_apart() -> None:
    found = findings("libresolar_bms_c1")
    assert named(found, FindingKind.LOOKALIKE, "chemistry", "14 cells", "16 cells")


def test_sides_given_in_square_millimetres_are_named() -> None:
    assert named(findings("libresolar_bms_c1"), FindingKind.UNIT_SLIP, "board dimensions", "mm²")


def test_the_damaged_octet_is_named_with_the_one_that_fits() -> None:
    assert named(findings("jk_bms"), FindingKind.DAMAGED, "index 150", "With A0", "18961", "19121")


def test_the_type_code_that_contradicts_the_name_of_the_pack_is_named() -> None:
    assert named(findings("jk_bms"), FindingKind.CONTRADICTION, "LiFePo4", "battery type code", "ternary")


def test_resistances_of_wires_are_not_taken_for_resistances_of_cells() -> None:
    assert named(findings("jk_bms"), FindingKind.IMPLAUSIBLE, "Resistance", "280.0 Ah", "balance wires")


def test_the_difference_of_cell_voltages_that_does_not_fit_is_named() -> None:
    assert named(findings("jk_bms"), FindingKind.IMPLAUSIBLE, "0.003 V", "0.006 V")


def test_the_rest_of_the_pack_log_adds_up_and_gives_no_alarm() -> None:
    assert sum(item.kind is FindingKind.IMPLAUSIBLE for item in findings("jk_bms")) == 2


def test_the_folders_give_no_other_findings() -> None:
    assert len(findings("jk_bms")) == 4
    assert len(findings("libresolar_bms_c1")) == 8
