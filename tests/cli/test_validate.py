"""`orchestra validate`: one line for each file, exit codes and JSON as promised, and never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from protocol import MAX_DOCUMENT_BYTES, MessageType, encode
from protocol.examples import example

KEYS = ["file", "valid", "code", "line", "column", "reason"]
GOOD = encode(example(MessageType.STATUS))


def validate(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, list[str]]:
    """Run the command in this process; return its exit code and the lines it printed."""
    with pytest.raises(SystemExit) as left:
        main(["validate", *map(str, arguments)])
    printed = capsys.readouterr()
    assert printed.err == ""
    return int(left.value.code or 0), printed.out.splitlines()


def rows(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    code, lines = validate(capsys, "--json", *arguments)
    found = [json.loads(line) for line in lines]
    assert all(list(row) == KEYS for row in found)
    return code, found


def file(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


def test_a_valid_file_is_said_to_be_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = file(tmp_path, "good.xml", GOOD)
    assert validate(capsys, good) == (0, [f"{good}: valid"])
    row = {"file": str(good), "valid": True, "code": None, "line": None, "column": None, "reason": None}
    assert rows(capsys, good) == (0, [row])


def test_a_fault_is_named_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = file(tmp_path, "bad.xml", GOOD.replace(b"<priority>normal", b"\n <priority>soon"))
    reason = "priority: 'soon' is not one of critical, high, normal, low"
    assert validate(capsys, bad) == (1, [f"{bad}:2:2: {reason}"])
    row = {"file": str(bad), "valid": False, "code": "invalid", "line": 2, "column": 2, "reason": reason}
    assert rows(capsys, bad) == (1, [row])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed"),
        (b"\xef\xbb\xbf", "malformed"),
        (b"not xml", "malformed"),
        (GOOD[:-1], "malformed"),
        (b"<!DOCTYPE agent-message>" + GOOD, "malformed"),
        (b"<a/>", "invalid"),
        (GOOD.replace(b"status", b"claim"), "invalid"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "too-large"),
    ],
    ids=["empty", "only a BOM", "text", "cut off", "DOCTYPE", "other root", "other type", "too large"],
)
def test_what_is_wrong_has_a_code_and_a_place(
    raw: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = file(tmp_path, "bad.xml", raw)
    exit_code, [row] = rows(capsys, bad)
    assert (exit_code, row["valid"], row["code"]) == (1, False, code)
    assert row["line"] >= 1
    assert row["column"] >= 1
    assert row["reason"]
    assert validate(capsys, bad) == (1, [f"{bad}:{row['line']}:{row['column']}: {row['reason']}"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_message_is_valid_in_every_encoding_of_unicode(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(capsys, file(tmp_path, "a.xml", GOOD.decode().encode(encoding)))[0] == 0


def test_what_cannot_be_read_is_unreadable_and_nothing_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    names = [tmp_path, tmp_path / "missing.xml", tmp_path / "pipe", Path("/dev/zero"), tmp_path / "loop"]
    names += [tmp_path / ("x" * 300), tmp_path / "missing" / "a.xml"]
    code, found = rows(capsys, *names)
    assert code == 2
    assert [row["file"] for row in found] == [str(name) for name in names]
    assert {row["code"] for row in found} == {"unreadable"}
    assert {(row["line"], row["column"], row["valid"]) for row in found} == {(None, None, False)}
    assert validate(capsys, tmp_path) == (2, [f"{tmp_path}: cannot be read: a directory"])
    assert validate(capsys, tmp_path / "pipe") == (2, [f"{tmp_path / 'pipe'}: cannot be read: not a regular file"])
    assert validate(capsys, tmp_path / "no") == (2, [f"{tmp_path / 'no'}: cannot be read: no such file"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = file(tmp_path, "closed.xml", GOOD)
    closed.chmod(0)
    code, [row] = rows(capsys, closed)
    assert (code, row["code"]) == (2, "unreadable")


def test_the_worst_file_decides_the_exit_code_and_every_file_has_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = file(tmp_path, "good.xml", GOOD), file(tmp_path, "bad.xml", b"<a/>")
    assert validate(capsys, good, bad, good)[0] == 1
    code, lines = validate(capsys, tmp_path / "missing", bad, good)
    assert code == 2
    assert [line.split(":")[0] for line in lines] == [str(tmp_path / "missing"), str(bad), str(good)]


def test_hundreds_of_files_are_judged_in_one_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [file(tmp_path, f"{n}.xml", GOOD if n % 2 else b"<a/>") for n in range(800)]
    code, found = rows(capsys, *files)
    assert code == 1
    assert [row["valid"] for row in found] == [bool(n % 2) for n in range(800)]


def test_no_name_of_a_file_breaks_a_line_or_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["two\nlines.xml", "red\x1b[31m.xml", os.fsdecode(b"\xff\xfe.xml"), "  spaces .xml", "ünï✓.xml"]
    files = [file(tmp_path, name, GOOD) for name in names]
    code, lines = validate(capsys, *files)
    assert code == 0
    assert len(lines) == len(names)
    assert not any("\x1b" in line or "\n" in line for line in lines)
    assert [row["file"] for row in rows(capsys, *files)[1]] == [str(path) for path in files]


def test_what_a_document_says_cannot_break_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = b"\n/etc/passwd: valid\n\xc2\x9b31m"
    code, lines = validate(capsys, file(tmp_path, "a.xml", GOOD.replace(b"<priority>normal", b"<priority>" + value)))
    assert code == 1
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_without_a_file_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["validate"])
    assert left.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_command_itself_works_where_the_terminal_knows_only_ascii(tmp_path: Path) -> None:
    good, bad = file(tmp_path, "ü✓.xml", GOOD), file(tmp_path, os.fsdecode(b"\xff.xml"), b"<\xc3\xbc/>")
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "validate", good, bad, tmp_path / "missing"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1", "PYTHONWARNINGS": "error"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == b""
    valid, invalid, missing = done.stdout.decode("ascii").splitlines()
    assert valid.endswith(": valid")
    assert ":1:1: " in invalid
    assert missing.endswith("cannot be read: no such file")
