"""The reference of the command line is what the code says."""

from cli.reference import reference
from tests.cases import ROOT


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == reference(), "run: python -m cli.reference > docs/cli.md"
