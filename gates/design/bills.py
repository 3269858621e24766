"""bill.json against the design, the parts and the budget: it lists all that is needed, and it adds up."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from gates.design.files import BillFile, BillLine, DesignFile, RequirementsFile
from gates.design.parts import NAME, Part
from gates.design.words import quantity, repeated


def bill_faults(bill: BillFile, design: DesignFile, file: RequirementsFile, parts: Mapping[str, Part]) -> Iterator[str]:
    """Yield what is wrong with a bill, one sentence each."""
    yield from repeated("part", (line.part for line in bill.lines))
    for line in bill.lines:
        yield from _line_faults(line, parts.get(line.part))
    yield from _missing(bill, design)
    yield from _sum_faults(bill, file.pack.budget_usd)


def _line_faults(line: BillLine, part: Part | None) -> Iterator[str]:
    price = quantity(line.price_usd, "USD")
    if part is None:
        yield f"{line.part} is not in {NAME}"
    elif part.price_usd is None:
        yield f"{line.part} is billed at {price}, but {NAME} gives no price"
    elif part.price_usd != line.price_usd:
        yield f"{line.part} is billed at {price}, but {NAME} says {quantity(part.price_usd, 'USD')}"
    expected = line.quantity * line.price_usd
    if line.sum_usd != expected:
        said, is_ = quantity(line.sum_usd, "USD"), quantity(expected, "USD")
        yield f"{line.quantity} × {line.part} at {price} are {is_}, the bill says {said}"


def _missing(bill: BillFile, design: DesignFile) -> Iterator[str]:
    needed: Counter[str] = Counter()
    for element in design.elements:
        if element.part:
            needed[element.part] += element.quantity
    listed = {line.part: line.quantity for line in bill.lines}
    for part, count in needed.items():
        if listed.get(part, 0) < count:
            yield f"the design needs {count} × {part}, the bill has {listed.get(part, 0)}"


def _sum_faults(bill: BillFile, budget: Decimal) -> Iterator[str]:
    total = sum((line.sum_usd for line in bill.lines), Decimal(0))
    over = max(Decimal(0), total - budget)
    for name, said, expected in (
        ("total", bill.total_usd, total),
        ("budget", bill.budget_usd, budget),
        ("excess over the budget", bill.over_usd, over),
    ):
        if said != expected:
            yield f"the {name} is {quantity(expected, 'USD')}, the bill says {quantity(said, 'USD')}"
    if over and not bill.why.strip():
        yield f"the bill is {quantity(over, 'USD')} over the budget and does not say why"
