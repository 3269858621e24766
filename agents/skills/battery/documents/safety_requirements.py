"""SAFETY_REQUIREMENTS.md: each requirement with its limits, and each figure with the words that it rests on."""

from collections.abc import Iterable, Iterator, Mapping

from agents.skills.battery.documents.markdown import amount, said, table
from agents.skills.facts_report import escaped
from gates.claims import Claim
from gates.design.files import Basis, Direction, Limit, Note, Pack, Relation, Requirement, RequirementsFile, Subject

_INTRO = """\
What a monitor of this pack has to do, and why. Each figure is followed to the words it rests on: a document of the
folder, the configuration (`pack.yaml`), or the practice that was followed (`practice.md`); the gatekeeper has held
every quote against its document. Of several figures for one thing the strictest holds.

**It monitors, it does not protect.** Standards are named where a practice comes from; conformity with none is claimed.
"""
_SIDES = {Direction.ABOVE: "above", Direction.BELOW: "below"}
_RELATIONS = {Relation.AT_MOST: "at most", Relation.AT_LEAST: "at least", Relation.EQUAL: "exactly"}


def render(file: RequirementsFile) -> str:
    """Return the page; the same requirements give the same page."""
    claims = {claim.id: claim for claim in file.claims}
    lines = ["# Safety requirements\n", _INTRO, *_notes(file.notes, claims), *_pack(file.pack)]
    for subject in Subject:
        lines += _chapter(subject, file, claims)
    return "\n".join(lines).rstrip() + "\n"


def _notes(notes: tuple[Note, ...], claims: Mapping[str, Claim]) -> Iterator[str]:
    if not notes:
        return
    yield "## Know this first\n"
    for note in sorted(notes, key=lambda one: not one.is_grave):
        yield f"- {'**Important**: ' if note.is_grave else ''}{escaped(note.text, 1_000)}"
        yield from _words((claims[claim] for claim in note.claims), "  ")
    yield ""


def _words(cited: Iterable[Claim], indent: str) -> Iterator[str]:
    """Yield where words stand, each place once: of one quote several figures may be claimed."""
    yield from dict.fromkeys(f"{indent}- {said(claim)}" for claim in cited)


def _pack(pack: Pack) -> Iterator[str]:
    yield "## The pack\n"
    range_v = f"{amount(pack.min_v, 'V')} to {amount(pack.max_v, 'V')}, nominal {amount(pack.nominal_v, 'V')}"
    rows = [
        ("cells in series", str(pack.cells)),
        ("cell", f"{escaped(pack.cell_type)} ({escaped(pack.chemistry)})"),
        ("capacity", amount(pack.capacity_ah, "Ah")),
        ("voltage of one cell", range_v),
        ("voltage of the pack", f"{amount(pack.cells * pack.min_v, 'V')} to {amount(pack.top_v, 'V')}"),
        ("highest current as configured", amount(pack.max_current_a, "A")),
    ]
    yield from table(("what", "value"), rows)


def _chapter(subject: Subject, file: RequirementsFile, claims: Mapping[str, Claim]) -> Iterator[str]:
    listed = [requirement for requirement in file.requirements if requirement.subject is subject]
    if not listed:
        return
    yield f"## {subject.value.capitalize()}\n"
    for requirement in listed:
        yield from _requirement(requirement, file, claims)


def _requirement(requirement: Requirement, file: RequirementsFile, claims: Mapping[str, Claim]) -> Iterator[str]:
    yield f"### {requirement.id}\n"
    yield f"{escaped(requirement.text, 1_000)}{'' if requirement.is_critical else ' (not critical)'}\n"
    limits = [file.limit(name) for name in requirement.limits]
    if limits:
        head = ("limit", "speaks up", "is over again", "after", "as", "why")
        yield from table(head, (_limit_row(limit) for limit in limits))
    yield "Rests on:\n"
    yield from _words((claims[claim] for claim in requirement.claims), "")
    for limit in limits:
        yield f"- {escaped(limit.name)} is"
        yield from (f"  - {_basis(basis, limit)}: {said(claims[basis.claim])}" for basis in limit.bases)
    if requirement.standard:
        yield f"- practice as named by {escaped(requirement.standard)}"
    yield ""


def _limit_row(limit: Limit) -> tuple[str, ...]:
    other = "below" if limit.direction is Direction.ABOVE else "above"
    return (
        escaped(limit.name),
        f"{escaped(limit.quantity)} {_SIDES[limit.direction]} {amount(limit.value, limit.unit)}",
        f"{other} {amount(limit.clear, limit.unit)}",
        "at once" if not limit.delay_s else amount(limit.delay_s, "s"),
        limit.level.value,
        escaped(limit.why, 200),
    )


def _basis(basis: Basis, limit: Limit) -> str:
    """Return how a figure leads to a limit, with what it was counted with."""
    figure = amount(basis.figure, basis.unit)
    times = f"{basis.times.normalize():f} x " if basis.times != 1 else ""
    if not basis.plus:
        return f"{_RELATIONS[basis.relation]} {times}{figure}"
    base = f"{_RELATIONS[basis.relation]} {amount(basis.plus, limit.unit)}"
    if not basis.figure:
        return f"{base} itself, nothing added or taken off"
    sign = "-" if basis.figure < 0 else "+"
    return f"{base} {sign} {times}{amount(abs(basis.figure), basis.unit)}"
