"""The bill of materials of a design: what it needs, at the prices of the parts file, held against the budget."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from agents.work import SkillFailed
from gates.design.files import BillFile, BillLine, DesignFile, RequirementsFile
from gates.design.parts import Part
from protocol.bodies import ErrorCategory, ErrorLevel


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
