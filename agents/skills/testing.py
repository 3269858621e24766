"""Running tests: the Python files that a task is given, with pytest, in a folder and a process of their own.

1. A test that did not run is not a test that passed: without a summary, or with nothing passed in it, the task fails.
2. A failure is told so that the author of the code can act on it: which tests, and the last lines of the output. What
   differs from one run to the next, such as times and addresses, is taken out: the same failure has the same words.
3. The tests see neither the environment nor the plug-ins of this process, and are ended with all that they started
   when they take too long. That is order, not a prison: code that nobody trusts needs a machine of its own.
"""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from agents.work import Outcome, SkillFailed, Work
from protocol.bodies import ErrorCategory, ErrorLevel

_DEFAULT_S: Final = 60
_REPORT_BYTES: Final = 256 * 1024
_LISTED: Final = 20
_LAST_LINES: Final = 60
_LAST_CHARACTERS: Final = 6_000
_NAMED: Final = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_SUMMARY: Final = re.compile(r"^=* ?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [\d.]+s", re.MULTILINE)
_COUNT: Final = re.compile(r"(\d+) ([a-z]+)")
_OPTIONS: Final = ("-q", "-rfE", "--tb=short", "--color=no", "-p", "no:cacheprovider", "--import-mode=importlib")


@dataclass(frozen=True, slots=True)
class _Ran:
    """What pytest did. code: None where it was ended because it took too long."""

    code: int | None
    output: str

    @property
    def counts(self) -> dict[str, int]:
        """How many tests passed, failed and broke, as the last line says; empty where there is none."""
        found = _SUMMARY.findall(self.output)
        if not found:
            return {}
        told = {name.rstrip("s"): int(count) for count, name in _COUNT.findall(found[-1])}
        return {"passed": told.get("passed", 0), "failed": told.get("failed", 0), "errors": told.get("error", 0)}


def run_tests(work: Work) -> Outcome:
    """Run the tests among the inputs; setting `timeout-s`: how long they may take.

    Raises:
        SkillFailed: of level specialist: tests fail, break, take too long or are not there; of level person: pytest
            is missing, or an input is no file to be tested.
    """
    if importlib.util.find_spec("pytest") is None:
        raise _failed("pytest is not installed where the agents run; pip install pytest", ErrorLevel.PERSON)
    limit_s = _limit_s(work)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        tests = _lay_out(work, folder)
        ran = _run(folder, tests, limit_s)
    if ran.code is None:
        raise _failed(f"the tests did not end within {limit_s} s\n{_last(ran.output)}")
    if ran.code != 0 or not ran.counts.get("passed"):
        raise _failed(_told(ran))
    report = work.write(
        "test-report.txt", _shortened(ran.output).encode(), "text/plain", f"{ran.counts['passed']} passed"
    )
    return Outcome(f"{ran.counts['passed']} tests passed", (report,), values=ran.counts)


def _limit_s(work: Work) -> int:
    """Return how long the tests may take: less than the task, which is cut off without a word about the tests."""
    given = work.setting("timeout-s", str(_DEFAULT_S))
    if not given.isascii() or not given.isdecimal() or int(given) < 1:
        raise _failed(f"the setting timeout-s is {given!r}, not a number of seconds", ErrorLevel.PERSON)
    most_s = work.assignment.timeout_s
    return min(int(given), max(most_s - 1, 1)) if most_s else int(given)


def _lay_out(work: Work, folder: Path) -> list[str]:
    """Write the inputs under their paths and return those that are tests."""
    tests = []
    for file in work.assignment.inputs:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise _failed(f"the input {file.path!r} is not a plain relative path", ErrorLevel.PERSON)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(work.read(file))
        if path.suffix == ".py" and (path.stem.startswith("test_") or path.stem.endswith("_test")):
            tests.append(str(path))
    if not tests:
        given = ", ".join(file.path for file in work.assignment.inputs) or "none"
        raise _failed(f"there are no tests among the inputs ({given}); name their files test_*.py")
    (folder / "pytest.ini").write_text("[pytest]\n")  # so that no configuration further up is found
    return tests


def _run(folder: Path, tests: list[str], limit_s: int) -> _Ran:
    command = [sys.executable, "-m", "pytest", *_OPTIONS, "-c", "pytest.ini", "--rootdir=.", "--", *tests]
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_surroundings(folder, _importable(folder)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:  # also when this task is ended: whatever the tests have started goes with them
            _end_group(process)
        return _Ran(code, _steady(_read(output.fileno()), folder))


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _importable(folder: Path) -> list[str]:
    """Return every folder from which a test may want to import: those with files, and those around them."""
    holding = sorted({path.parent for path in folder.rglob("*.py")})
    around = [up for path in holding for up in path.parents if up.is_relative_to(folder)]
    return list(dict.fromkeys(str(path) for path in (*holding, *around)))


def _surroundings(folder: Path, importable: Iterable[str]) -> dict[str, str]:
    """Return what the tests see of the environment: nothing of the user's, and no keys."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(importable),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def _read(output: int) -> bytes:
    """Return what was said, of very much the beginning and the end."""
    size_bytes = os.fstat(output).st_size
    if size_bytes <= 2 * _REPORT_BYTES:
        return os.pread(output, size_bytes, 0)
    return os.pread(output, _REPORT_BYTES, 0) + b"\n" + os.pread(output, _REPORT_BYTES, size_bytes - _REPORT_BYTES)


def _steady(raw: bytes, folder: Path) -> str:
    """Return output as text without what differs from run to run and what no document can carry."""
    text = raw.decode(errors="replace").replace("\r\n", "\n").replace(str(folder), ".")
    text = re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


def _told(ran: _Ran) -> str:
    names = list(dict.fromkeys(_NAMED.findall(ran.output)))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = ", ".join(name[:200] for name in names[:_LISTED])
    if names:
        count = ran.counts.get("failed", 0) + ran.counts.get("errors", 0) or len(names)
        what = f"{count} test{'s fail' if count != 1 else ' fails'}: {listed}{more}"
    else:
        what = f"no test has passed; pytest ended with {ran.code}"
    return f"{what}\n{_last(ran.output)}"


def _last(output: str) -> str:
    """Return the last lines; without the time, which differs."""
    lines = re.sub(r" in [\d.]+s(?: \([\d:]+\))?( =*)?$", "", output, flags=re.MULTILINE).rstrip().splitlines()
    return "\n".join(lines[-_LAST_LINES:])[-_LAST_CHARACTERS:]


def _shortened(output: str) -> str:
    if len(output) <= _REPORT_BYTES:
        return output
    half = _REPORT_BYTES // 2
    return f"{output[:half]}\n(shortened by {len(output) - 2 * half} characters)\n{output[-half:]}"


def _failed(message: str, level: ErrorLevel = ErrorLevel.SPECIALIST) -> SkillFailed:
    return SkillFailed(level, ErrorCategory.VALIDATION, message)
