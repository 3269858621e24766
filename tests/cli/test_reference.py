"""The reference of the command line is what the code says."""

import typer

from cli.main import app
from cli.reference import reference
from tests.cases import ROOT


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == reference(), "run: python -m cli.reference > docs/cli.md"


def test_a_paragraph_of_help_is_broken_by_the_terminal_only() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    paragraphs = [paragraph for command in commands.values() for paragraph in (command.help or "").split("\n\n")]
    assert any(len(paragraph) > 120 for paragraph in paragraphs)
    assert not any("\n" in paragraph for paragraph in paragraphs)
