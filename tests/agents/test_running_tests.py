"""The skill that runs tests: what it calls a success, what it tells the author, what it keeps from the tests."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agents.skills.testing import run_tests
from agents.work import Outcome, SkillFailed, Work
from gates.checks import GATES
from observers.recoveries import Outcome as Ended
from observers.recoveries import account
from protocol.bodies import ErrorCategory, ErrorDetails, ErrorLevel, Plan, PlannedTask, Policy, TaskAssignment
from protocol.failures import Kind, Way
from protocol.messages import MessageType
from scenarios.rehearsal import Script
from tests.agents.works import work_with
from tests.scenarios.plays import rehearse

GOOD, WRONG = "def add(a, b):\n    return a + b\n", "def add(a, b):\n    return a - b\n"
TEST = """from calc import add

def test_add():
    assert add(2, 2) == 4

def test_zero():
    assert add(0, 0) == 0
"""
BILL = "from prices import TWO\nfrom shop.bill import total\n\ndef test_a():\n    assert total(TWO, TWO) == 4\n"
SKIPPED = {"test_a.py": "import pytest\n\ndef test_a():\n    pytest.skip('no')\n"}


def failure(work: Work) -> ErrorDetails:
    with pytest.raises(SkillFailed) as failed:
        run_tests(work)
    return failed.value.details


def test_tests_that_pass_are_a_result_with_their_output_and_their_number(tmp_path: Path) -> None:
    work = work_with(tmp_path, {"mission/write/calc.py": GOOD, "checks/test_calc.py": TEST})
    outcome = run_tests(work)
    assert outcome.values == {"passed": 2, "failed": 0, "errors": 0}
    [report] = outcome.artifacts
    assert report.path == "mission/t/test-report.txt"
    assert b"2 passed" in work.store.get(report)


def test_tests_that_fail_are_named_with_what_they_said(tmp_path: Path) -> None:
    details = failure(work_with(tmp_path, {"src/calc.py": WRONG, "test_calc.py": TEST}))
    assert (details.level, details.category) == (ErrorLevel.SPECIALIST, ErrorCategory.VALIDATION)
    assert details.message.startswith("1 test fails: test_calc.py::test_add\n")
    assert "assert 0 == 4" in details.message


@pytest.mark.slow
def test_the_same_failure_has_the_same_words(tmp_path: Path) -> None:
    shaky = "import os\n\ndef test_a():\n    where = object(), os.getcwd()\n    assert where is None\n"
    first, second = (failure(work_with(tmp_path, {"test_a.py": shaky})) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"test_a.py": "import nothing_of_that_name\n"}, "1 test fails: test_a.py"),
        ({"test_a.py": "def check():\n    pass\n"}, "no test has passed; pytest ended with 5"),
        ({"test_a.py": "import os\n\ndef test_a():\n    os._exit(0)\n"}, "no test has passed; pytest ended with 0"),
        pytest.param(SKIPPED, "no test has passed; pytest ended with 0", marks=pytest.mark.slow),
        pytest.param({"test_a.py": "def broken(:\n"}, "SyntaxError", marks=pytest.mark.slow),
        ({"calc.py": GOOD}, "there are no tests among the inputs (calc.py)"),
        ({}, "there are no tests among the inputs (none)"),
    ],
)
def test_a_test_that_did_not_run_is_not_a_test_that_passed(
    tmp_path: Path, files: dict[str, str | bytes], words: str
) -> None:
    details = failure(work_with(tmp_path, files))
    assert words in details.message
    assert details.level is ErrorLevel.SPECIALIST


@pytest.mark.slow
def test_many_failures_are_told_in_bounds(tmp_path: Path) -> None:
    text = "import pytest\n\n@pytest.mark.parametrize('n', range(300))\ndef test_a(n):\n    assert 'x' * 5_000 == n\n"
    details = failure(work_with(tmp_path, {"test_a.py": text}))
    assert details.message.startswith("300 tests fail: test_a.py::test_a[0], ")
    assert "and 280 more" in details.message
    assert len(details.message) < 12_000


@pytest.mark.slow
def test_what_never_ends_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = f"import time; held = open({str(pipe)!r}, 'w'); time.sleep(600)"
    text = f"import subprocess, sys\n\ndef test_a():\n    subprocess.run([sys.executable, '-c', {child!r}])\n"
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    details = failure(work_with(tmp_path, {"test_a.py": text}, {"timeout-s": "1"}))
    assert details.message.startswith("the tests did not end within 1 s")
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # would wait for as long as anybody has the other end open
    os.close(reader)


def test_the_tests_see_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key")
    checks = "assert 'ANTHROPIC_API_KEY' not in os.environ and os.environ['HOME'] == os.getcwd()"
    text = f"import os\n\ndef test_a():\n    {checks}\n"
    assert run_tests(work_with(tmp_path, {"test_a.py": text})).values["passed"] == 1


@pytest.mark.slow
def test_packages_and_neighbours_can_be_imported(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/calc.py": GOOD,
        "src/shop/bill.py": "from shop.calc import add\n\ndef total(a, b):\n    return add(a, b)\n",
        "tests/prices.py": "TWO = 2\n",
        "tests/test_bill.py": BILL,
    }
    assert run_tests(work_with(tmp_path, files)).values["passed"] == 1


@pytest.mark.parametrize("path", ["../test_a.py", "/tmp/test_a.py"])
def test_an_input_that_would_lie_elsewhere_is_for_a_person(tmp_path: Path, path: str) -> None:
    assert failure(work_with(tmp_path, {path: TEST})).level is ErrorLevel.PERSON


def test_a_limit_that_is_no_number_is_for_a_person(tmp_path: Path) -> None:
    details = failure(work_with(tmp_path, {"test_a.py": TEST}, {"timeout-s": "soon"}))
    assert (details.level, "'soon'" in details.message) == (ErrorLevel.PERSON, True)


def test_without_pytest_a_person_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest", None)
    details = failure(work_with(tmp_path, {"test_a.py": TEST}))
    assert (details.level, "pytest is not installed" in details.message) == (ErrorLevel.PERSON, True)


def writes_by_the_output(work: Work) -> Outcome:
    """Write it wrong, and right once the failing test has said what it expects."""
    is_told = "assert 0 == 4" in (work.assignment.feedback or "")
    made = {"calc.py": GOOD if is_told else WRONG, "test_calc.py": TEST}
    return Outcome("written", tuple(work.write(name, text.encode(), "text/x-python") for name, text in made.items()))


CAST: Mapping[str, Script | Mapping[str, Script]] = {
    "@author": writes_by_the_output,
    "@tester": {"run-tests": run_tests},
}


def test_what_fails_goes_back_to_its_author_with_the_output_and_then_passes(tmp_path: Path) -> None:
    check = PlannedTask(
        id="test", agent="@tester", skill="run-tests", title="t", needs=("write",), policy=Policy(fixed_by="write")
    )
    plan = Plan(tasks=(PlannedTask(id="write", agent="@author", skill="write", title="w"), check))
    rehearsed = rehearse(plan, CAST, tmp_path, gates=GATES)
    assert rehearsed.is_done
    assigned = [one.body for one in rehearsed.said(MessageType.TASK_ASSIGNMENT, task="write")]
    [first, again] = [body for body in assigned if isinstance(body, TaskAssignment)]
    assert (first.strategy, again.strategy) == (None, "faulty-input/fix-author")
    assert "1 test fails: mission/write/test_calc.py::test_add" in (again.feedback or "")
    [one] = account(rehearsed.entries).recoveries
    assert (one.task, one.kind, one.way, one.outcome) == ("test", Kind.FAULTY_INPUT, Way.FIX, Ended.HELPED)
    assert (one.agent, one.next_agent) == ("@tester", "@author")
