"""A watch before the gates: what is changed in a window or an assessment is rejected, with what the readings say."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.work import SkillFailed
from bus.artifacts import ArtifactStore
from gates.chain import run
from gates.checks import GATES
from gates.judged import Judged
from gates.telemetry.assessment import Evidence
from gates.telemetry.kinds import MEASURES, Kind
from gates.telemetry.readings import READINGS, Row, write_readings
from gates.telemetry.window import WINDOW, WindowAlert
from gates.values import written
from protocol.bodies import Action, AlertState, Plan, PlannedTask, Report, Result, Severity, TaskAssignment
from protocol.messages import MessageType
from protocol.verdicts import Pass, Reject
from tests import watches
from tests.builders import message
from tests.watches import BEGAN, SECOND, Watch, Window, assessed, reported, row, window

D = Decimal


def told(second: int) -> dict[str, float]:
    """Return a row of a pack in which every kind of finding can be told."""
    current = 100.0 + 40 * (second % 2)
    return {
        "pack-voltage": round(6.6 + second / 2000 + current * 0.001, 6),
        "current": current,
        "soc": float(20 + second // 6),
        "cell-1-voltage": round(3.3 + second / 2000, 6),
        "cell-2-voltage": round(3.3 - second / 1500, 6),
        "temperature-1": round(25 + second / 300, 6),
        "temperature-2": 24.0,
    }


def whole() -> Window:
    raised = WindowAlert(
        pack="battery-1",
        code="cell-delta",
        severity=Severity.WARNING,
        state=AlertState.RAISED,
        taken_ns=BEGAN + 50 * SECOND,
        text="cells lie apart",
    )
    rows = [row(second, told(second)) for second in range(120)]
    rows[60] = row(60, told(60), doubted=["temperature-2", "cell-1-voltage"])
    return window(rows, 130, alerts=[raised])


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    return assessed(tmp_path_factory.mktemp("watch"), whole())


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """A window in which next to nothing can be told."""
    return assessed(tmp_path_factory.mktemp("poor"), window([], 0))


def rejected(watch: Watch, changed: Mapping[str, bytes], values: Mapping[str, Any] | None = None) -> str:
    outcome = watch.judge(changed, values)
    assert isinstance(outcome.verdict, Reject), outcome.verdict
    assert outcome.layer == "layer_4_output"
    return outcome.verdict.reason


def test_a_whole_assessment_passes_and_the_evidence_says_what_was_looked_at(watch: Watch) -> None:
    verdict = watch.judge().verdict
    assert isinstance(verdict, Pass), verdict
    assert "20 findings are what 120 rows say" in verdict.evidence
    assert [one.kind for one in watch.assessment.findings if one.value is None] == [], "each kind can be tampered with"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_figure_that_is_changed_by_more_than_its_rounding_is_rejected(watch: Watch, kind: Kind, side: int) -> None:
    value = watch.value(kind)
    assert value is not None
    tampered = value + side * D("1.1").scaleb(-MEASURES[kind].places)
    said = rejected(watch, {"assessment.json": watch.with_finding(kind, value=tampered)}, {})
    assert f"{kind} of battery-1 is said to be " in said
    assert "but the readings say" in said


@pytest.mark.parametrize("kind", Kind)
def test_a_finding_that_is_left_out_or_stands_twice_is_rejected(watch: Watch, kind: Kind) -> None:
    file = watch.assessment
    without = tuple(one for one in file.findings if one.kind is not kind)
    dropped = written(file.model_copy(update={"findings": without}))
    assert f"{kind} of battery-1 is left out" in rejected(watch, {"assessment.json": dropped})
    twice = written(file.model_copy(update={"findings": (*file.findings, watch.finding(kind))}))
    assert f"{kind} of battery-1 stands 2 times" in rejected(watch, {"assessment.json": twice})


@pytest.mark.parametrize("kind", Kind)
def test_what_can_be_told_may_not_be_called_unknown(watch: Watch, kind: Kind) -> None:
    silent = watch.with_finding(kind, value=None, unknown="nobody looked", text="it is not known", evidence=())
    said = rejected(watch, {"assessment.json": silent}, {})
    assert f"{kind} of battery-1 is called unknown, but the readings say " in said


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.LONGEST_GAP, Kind.ALERTS)])
def test_what_cannot_be_known_may_not_be_told(poor: Watch, kind: Kind) -> None:
    assert isinstance(poor.judge().verdict, Pass)
    claimed = poor.with_finding(kind, value=D(0), unknown="", text="so it is")
    said = rejected(poor, {"assessment.json": claimed}, {})
    assert f"{kind} of battery-1 is said to be 0" in said
    assert "cannot be known from these readings" in said


@pytest.mark.parametrize("kind", Kind)
def test_a_figure_in_another_unit_is_rejected(watch: Watch, kind: Kind) -> None:
    said = rejected(watch, {"assessment.json": watch.with_finding(kind, unit="furlong")})
    assert f"{kind} of battery-1 is in furlong, not in {MEASURES[kind].unit}" in said


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"value": D("6.71")}, "is said to be 6.71, the readings say 6.7"),
        ({"taken_ns": BEGAN + 1}, "there is no reading pack-voltage at"),
        ({"taken_ns": 0}, "there is no reading pack-voltage at 0"),
        ({"name": "cell-9-voltage"}, "there is no reading cell-9-voltage at"),
        (
            {"name": "cell-1-voltage", "taken_ns": BEGAN + 60 * SECOND, "value": D("3.33")},
            "cell-1-voltage at 1795292460000000000 is suspect or was not told",
        ),
    ],
)
def test_evidence_that_does_not_stand_in_the_readings_is_rejected(
    watch: Watch, fields: dict[str, object], why: str
) -> None:
    first, *others = watch.finding(Kind.VOLTAGE_TREND).evidence
    changed = watch.with_finding(Kind.VOLTAGE_TREND, evidence=(first.model_copy(update=fields), *others))
    assert why in rejected(watch, {"assessment.json": changed})


@pytest.mark.parametrize("kind", [Kind.HIGHEST_CELL, Kind.LOWEST_CELL, Kind.HOTTEST, Kind.IMBALANCE])
def test_an_extreme_has_to_show_the_reading_that_it_is(watch: Watch, kind: Kind) -> None:
    names = [one.name for one in watch.finding(kind).evidence]
    other = tuple(Evidence(taken_ns=BEGAN, name=name, value=D(str(told(0)[name]))) for name in names)
    for evidence in ((), other):
        said = rejected(watch, {"assessment.json": watch.with_finding(kind, evidence=evidence, text="so it is")})
        assert f"{kind} of battery-1: its evidence" in said


@pytest.mark.parametrize(
    "kind", [Kind.WEAKEST_CELL, Kind.STRONGEST_CELL, Kind.TIME_TO_HIGH, Kind.TIME_TO_LOW, Kind.TIME_TO_HOT]
)
def test_a_finding_about_one_cell_may_not_name_another(watch: Watch, kind: Kind) -> None:
    [shown] = watch.finding(kind).evidence
    swap = {"cell-1-voltage": "cell-2-voltage", "cell-2-voltage": "cell-1-voltage", "temperature-1": "temperature-2"}
    name = swap[shown.name]
    second = (shown.taken_ns - BEGAN) // SECOND
    other = Evidence(taken_ns=shown.taken_ns, name=name, value=D(str(told(second)[name])))
    said = rejected(watch, {"assessment.json": watch.with_finding(kind, evidence=(other,), text="so it is")})
    assert f"{kind} of battery-1: its evidence names {name}, of which it is not true" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cell 7 lies below the others", "its text names cell 7, which its evidence does not"),
        ("sensor mos is the coldest", "its text names sensor mos, which its evidence does not"),
        ("it is 3.9 mV", "its text says 3.9, which is neither its value nor in its evidence"),
    ],
)
def test_words_that_say_more_than_the_figures_are_rejected(watch: Watch, text: str, why: str) -> None:
    assert why in rejected(watch, {"assessment.json": watch.with_finding(Kind.WEAKEST_CELL, text=text)})


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"rows": 119}, "rows is 119, but the windows say 120"),
        ({"device": "other"}, "device is other, but the windows say battery-1"),
        ({"from_ns": 0}, "from_ns is 0, but the windows say"),
        ({"to_ns": 0}, "to_ns is 0, but the windows say"),
    ],
)
def test_an_assessment_is_of_the_windows_that_were_given(watch: Watch, fields: dict[str, object], why: str) -> None:
    assert why in rejected(watch, {"assessment.json": written(watch.assessment.model_copy(update=fields))})


def test_findings_of_a_pack_that_was_not_watched_are_rejected(watch: Watch) -> None:
    file = watch.assessment
    more = (*file.findings, watch.finding(Kind.CHARGE).model_copy(update={"pack": "battery-2"}))
    said = rejected(watch, {"assessment.json": written(file.model_copy(update={"findings": more}))})
    assert "there are findings of battery-2, which was not watched" in said


def test_values_for_conditions_have_to_be_the_figures(watch: Watch, poor: Watch) -> None:
    said = rejected(watch, {}, {**watch.outcome.values, "imbalance": D("1")})
    assert "the value imbalance is 1, but the readings say" in said
    for text in ("soon", "nan", "1E+999999999", "-1E-999999999"):
        assert f"the value charge is {text}, but" in rejected(watch, {}, {"charge": text})
    assert "the value capacity is 280, but the readings say that it cannot be known" in rejected(
        poor, {}, {"capacity": D(280)}
    )


def test_an_assessment_without_a_given_window_is_rejected_also_when_it_brings_its_own(watch: Watch) -> None:
    bare = Watch(watch.store, ())
    own = tuple(
        file.model_copy(update={"path": f"{watches.FOLDER}/{file.path.rpartition('/')[2]}"}) for file in watch.inputs
    )
    verdict = bare.judge_files((*watch.outcome.artifacts, *own), {}).verdict
    assert isinstance(verdict, Reject)
    assert "no window.json was given to this task" in verdict.reason


def test_a_window_given_without_its_readings_holds_nothing(watch: Watch) -> None:
    bare = Watch(watch.store, tuple(file for file in watch.inputs if not file.path.endswith("readings.csv")))
    verdict = bare.judge_files(watch.outcome.artifacts, {}).verdict
    assert isinstance(verdict, Reject)
    assert "window.json was given without readings.csv" in verdict.reason


@pytest.mark.parametrize("name", ["window.json", "readings.csv"])
def test_what_was_given_as_something_else_was_held_by_no_gate_and_counts_for_nothing(watch: Watch, name: str) -> None:
    disguised = tuple(
        file.model_copy(update={"media_type": "text/csv"}) if file.path.endswith(name) else file
        for file in watch.inputs
    )
    verdict = Watch(watch.store, disguised).judge_files(watch.outcome.artifacts, {}).verdict
    assert isinstance(verdict, Reject)
    assert f"mission/window-1/{name} was given as text/csv, not as application/vnd.orchestra." in verdict.reason


def test_an_assessment_cannot_pass_unseen_under_another_type(watch: Watch) -> None:
    disguised = tuple(file.model_copy(update={"media_type": "application/json"}) for file in watch.outcome.artifacts)
    verdict = watch.judge_files(disguised, {}).verdict
    assert isinstance(verdict, Reject)
    assert "assessment.json is handed in as application/json, not as" in verdict.reason


def test_windows_with_ever_new_columns_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    def part(number: int) -> Window:
        rows = [row(60 * number + second, {f"cell-{900 * number + 1}-voltage": 3.3}) for second in range(2)]
        made = window(rows, 2, number=number + 1, since=60 * number)
        return Window(made.file, rows, {f"cell-{900 * number + cell}-voltage": "V" for cell in range(1, 901)})

    watch = assessed(tmp_path, part(0))
    store, many = watch.store, [part(0), part(1)]
    files = {path: made for one in many for path, made in one.files().items()}
    inputs = tuple(store.put(data, path=path, media_type=kind) for path, (data, kind) in files.items())
    verdict = Watch(store, inputs).judge_files(watch.outcome.artifacts, {}).verdict
    assert isinstance(verdict, Reject)
    assert "more than 1,200 different readings of one pack" in verdict.reason
    with pytest.raises(SkillFailed, match="1,800 readings, the limit is 1,200"):
        reported(tmp_path, many)


def test_a_coordinator_hands_on_what_was_held_where_it_was_made(watch: Watch) -> None:
    report = Report(
        action=Action.COMPLETED, result=Result(success=True, description="d", artifacts=watch.outcome.artifacts)
    )
    one = message(MessageType.TASK_COMPLETION, report, "r", attempt=1)
    plan = Plan(tasks=(PlannedTask(id="assess", agent="@battery-analyst", skill="assess-readings", title="t"),))
    assignment = TaskAssignment(title="t", skill="run-plan", folder="mission", plan=plan)
    verdict = run(GATES, Judged(one, report, assignment, watch.store)).verdict
    assert isinstance(verdict, Pass), verdict
    assert "mission/assess/assessment.json was held to its readings where it was made" in verdict.evidence


def test_the_joined_readings_of_a_watch_are_those_that_were_given(tmp_path: Path) -> None:
    rows = [[row(60 * part + second, told(second)) for second in range(60)] for part in range(2)]
    parts = [window(rows[part], 60, number=part + 1, since=60 * part) for part in range(2)]
    watch = reported(tmp_path, parts)
    assert isinstance(watch.judge().verdict, Pass)
    changed = [*rows[0], row(60, {**told(0), "current": 1.0}), *rows[1][1:]]
    for wrong in (changed, rows[0], [*rows[0], row(60, told(0), doubted=["soc"]), *rows[1][1:]]):
        said = rejected(watch, {"readings.csv": write_readings(parts[0].units, wrong)})
        assert "the rows of battery-1 are not those that were given" in said
    stranger = [*rows[0], *rows[1], row(120, {"current": 1.0}, "other")]
    assert "tells of other, which was not watched" in rejected(
        watch, {"readings.csv": write_readings(parts[0].units, stranger)}
    )


def judge_window(folder: Path, changes: Mapping[str, Any], files: Mapping[str, bytes | None] | None = None) -> Any:
    """Return what the gates say of a window that is handed in. changes: of window.json; files: others, or none."""
    one = whole()
    handed_in = Window(one.file.model_copy(update=dict(changes)), one.rows, one.units, one.recording).files()
    for path, data in (files or {}).items():
        place = f"mission/window-1/{path}"
        kind = handed_in.pop(place)[1]
        if data is not None:
            handed_in[place] = (data, kind)
    store = ArtifactStore(folder / "store")
    artifacts = tuple(store.put(data, path=path, media_type=kind) for path, (data, kind) in handed_in.items())
    report = Report(action=Action.COMPLETED, result=Result(success=True, description="d", artifacts=artifacts))
    one_message = message(MessageType.TASK_COMPLETION, report, "r", attempt=1)
    assignment = TaskAssignment(title="t", skill="observe", folder="mission/window-1")
    return run(GATES, Judged(one_message, report, assignment, store)).verdict


def with_rows(*rows: Row) -> bytes:
    return write_readings(whole().units, rows)


def test_a_window_with_its_readings_and_its_recording_passes(tmp_path: Path) -> None:
    verdict = judge_window(tmp_path, {})
    assert isinstance(verdict, Pass), verdict
    assert "120 rows of readings.csv are of the window's time and packs" in verdict.evidence


STRANGE = b"taken_ns,pack,%s [%s]\n1795292400000000000,battery-1,1\n"


@pytest.mark.parametrize(
    ("changes", "files", "why"),
    [
        ({"rows": 121}, {}, "readings.csv has 120 rows, the window says 121"),
        ({"from_ns": BEGAN + 1}, {}, "line 2: the time 1795292400000000000 is outside of the window"),
        ({"to_ns": BEGAN + 118 * SECOND}, {}, "line 121: the time 1795292519000000000 is outside of the window"),
        ({"packs": ("other",), "alerts": ()}, {}, "line 2: the pack battery-1 is not one of the window"),
        ({"packs": ("other",), "alerts": (), "rows": 0}, {"readings.csv": b"nonsense"}, "these are no readings"),
        ({}, {"readings.csv": None}, "window.json has no readings.csv beside it"),
        ({}, {"line.txt": None}, "the recording line.txt is not beside it"),
        ({}, {"line.txt": b"nothing\n"}, "line.txt is no recording of a line, though 120 rows were read from it"),
        ({"rows": 2}, {"readings.csv": with_rows(row(1, {}), row(1, {}))}, "at 1795292401000000000 was told before"),
        ({"rows": 1}, {"readings.csv": STRANGE % (b"current", b"V")}, "the reading current is in V, not in A"),
        ({"rows": 1}, {"readings.csv": STRANGE % (b"cell-1-voltage", b"mV")}, "cell-1-voltage is in mV, not in V"),
        ({"rows": 1}, {"readings.csv": STRANGE % (b"cell-x", b"V")}, "the reading cell-x is no voltage of a cell"),
        ({"rows": 1}, {"readings.csv": STRANGE % (b"luck", b"furlong")}, "luck is in furlong, not in a unit we know"),
        ({"packs": ("other", "battery-1"), "alerts": ({"pack": "x"},)}, {}, "alerts.0"),
    ],
)
def test_a_window_that_does_not_fit_its_readings_is_rejected(
    tmp_path: Path, changes: dict[str, Any], files: dict[str, bytes | None], why: str
) -> None:
    if "alerts.0" in why:
        changes = {**changes, "alerts": (whole().file.alerts[0].model_copy(update={"pack": "unknown"}),)}
        why = "the alert cell-delta is of unknown, which is not a pack of the window"
    verdict = judge_window(tmp_path, changes, files)
    assert isinstance(verdict, Reject), verdict
    assert why in verdict.reason


def test_an_alert_outside_of_its_window_is_rejected(tmp_path: Path) -> None:
    late = whole().file.alerts[0].model_copy(update={"taken_ns": BEGAN + 131 * SECOND})
    verdict = judge_window(tmp_path, {"alerts": (late,)})
    assert isinstance(verdict, Reject)
    assert "the alert cell-delta of battery-1 at 1795292531000000000 is outside of the window" in verdict.reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", 0),
        ("to_ns", BEGAN - 1),
        ("to_ns", 2**63),
        ("period_s", 0),
        ("period_s", "1E-999999"),
        ("rows", -1),
        ("packs", []),
        ("packs", ["a", "a"]),
        ("packs", ["a b"]),
        ("limits", {"cell-middle": 3}),
        ("limits", {"cell-high": "NaN"}),
        ("limits", {"cell-high": "1E999999"}),
        ("limits", {"battery-ah": 0}),
        ("line", "../line.txt"),
        ("sources", ["x" * 9_000]),
        ("device", "\u202e"),
        ("extra", 1),
    ],
)
def test_a_window_that_says_what_cannot_be_is_refused_by_its_field(tmp_path: Path, field: str, value: object) -> None:
    said = json.loads(written(whole().file)) | {field: value}
    verdict = judge_window(tmp_path, {}, {"window.json": json.dumps(said).encode()})
    assert isinstance(verdict, Reject)
    assert "window.json" in verdict.reason
    assert "cannot be read" in verdict.reason


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), name=st.sampled_from(["window.json", "readings.csv"]))
def test_hostile_bytes_end_in_a_verdict(tmp_path: Path, data: bytes, name: str) -> None:
    assert isinstance(judge_window(tmp_path, {}, {name: data}), Reject)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_a_hostile_assessment_ends_in_a_verdict(watch: Watch, data: bytes) -> None:
    assert isinstance(watch.judge({"assessment.json": data}).verdict, Reject)


def test_the_media_types_are_those_that_the_gates_know() -> None:
    assert {kind for _, kind in whole().files().values()} == {WINDOW, READINGS, "text/plain"}
