"""The tutorial is true: its files are written, its commands are run, in order, and say what it shows.

A fenced block with a file's name behind its language is that file; a `bash` block is run; the `text` block behind one
shows lines that have to come, in that order, where … stands for anything.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cases import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    name: str | None
    text: str


def blocks() -> list[Block]:
    found = _BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8"))
    return [Block(block["language"], block["name"], block["text"]) for block in found]


def environment(folder: Path) -> dict[str, str]:
    """A shell in which `orchestra` and `python` are ours, and nothing is left with the user."""
    commands = folder / "commands"
    commands.mkdir()
    for name, rest in (("orchestra", " -m cli.main"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{rest} "$@"\n')
        (commands / name).chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "scenarios.pytest_plugin",
        "ORCHESTRA_CACHE": "off",
        "NO_COLOR": "1",
    }


def carried_out(folder: Path) -> Iterator[tuple[Block, str]]:
    """Yield each block that shows lines, with what the commands before it said."""
    shell, said = environment(folder), ""
    work = folder / "work"
    work.mkdir()
    for block in blocks():
        if block.name:
            (work / block.name).parent.mkdir(exist_ok=True)
            (work / block.name).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            said = run(block.text, work, shell)
        else:
            yield block, said


def run(commands: str, work: Path, shell: dict[str, str]) -> str:
    told = subprocess.run(
        ["bash", "-eu", "-c", commands], cwd=work, env=shell, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    assert told.returncode == 0, f"{commands}\n{told.stdout}"
    return told.stdout


def missing(shown: str, said: str) -> str | None:
    """Return the first shown line that did not come, or None."""
    lines = iter(said.splitlines())
    for line in shown.splitlines():
        pattern = r"\s+".join(".*".join(map(re.escape, word.split("…"))) for word in line.split())
        if not any(re.search(pattern, one) for one in lines):
            return line
    return None


def test_a_line_that_does_not_come_is_noticed() -> None:
    assert missing("a … c\nd\n", "a b c\nd\n") is None
    assert missing("d\na … c\n", "a b c\nd\n") == "a … c"
    assert missing("a … d\n", "a b c\nd\n") == "a … d"


def test_every_block_is_a_file_a_command_or_what_was_said() -> None:
    assert {block.language for block in blocks() if not block.name} == {"bash", "text"}


@pytest.mark.slow
@pytest.mark.timeout(300)  # thirty commands one after the other, most of which start a Python
def test_what_the_tutorial_shows_is_what_is_said(tmp_path: Path) -> None:
    for block, said in carried_out(tmp_path):
        assert missing(block.text, said) is None, f"not said: {missing(block.text, said)}\n--- said:\n{said}"
