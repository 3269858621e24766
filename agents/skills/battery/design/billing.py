"""The bill of materials of a design: what it needs, at the prices of the parts file, held against the budget."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from agents.skills.battery.documents.markdown import table
from agents.skills.facts_report import escaped
from agents.work import SkillFailed
from gates.design.files import BillFile, BillLine, DesignFile, RequirementsFile
from gates.design.parts import Part
from protocol.bodies import ErrorCategory, ErrorLevel

_COLUMNS = ("part", "description", "quantity", "price_usd", "sum_usd", "max_v", "alternatives", "notes")


def bill(requirements: RequirementsFile, design: DesignFile, parts: Mapping[str, Part]) -> BillFile:
    """Return the bill of a design.

    Raises:
        SkillFailed: the parts file lacks what the design needs.
    """
    needed = Counter[str]()
    for element in design.elements:
        if element.part:
            needed[element.part] += element.quantity
    absent = sorted(name for name in needed if name not in parts or parts[name].price_usd is None)
    if absent:
        text = f"the parts file has no price for {', '.join(absent)}; give each a row with price and voltage"
        raise SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, text)
    lines = tuple(_line(parts[name], quantity) for name, quantity in sorted(needed.items()))
    total = sum((line.sum_usd for line in lines), Decimal(0))
    budget = requirements.pack.budget_usd
    return BillFile(
        lines=lines,
        total_usd=total,
        budget_usd=budget,
        over_usd=max(Decimal(0), total - budget),
        priced=_priced(parts[name] for name in needed),
        why=_why(lines, total, budget),
    )


def _line(part: Part, quantity: int) -> BillLine:
    price = part.price_usd or Decimal(0)  # `bill` has asked for it
    return BillLine(
        part=part.name,
        description=part.description,
        quantity=quantity,
        price_usd=price,
        sum_usd=price * quantity,
        alternatives=part.alternatives,
    )


def _priced(parts: Iterator[Part]) -> str:
    dates = sorted({part.priced_on for part in parts if part.priced_on})
    if not dates:
        return "no date is given for the prices"
    return f"prices of {dates[0]}" if len(dates) == 1 else f"prices of {dates[0]} to {dates[-1]}"


def _why(lines: tuple[BillLine, ...], total: Decimal, budget: Decimal) -> str:
    if total <= budget:
        return ""
    costly = sorted(lines, key=lambda line: -line.sum_usd)[:3]
    named = ", ".join(f"{line.part} {line.sum_usd:.2f} USD" for line in costly)
    return f"{total - budget:.2f} USD more than {budget:.2f} USD; most of it: {named}"


def as_csv(bill: BillFile, parts: Mapping[str, Part]) -> bytes:
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


def as_page(bill: BillFile, parts: Mapping[str, Part]) -> str:
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
    return "\n".join([*lines, "## Notes on the parts\n", *notes, ""])


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
