"""Every limit against the words it rests on and against the pack: each contradiction has a sentence."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.claims import Claim
from gates.design.figures import figures_of, unit_of
from gates.design.files import (
    Direction,
    Relation,
    RequirementsFile,
)
from gates.design.limits import limit_faults
from tests import designs
from tests.designs import changed, d, with_limit


def first_limit_fault(file: RequirementsFile) -> str:
    return next(limit_faults(file), "")


def test_the_requirements_of_the_sample_hold() -> None:
    assert list(limit_faults(designs.requirements())) == []


def with_basis(name: str, /, **fields: object) -> RequirementsFile:
    [limit] = [one for one in designs.LIMITS if one.name == name]
    return with_limit(name, bases=(changed(limit.bases[0], **fields), *limit.bases[1:]))


def with_pack(**fields: object) -> RequirementsFile:
    file = designs.requirements()
    return changed(file, pack=changed(file.pack, **fields))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (
            with_limit("cell-high-warn", value=d("3.6")),
            "cell-high-warn is 3.6 V, but cell.md, line 6 allows at most 3.5 V (3500 mV)",
        ),
        (with_limit("cell-low-warn", value=d("2.95")), "cell-low-warn is 2.95 V, but cell.md, line 6 says 2.9 V"),
        (with_limit("cell-low-alarm", value=d("2.4")), "pack.yaml, line 5 allows at least 2.5 V"),
        (with_limit("pack-high-alarm", value=d("14.7")), "allows at most 14.6 V (4 × 3.65 V)"),
        (with_limit("cell-low-alarm", value=d("2500"), clear=d("3100")), "lies outside 0 V to 3.65 V"),
        (with_limit("cell-high-alarm", value=d("3650")), "is 3650 V, but pack.yaml, line 6 allows at most 3.65 V"),
        (with_limit("charge-current-warn", value=d("141")), "but cell.md, line 4 allows at most 140 A (0.5 C)"),
        (with_limit("charge-current-warn", delay_s=d("601")), "charge-current-warn waits 601 s, but"),
        (with_limit("charge-hot-alarm", value=d("46")), "allows at most 45 °C (50 °C - 5 °C)"),
        (with_limit("charge-cold-alarm", value=d("-1")), "allows at least 0 °C (-10 °C + 10 °C)"),
        (with_limit("cell-high-alarm", clear=d("3.65")), "is over at 3.65 V, which has to be below it"),
        (with_limit("cell-low-alarm", clear=d("2.4")), "is over at 2.4 V, which has to be above it"),
        (with_limit("cell-high-alarm", delay_s=d("-1")), "a delay is not negative"),
        (with_limit("cell-high-alarm", unit="mV"), "is in 'mV'; limits are in V, A, degC"),
        (with_limit("cell-high-alarm", unit="A"), "is in A, but rests on 3.65 V"),
        (with_limit("cell-high-alarm", direction=Direction.BELOW), "which has to be above it"),
        (with_limit("cell-high-warn", name="cell-high-alarm"), "the limit cell-high-alarm stands 2 times"),
        (with_limit("cell-high-alarm", name="cell-top"), "there is no limit cell-high-alarm"),
        (with_basis("cell-high-alarm", figure=d("3.75")), "rests on 3.75 V, but pack.yaml, line 6 says 3.65"),
        (with_basis("cell-high-alarm", unit="mV"), "rests on 3.65 mV, but pack.yaml, line 6 is in V"),
        (with_basis("cell-high-warn", unit="V"), "rests on 3500 V, but cell.md, line 6 is in mV"),
        (with_basis("cell-high-alarm", claim="c-none"), "rests on the claim c-none, which is not there"),
        (with_basis("charge-hot-alarm", relation=Relation.AT_LEAST, plus=d("-10")), "that no figure bounds"),
        (with_limit("cell-high-warn", bases=designs.LIMITS[6].bases[1:]), "rests on no figure for its value"),
        (with_pack(max_v=d("3.6")), "cell-high-alarm is 3.65 V, but the pack allows at most 3.6 V"),
        (with_pack(min_v=d("2.6")), "cell-low-alarm is 2.5 V, but the pack allows at least 2.6 V"),
        (with_pack(max_v=d("4.2")), "max_v of the pack is 4.2 V, which no claim says"),
        (with_pack(min_v=d("3.65")), "a cell of the pack goes from 3.65 V to 3.65 V"),
        (with_pack(capacity_ah=d("0")), "capacity_ah of the pack is 0"),
        (changed(designs.requirements(), accuracy_mv=d("0")), "the accuracy is 0 mV"),
        (changed(designs.requirements(), accuracy_mv=d("100")), "the accuracy is 100 mV, which no claim says"),
        (changed(designs.requirements(), margin=d("1")), "the margin is 1, which no claim says"),
        (with_pack(capacity_ah=d("560")), "capacity_ah of the pack is 560 Ah, which no claim says"),
        (
            changed(designs.requirements(), notes=[{"text": "look", "claims": ["c-none"]}]),
            "a note names the claim c-none, which is not there",
        ),
    ],
)
def test_a_limit_that_contradicts_what_it_rests_on_is_named(file: RequirementsFile, words: str) -> None:
    assert any(words in fault for fault in limit_faults(file)), list(limit_faults(file))


def test_a_warning_that_comes_after_its_alarm_is_named() -> None:
    high = with_limit("cell-high-warn", value=d("3.65"), clear=d("3.4"), bases=designs.LIMITS[1].bases)
    assert first_limit_fault(high) == ""
    low = with_limit("cell-low-warn", value=d("2.4"), bases=designs.LIMITS[3].bases)
    assert any(
        "cell-low-warn at 2.4 V does not come before cell-low-alarm at 2.5 V" in one for one in limit_faults(low)
    )


def test_an_alarm_that_waits_longer_than_its_warning_is_named() -> None:
    [fault] = limit_faults(with_limit("cell-high-alarm", delay_s=d("1000")))
    assert fault == "cell-high-alarm waits 1000 s, longer than cell-high-warn with 2 s"


def test_a_requirement_names_only_limits_and_claims_that_are_there() -> None:
    file = designs.requirements()
    wrong = changed(file.requirements[0], limits=("cell-sideways",), claims=("c-none",))
    faults = list(limit_faults(changed(file, requirements=(wrong, *file.requirements[1:]))))
    assert faults == [
        "SR-01 names the limit cell-sideways, which is not there",
        "SR-01 names the claim c-none, which is not there",
    ]


_HELD = [limit.name for limit in designs.LIMITS]


@given(name=st.sampled_from(_HELD), off=st.decimals("0.001", 1000, places=3))
def test_no_change_of_a_value_beyond_its_basis_passes(name: str, off: Decimal) -> None:
    [limit] = [one for one in designs.LIMITS if one.name == name]
    beyond = limit.value + (off if limit.direction is Direction.ABOVE else -off)
    clear = limit.clear + (beyond - limit.value)
    faults = list(limit_faults(with_limit(name, value=beyond, clear=clear)))
    assert any(fault.startswith(f"{name} is ") for fault in faults), faults


@given(name=st.sampled_from(_HELD), factor=st.sampled_from(["1000", "0.001"]))
def test_no_slip_of_a_thousand_between_a_figure_and_its_claim_passes(name: str, factor: str) -> None:
    [limit] = [one for one in designs.LIMITS if one.name == name]
    slipped = with_basis(name, figure=limit.bases[0].figure * d(factor))
    assert limit.bases[0].figure == 0 or first_limit_fault(slipped)


def claim(quote: str, *figure: str, unit: str = "") -> Claim:
    return Claim(
        id="c", statement="s", figure=figure, unit=unit, document="d", sha256="0" * 64, place="line 1", quote=quote
    )


@pytest.mark.parametrize(
    ("literal", "value"),
    [("3,65", "3.65"), ("\u221210", "-10"), ("\u201320", "-20"), ("+50", "50"), ("\u00b110", "-10"), ("3,650", "3.650"),
     ("10 000", "10000"), ("6\u202f000", "6000")],
)  # fmt: skip
def test_a_figure_is_read_as_documents_write_it(literal: str, value: str) -> None:
    assert d(value) in figures_of(claim(literal, literal))


@pytest.mark.parametrize(
    ("quote", "unit", "expected"),
    [
        ("max_v: 3.65", "", "V"),
        ('  "accuracy_mv": 10', "", "mV"),
        ("max_current_a = 280", "", "A"),
        ("charge_min_c: 0", "", "degC"),
        ("max_voltage: 3.65", "", None),
        ("min_v: 2.5, max_mv: 3650", "", None),
        ("3.65 V", "V", "V"),
        ("0.5C", "C", "C"),
        ("50 ℃", "℃", "degC"),
        ("9 furlongs", "furlongs", None),
    ],
)
def test_the_unit_of_a_claim_stands_with_its_figure_or_in_the_key_before_it(
    quote: str, unit: str, expected: str | None
) -> None:
    assert unit_of(claim(quote, "1", unit=unit)) == expected
