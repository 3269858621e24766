"""The bill adds up and holds everything; no requirement is without a test and a true word of the verifier."""

import pytest

from gates.design.bills import bill_faults
from gates.design.coverage import compliance_faults, plan_faults
from gates.design.electrics import electric_faults
from gates.design.files import (
    BillFile,
    ComplianceFile,
    Conclusion,
    DesignFile,
    TestPlanFile,
)
from gates.design.parts import read_parts
from tests import designs
from tests.designs import PARTS_CSV, changed, d

PARTS = read_parts(PARTS_CSV)


def billed(file: BillFile) -> list[str]:
    return list(bill_faults(file, designs.design(), designs.requirements(), PARTS))


def with_line(part: str, /, **fields: object) -> BillFile:
    file = designs.bill()
    return changed(file, lines=tuple(changed(one, **fields) if one.part == part else one for one in file.lines))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (with_line("RELAY-400", sum_usd=d("14")), "5 × RELAY-400 at 2.9 USD are 14.5 USD, the bill says 14 USD"),
        (with_line("RELAY-400", price_usd=d("2.50")), "billed at 2.5 USD, but parts.csv says 2.9 USD"),
        (with_line("RELAY-400", quantity=4), "the design needs 5 × RELAY-400, the bill has 4"),
        (with_line("RELAY-400", part="RELAY-15"), "the design needs 5 × RELAY-400, the bill has 0"),
        (with_line("BOARD", part="XY-1"), "XY-1 is not in parts.csv"),
        (with_line("BOARD", part="RELAY-400"), "the part RELAY-400 stands 2 times"),
        (changed(designs.bill(), total_usd=d("43.51")), "the total is 43.5 USD, the bill says 43.51 USD"),
        (changed(designs.bill(), budget_usd=d("60")), "the budget is 50 USD, the bill says 60 USD"),
        (changed(designs.bill(), over_usd=d("1")), "the excess over the budget is 0 USD, the bill says 1 USD"),
    ],
)
def test_a_bill_that_does_not_add_up_is_named(file: BillFile, words: str) -> None:
    assert any(words in fault for fault in billed(file)), billed(file)


def test_the_bill_of_the_sample_adds_up() -> None:
    assert billed(designs.bill()) == []


def test_an_overrun_is_neither_hidden_nor_left_without_a_reason() -> None:
    dear = with_line("BOARD", quantity=2, sum_usd=d("22"))
    hidden = changed(dear, total_usd=d("54.50"))
    assert "the excess over the budget is 4.5 USD, the bill says 0 USD" in billed(hidden)
    told = changed(hidden, over_usd=d("4.50"))
    assert billed(told) == ["the bill is 4.5 USD over the budget and does not say why"]
    assert billed(changed(told, why="two boards")) == []


def with_test(identity: str, **fields: object) -> TestPlanFile:
    file = designs.test_plan()
    return changed(file, tests=tuple(changed(one, **fields) if one.id == identity else one for one in file.tests))


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (with_test("T-005", covers=("SR-01",)), "SR-02 is covered by no test"),
        (with_test("T-005", covers=("SR-02", "SR-99")), "T-005 names the requirement SR-99, which is not there"),
        (with_test("T-005", id="T-004"), "the test T-004 stands 2 times"),
        (with_test("T-001", stimulus=d("3.6")), "T-001 gives 3.6 V, but cell-high-alarm speaks up above 3.65 V"),
        (with_test("T-001", stimulus=d("3.65")), "T-001 gives 3.65 V, but cell-high-alarm speaks up above 3.65 V"),
        (with_test("T-002", stimulus=d("2.6")), "T-002 gives 2.6 V, but cell-low-alarm speaks up below 2.5 V"),
        (with_test("T-006", stimulus=d("1")), "T-006 gives 1 °C, but charge-cold-alarm speaks up below 0 °C"),
        (with_test("T-001", stimulus=None), "does not say with which value"),
        (with_test("T-001", limit="cell-sideways"), "T-001 names the limit cell-sideways, which is not there"),
        (with_test("T-007", limit="", stimulus=None), "the alarm charge-hot-alarm is provoked by no test"),
        (with_test("T-007", limit=""), "T-007 has a stimulus, but names no limit that it provokes"),
    ],
)
def test_a_plan_that_leaves_something_untested_is_named(plan: TestPlanFile, words: str) -> None:
    faults = list(plan_faults(plan, designs.requirements()))
    assert any(words in fault for fault in faults), faults


def verified(index: int, **fields: object) -> list[str]:
    file = designs.compliance()
    ones = tuple(changed(one, **fields) if at == index else one for at, one in enumerate(file.verifications))
    return list(complied(changed(file, verifications=ones)))


def complied(file: ComplianceFile, design: DesignFile | None = None) -> list[str]:
    return list(compliance_faults(file, designs.requirements(), design or designs.design(), designs.test_plan()))


@pytest.mark.parametrize(
    ("index", "fields", "words"),
    [
        (0, {"requirement": "SR-02"}, "SR-01 has 0 verifications, it needs one"),
        (0, {"requirement": "SR-02"}, "SR-02 has 2 verifications, it needs one"),
        (0, {"requirement": "SR-99"}, "a verification names the requirement SR-99, which is not there"),
        (0, {"elements": ()}, "SR-01 is called met, but no element serves it"),
        (0, {"tests": ()}, "SR-01 is called met, but no test covers it"),
        (0, {"elements": ("E-77",)}, "the verification of SR-01 names the element E-77, which is not there"),
        (0, {"tests": ("T-777",)}, "the verification of SR-01 names the test T-777, which is not there"),
        (0, {"elements": ("E-03",)}, "the verification of SR-01 counts on E-03, which the design does not"),
        (0, {"tests": ("T-008",)}, "the verification of SR-01 counts on T-008, which does not cover it"),
    ],
)
def test_a_verification_that_is_not_true_or_not_there_is_named(
    index: int, fields: dict[str, object], words: str
) -> None:
    assert any(words in fault for fault in verified(index, **fields)), verified(index, **fields)


def test_a_requirement_may_be_found_open_or_not_met_without_anything_that_serves_it() -> None:
    for conclusion in (Conclusion.OPEN, Conclusion.NOT_MET):
        assert verified(0, conclusion=conclusion, elements=(), tests=()) == []


def test_a_failure_that_the_design_calls_unsafe_is_named_by_the_verifier() -> None:
    file, plan = designs.compliance(), designs.design()
    unsafe = changed(plan, failures=(changed(plan.failures[0], is_safe=False),))
    assert list(electric_faults(unsafe, designs.requirements(), PARTS)) == []
    assert complied(file, unsafe) == ["the design calls F-01 unsafe and the verifier does not name it"]
    named = changed(file.verifications[3], conclusion=Conclusion.OPEN, evidence=("F-01 is open: no second relay",))
    assert complied(changed(file, verifications=(*file.verifications[:3], named)), unsafe) == []


def test_a_question_is_not_satisfied_without_evidence() -> None:
    file = designs.compliance()
    faults = complied(changed(file, questions=(changed(file.questions[0], evidence=()),)))
    assert faults == ["the question 'Does it switch?' is called satisfied without evidence"]
