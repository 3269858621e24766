"""BOM.md and bom.csv: what to buy, for what it costs, and what can be bought instead."""

import csv
import io
from collections.abc import Mapping
from typing import Final

from agents.skills.battery.documents.markdown import page, table
from agents.skills.facts_report import escaped
from gates.design.files import BillFile, BillLine
from gates.design.parts import Part

_COLUMNS: Final = ("part", "description", "quantity", "price_usd", "sum_usd", "max_v", "alternatives", "notes")


def render(bill: BillFile, parts: Mapping[str, Part]) -> bytes:
    """Return BOM.md."""
    within = f"{bill.budget_usd - bill.total_usd:.2f} USD below the budget of {bill.budget_usd:.2f} USD."
    verdict = f"**Over the budget**: {escaped(bill.why, 400)}." if bill.over_usd else within
    basis = sorted({parts[line.part].price_basis for line in bill.lines if parts[line.part].price_basis})
    lines = [
        "# Bill of materials\n",
        f"{len(bill.lines)} parts, **{bill.total_usd:.2f} USD**. {verdict}\n",
        f"{bill.priced.capitalize()}; {escaped('; '.join(basis), 300)}. Without tax and shipping. The prices come from "
        "the parts file: give your own (`--parts`) and the bill is made of that.\n",
        *table(
            ("part", "what", "number", "each USD", "sum USD", "bears V", "instead"),
            (_row(line, parts) for line in bill.lines),
        ),
    ]
    notes = [f"- {escaped(line.part)}: {escaped(note, 300)}" for line in bill.lines if (note := parts[line.part].notes)]
    return page([*lines, "## Notes on the parts\n", *notes])


def _row(line: BillLine, parts: Mapping[str, Part]) -> tuple[str, ...]:
    return (
        escaped(line.part),
        escaped(line.description),
        str(line.quantity),
        f"{line.price_usd:.2f}",
        f"{line.sum_usd:.2f}",
        _voltage(parts[line.part]),
        escaped(line.alternatives) or "-",
    )


def _voltage(part: Part) -> str:
    return "-" if part.max_v is None else f"{part.max_v:f}"


def render_csv(bill: BillFile, parts: Mapping[str, Part]) -> bytes:
    """Return bom.csv."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for line in bill.lines:
        part = parts[line.part]
        row = (line.part, line.description, line.quantity, line.price_usd, line.sum_usd, part.max_v)
        writer.writerow([_plain(str(cell)) for cell in (*row, line.alternatives, part.notes)])
    writer.writerow(["total", "", "", "", str(bill.total_usd), "", "", ""])
    return out.getvalue().encode()


def _plain(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "\t", "\r") else cell
