"""README.md for the builder: what there is, in which order to read and build, what it costs, and what is open."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from agents.skills.battery.documents.markdown import amount, table
from agents.skills.facts_report import escaped
from gates.design.files import BillFile, ComplianceFile, Conclusion, RequirementsFile

_ABOUT: Final = {
    "SAFETY_REQUIREMENTS.md": "what it has to do, each figure with its words; **read this first**",
    "DESIGN.md": "how it does that: measuring, redundancy, what happens when something fails",
    "COMPLIANCE.md": "what somebody else than the designer found; **read this second**",
    "BOM.md": "what to buy",
    "WIRING.md": "pin by pin and wire by wire, and in which order a live pack is connected",
    "SOFTWARE.md": "what the sketch does, its orders, its calibration",
    "TEST_PLAN.md": "how to find out whether what you have built does it",
    "FACTS.md": "everything that was found in your documents, and where they contradict each other",
    "battery_monitor/battery_monitor.ino": "the sketch; open it in the Arduino IDE, board: Arduino Mega 2560",
    "battery_monitor/limits.h": "the limits, made from the requirements",
    "battery_monitor/calibration.h": "what the parts say, until you have calibrated",
    "battery_monitor/pins.h": "the pins, as in WIRING.md",
    "architecture.svg": "the drawing of DESIGN.md",
    "wiring.svg": "the circuit",
    "bom.csv": "the bill for a spreadsheet",
    "pack.yaml": "your configuration with everything that was assumed",
    "practice.md": "the practice that was followed, cited all over",
}
_ORDER: Final = """\
1. Read SAFETY_REQUIREMENTS.md and COMPLIANCE.md. What is open there is for you to decide, nobody else will.
2. Buy what BOM.md lists; check the ratings of what you get instead against the column *bears V*.
3. Open `battery_monitor/` in the Arduino IDE (or build it with Debian's `arduino-core-avr`) and load it into the bare
   board, before anything is at AREF.
4. Build it, and do the checks of WIRING.md that come before the pack.
5. Calibrate every channel on the bench, with a laboratory supply and a string of resistors instead of the pack: the
   tests of kind *calibration* in TEST_PLAN.md. Write the errors that remain into it.
6. On the bench too: the tests of kind *unit*, *integration* and *safety*, and those of kind *acceptance* up to the
   last.
7. Only then connect the pack, in the order that WIRING.md gives. Calibrate once more at the pack as SOFTWARE.md says,
   and do the last test of kind *acceptance*, the first day at the battery beside its management system.
"""
_WARNING: Final = """\
**It monitors, it does not protect.** A pack of this size melts tools and starts fires. It needs a main fuse, a
management system with a contactor or switches, and somebody who knows what they do. This design has been checked
against its own documents by software; nobody has built this very monitor. Conformity with no standard is claimed.
"""


def render(requirements: RequirementsFile, bill: BillFile, compliance: ComplianceFile, delivered: Sequence[str]) -> str:
    """Return the page. delivered: the names of the files that are handed over."""
    pack = requirements.pack
    lines = [
        f"# A monitor for {pack.cells} cells {escaped(pack.cell_type)}\n",
        f"{amount(pack.cells * pack.nominal_v, 'V')} nominal, {amount(pack.capacity_ah, 'Ah')}, at most "
        f"{amount(pack.max_current_a, 'A')} as configured. Parts: {bill.total_usd:.2f} USD"
        f"{f' ({escaped(bill.why, 300)})' if bill.why else ''}.\n",
        _WARNING,
        *_open(requirements, compliance),
        "## In which order\n",
        _ORDER,
        "## What is here\n",
        *table(("file", "what it is"), _files(delivered)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _open(requirements: RequirementsFile, compliance: ComplianceFile) -> Iterator[str]:
    counts = {kind: sum(one.conclusion is kind for one in compliance.verifications) for kind in Conclusion}
    yield "## What is open\n"
    listed = ", ".join(f"{count} {kind.value}" for kind, count in counts.items())
    yield f"Of {len(compliance.verifications)} requirements: {listed}.\n"
    for note in (note for note in requirements.notes if note.is_grave):
        yield f"- {escaped(note.text, 1_000)}"
    for one in compliance.verifications:
        if one.conclusion is not Conclusion.MET:
            yield f"- {one.requirement} is {one.conclusion.value}: {escaped(one.evidence[0], 300)}"
    for question in compliance.questions:
        if not question.is_satisfied:
            yield f"- {escaped(question.question)} {escaped(question.answer, 500)}"
    yield ""


def _files(delivered: Iterable[str]) -> Iterator[tuple[str, str]]:
    names = sorted(delivered, key=lambda name: (list(_ABOUT).index(name) if name in _ABOUT else len(_ABOUT), name))
    for name in names:
        if name in _ABOUT or name.endswith(".json"):
            yield f"[`{name}`]({name})", _ABOUT.get(name, "the same for programs")
    rest = sum(name not in _ABOUT and not name.endswith(".json") for name in names)
    yield "`battery_monitor/`", f"{rest} more files of the sketch, the same for every pack"
