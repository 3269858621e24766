"""A whole design through the chain of gates: what is tampered with is rejected, and what is hostile ends nothing."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.artifacts import ArtifactStore
from gates.chain import Outcome, run
from gates.checks import GATES
from gates.design.beside import Beside
from gates.design.electrics import electric_faults
from gates.design.holding import compiles
from gates.design.parts import read_parts
from gates.design.words import listed
from gates.judged import Judged
from gates.sketches import Built
from gates.values import written
from protocol.verdicts import Pass, Reject, Verdict
from tests import designs
from tests.designs import PARTS_CSV, changed, d, result, whole, with_limit


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


def judge(store: ArtifactStore, name: str, data: bytes) -> Outcome:
    """Judge the whole design with one of its files replaced."""
    return run(GATES, result(store, {**whole(), name: data}))


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome.verdict, Reject), outcome.verdict
    assert outcome.layer == "layer_4_output"
    return outcome.verdict.reason


def test_a_whole_design_passes_and_the_evidence_says_what_was_looked_at(store: ArtifactStore) -> None:
    verdict = run(GATES, result(store, whole())).verdict
    assert isinstance(verdict, Pass)
    for words in (
        "11 quotes stand verbatim at their places",
        "9 limits hold against 11 claims",
        "2 parts bear what stands at their nodes, 1 channels measure as they have to",
        "3 lines of the bill add up and hold all that is needed",
        "8 tests cover 4 requirements",
        "4 verifications are complete, 3 say met",
        "27 macros of limits.h say what the requirements say",
    ):
        assert words in verdict.evidence


def test_a_limit_that_its_document_does_not_allow_is_rejected_by_the_chain(store: ArtifactStore) -> None:
    tampered = written(with_limit("cell-high-alarm", value=d("3.75")))
    said = reason(run(GATES, result(store, {"requirements.json": tampered})))
    assert "cell-high-alarm is 3.75 V, but pack.yaml, line 6 allows at most 3.65 V" in said


def test_a_requirement_without_a_test_is_rejected_by_the_chain(store: ArtifactStore) -> None:
    plan = designs.test_plan()
    without = changed(plan, tests=[test for test in plan.tests if test.covers != ("SR-02",)])
    made = {"test-plan.json": written(without)}
    given = {"requirements.json": written(designs.requirements())}
    assert "SR-02 is covered by no test" in reason(run(GATES, result(store, made, given)))


def test_a_part_that_cannot_take_its_voltage_is_rejected_by_the_chain(store: ArtifactStore) -> None:
    file = designs.design()
    weak = changed(file, elements=(changed(file.elements[0], part="RELAY-15"), *file.elements[1:]))
    said = reason(judge(store, "design.json", written(weak)))
    assert "E-01 uses RELAY-15 which takes 15 V; at node pack stand 14.6 V and the margin is 1.25: 18.25 V" in said


def test_a_bill_that_does_not_add_up_is_rejected_by_the_chain(store: ArtifactStore) -> None:
    said = reason(judge(store, "bill.json", written(changed(designs.bill(), total_usd=d("43.40")))))
    assert "the total is 43.5 USD, the bill says 43.4 USD" in said


def test_a_claim_of_the_requirements_that_does_not_stand_there_is_rejected_at_the_second_gate(
    store: ArtifactStore,
) -> None:
    file = designs.requirements()
    claims = [
        changed(claim, quote="max_v: 3.75", figure=("3.75",)) if claim.id == "c-max" else claim for claim in file.claims
    ]
    outcome = run(GATES, result(store, {"requirements.json": written(changed(file, claims=claims))}))
    assert outcome.layer == "layer_2_hallucination"


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("design.json", "requirements.json"),
        ("bill.json", "design.json"),
        ("test-plan.json", "requirements.json"),
        ("compliance.json", "requirements.json"),
        ("battery_monitor/battery_monitor.ino", "requirements.json"),
    ],
)
def test_a_file_is_rejected_where_what_it_is_held_against_is_missing(
    store: ArtifactStore, name: str, missing: str
) -> None:
    assert f"there is no {missing} to hold it against" in reason(run(GATES, result(store, {name: whole()[name]})))


def test_a_design_without_its_parts_is_rejected(store: ArtifactStore) -> None:
    case = result(store, {name: whole()[name] for name in ("requirements.json", "design.json")})
    assert case.assignment is not None
    inputs = tuple(file for file in case.assignment.inputs if file.path != "parts.csv")
    bare = Judged(case.message, case.report, case.assignment.model_copy(update={"inputs": inputs}), store)
    assert "there is no parts.csv to hold it against" in reason(run(GATES, bare))


def test_a_result_cannot_bring_requirements_of_its_own_to_be_held_against(store: ArtifactStore) -> None:
    easier = written(changed(designs.requirements(), notes=({"text": "not the ones that were accepted"},)))
    made = {"requirements.json": easier, "design.json": whole()["design.json"]}
    given = {"requirements.json": written(designs.requirements())}
    assert "the result brings another one than was given" in reason(run(GATES, result(store, made, given)))


def test_a_result_cannot_bring_parts_of_its_own(store: ArtifactStore) -> None:
    stronger = PARTS_CSV.replace(b"RELAY-15,relay for 15 V,15,", b"RELAY-15,relay for 15 V,400,")
    said = reason(run(GATES, result(store, {**whole(), "parts.csv": stronger})))
    assert "it is not clear which parts.csv to hold it against" in said


def test_a_sketch_without_its_limits_or_with_other_ones_is_rejected(store: ArtifactStore) -> None:
    made = whole()
    made_header = made.pop("battery_monitor/limits.h")
    assert "battery_monitor.ino has no limits.h beside it" in reason(run(GATES, result(store, made)))
    other = made_header.replace(b"ALARM_MV 3650", b"ALARM_MV 3750")
    said = reason(run(GATES, result(store, {**whole(), "battery_monitor/limits.h": other})))
    assert "CELL_HIGH_ALARM_MV is 3750, the requirements say 3650" in said
    sly = {**whole(), "battery_monitor/alarms.c": b"#undef CELL_HIGH_ALARM_MV\n"}
    assert "alarms.c, line 1 redefines CELL_HIGH_ALARM_MV" in reason(run(GATES, result(store, sly)))


@pytest.mark.parametrize(
    ("built", "verdict"),
    [
        (Built(True, note="12 KB of flash"), Pass(("12 KB of flash",))),
        (Built(False, note="not checked: avr-g++ is not here"), Pass(("not checked: avr-g++ is not here",))),
        (
            Built(True, fault="alarms.c:3: no"),
            Reject("mission/design/battery_monitor/battery_monitor.ino does not build: alarms.c:3: no"),
        ),
    ],
)
def test_a_sketch_is_built_from_the_files_of_its_own_folder(
    store: ArtifactStore, built: Built, verdict: Verdict
) -> None:
    given: list[Mapping[str, bytes]] = []

    def build(files: Mapping[str, bytes]) -> Built:
        given.append(files)
        return built

    case = result(store, whole())
    [sketch] = [file for file in case.artifacts if file.path.endswith(".ino")]
    assert compiles(build)(sketch, Beside(case)) == verdict
    assert [sorted(files) for files in given] == [["battery_monitor.ino", "limits.h"]]


# What nobody would write by mistake. Not one of these may end a gate or keep it busy: a rejection, or no harm done.

HOSTILE: Final[tuple[object, ...]] = (
    "1E999999", "1E-999999", "0E999999", "NaN", "-Infinity", "9" * 5_000, 10**300, -1, 0, 1.5e308, True, None, "", [],
    {}, ["SR-01"] * 5_000, [["x"]], {"a": {}}, "\x00", "\ud800", "\u202e", "x" * 100_000, "</reason>", "above",
    "V**999999",
)  # fmt: skip
JSON_FILES: Final = ("requirements.json", "design.json", "bill.json", "test-plan.json", "compliance.json")


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value of a JSON document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(document: Any, path: tuple[str | int, ...], value: object) -> object:
    """Return a JSON document with another value at one place."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


@pytest.mark.slow
@given(data=st.data(), name=st.sampled_from(JSON_FILES), value=st.sampled_from(HOSTILE))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hostile_value_anywhere_is_rejected_or_harmless(
    store: ArtifactStore, data: st.DataObject, name: str, value: object
) -> None:
    document = json.loads(whole()[name])
    path = data.draw(st.sampled_from(list(places(document))))
    # Without the sketch: what is harmless would be compiled each time.
    made = {one: whole()[one] for one in JSON_FILES}
    made[name] = json.dumps(replaced(document, path, value)).encode()
    verdict = run(GATES, result(store, made)).verdict
    assert isinstance(verdict, Pass | Reject), verdict


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"null",
        b"NaN",
        b'{"tests":[' + b"0," * 500_000 + b"0]}",
        b"[]",
    ],
    ids=["empty", "binary", "deep", "deep objects", "null", "nan", "long", "list"],
)
@pytest.mark.slow
def test_what_is_no_such_file_at_all_is_rejected_with_its_name(store: ArtifactStore, name: str, data: bytes) -> None:
    verdict = judge(store, name, data).verdict
    assert isinstance(verdict, Reject)
    assert name in verdict.reason
    assert len(verdict.reason) < 1_000


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"400,2.90", b"1E999999,2.90", "parts.csv, line 2: max_v is '1E999999', which is out of range"),
        (b"400,2.90", b"400,NaN", "parts.csv, line 2: price_usd is 'NaN', which is out of range"),
        (b"400,2.90", b"400,-2.90", "which is out of range"),
        (b"400,2.90", b"much,2.90", "max_v is 'much', which is no number"),
        (b"400,2.90", b"400,", "is billed at 2.9 USD, but parts.csv gives no price"),
        (b"RELAY-15,", b"RELAY-400,", "parts.csv, line 3: the part RELAY-400 stands twice"),
        (b"max_v", b"volts", "parts.csv has no column max_v; its columns are part, description, max_v"),
        (b"board,20", b'"board,20', "parts.csv is not CSV in UTF-8"),
        (b"board,20", b"b\xe4d,20", "parts.csv is not CSV in UTF-8"),
        (b"BOARD,", b"\x07,", "parts.csv, line 5: the part has no name that can be shown"),
    ],
)
def test_parts_that_cannot_be_read_are_rejected_with_the_line(
    store: ArtifactStore, old: bytes, new: bytes, words: str
) -> None:
    said = reason(run(GATES, result(store, whole(), {"parts.csv": designs.PARTS_CSV.replace(old, new, 1)})))
    assert words in said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff", "limits.h is not text in UTF-8"),
        (b"\x00", "limits.h is binary data, not text"),
        (b"x" * 600_000, "limits.h has 600,000 bytes, the limit is 500,000"),
        (b"#" * 400_000, "limits.h, line 1 is neither a comment nor a definition"),
        (b"/* " * 130_000, "CELL_HIGH_WARN_MV is not defined"),
        (b"\\\n" * 200_000, "CELL_HIGH_WARN_MV is not defined"),
    ],
    ids=["binary", "zeros", "long", "signs", "comments", "continued"],
)
def test_a_hostile_header_is_rejected(store: ArtifactStore, data: bytes, words: str) -> None:
    assert words in reason(judge(store, "battery_monitor/limits.h", data))


def test_many_of_everything_are_judged_in_one_go() -> None:
    file = designs.design()
    many = changed(file, elements=tuple(changed(file.elements[1], id=f"E-{n}") for n in range(4_000)))
    needs = designs.requirements()
    wanted = tuple(changed(needs.requirements[0], id=f"SR-{n}") for n in range(4_000))
    faults = list(electric_faults(many, changed(needs, requirements=wanted), read_parts(designs.PARTS_CSV)))
    assert len(faults) > 4_000
    assert len(listed(faults)) < 1_000
