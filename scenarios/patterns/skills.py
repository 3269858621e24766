"""Skills of the workflows beside this file. Each is a plain function from a piece of work to what came out of it.

`def count_lines(work)` is the skill `count-lines`; what begins with an underscore is none. A skill reads its inputs
with `work.read`, writes its products with `work.write`, and returns an `Outcome` with a sentence, the products, and
values on which the workflow puts conditions. The same inputs give the same bytes, so that runs can be compared.
"""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final, TypedDict

from agents.work import Outcome, Work
from protocol.bodies import File

# Of a common lithium-ion cell; a workflow gives its own with `with: {lowest_v: …}`.
_LOWEST_V, _HIGHEST_V, _HOTTEST_C, _INTERVAL_S = "2.80", "4.20", "45.0", "60"
_LINE: Final = re.compile(r"(?P<time>\S+) (?P<pack>pack-\d+) (?P<level>INFO|WARN|ERROR) (?P<text>.+)")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_FIGURE: Final = re.compile(r"\b\d+(?:\.\d+)?")


class Reading(TypedDict):
    source: str
    time_s: int
    cell: int
    voltage_v: float
    temperature_c: float


def count_lines(work: Work) -> Outcome:
    """Count the lines of log files by level."""
    counts = Counter(line["level"] for line in _log_lines(work))
    total = counts.total()
    product = _as_json(work, "counts.json", dict(sorted(counts.items())))
    values = {"lines": total, "errors": counts["ERROR"], "warnings": counts["WARN"]}
    return Outcome(f"{total} lines, {counts['ERROR']} of them errors", (product,), values=values)


def find_errors(work: Work) -> Outcome:
    """List the errors of log files, and name the pack that has most of them."""
    errors = [line for line in _log_lines(work) if line["level"] == "ERROR"]
    packs = Counter(line["pack"] for line in errors)
    worst = min(packs, key=lambda pack: (-packs[pack], pack), default="none")
    listed = "".join(f"{line['place']}: {line['pack']}: {line['text']}\n" for line in errors)
    product = work.write("errors.txt", listed.encode(), "text/plain")
    return Outcome(f"{len(errors)} errors", (product,), values={"errors": len(errors), "worst": worst})


def decide_action(work: Work) -> Outcome:
    """Decide by rule what becomes of the pack with most errors: more than `most` errors, and it is looked at."""
    packs = Counter(line.split(": ")[1] for line in _text(work, "errors.txt").splitlines())
    most = int(work.setting("most", "2"))
    inspected = sorted(pack for pack, count in packs.items() if count > most)
    action = "inspect" if inspected else "go-on"
    product = _as_json(work, "action.json", {"action": action, "packs": inspected})
    return Outcome(f"{action}: {', '.join(inspected) or 'no pack'}", (product,), values={"action": action})


def write_summary(work: Work) -> Outcome:
    """Write one page from counts, errors and the decision."""
    counts = json.loads(_text(work, "counts.json"))
    decided = json.loads(_text(work, "action.json"))
    lines = [
        "# Charging log",
        "",
        "".join(f"{count} {level}, " for level, count in counts.items()).rstrip(", ") + ".",
        "",
    ]
    lines += [f"**{decided['action']}**: {', '.join(decided['packs']) or 'no pack'}", ""]
    lines += [f"- {line}" for line in _text(work, "errors.txt").splitlines()]
    return _page(work, "SUMMARY.md", lines)


def parse_readings(work: Work) -> Outcome:
    """Turn CSV files of readings into one JSON file; a row that cannot be read is counted, not guessed."""
    readings, dropped = [], 0
    for file in _files(work, ".csv"):
        for row in csv.DictReader(io.StringIO(work.read(file).decode())):
            try:
                readings.append(_reading(file.path, row))
            except (TypeError, ValueError):
                dropped += 1
    product = _as_json(work, "readings.json", readings)
    return Outcome(f"{len(readings)} readings", (product,), values={"readings": len(readings), "dropped": dropped})


def check_voltage(work: Work) -> Outcome:
    """Find readings whose voltage is outside the limits."""
    lowest, highest = float(work.setting("lowest_v", _LOWEST_V)), float(work.setting("highest_v", _HIGHEST_V))
    readings = list(_readings(work))
    alarms = [
        f"{_place(one)}: {one['voltage_v']:.3f} V, allowed {lowest:.3f} to {highest:.3f} V"
        for one in readings
        if not lowest <= one["voltage_v"] <= highest
    ]
    return _finding(work, "voltage", len(readings), alarms)


def check_temperature(work: Work) -> Outcome:
    """Find readings that are too hot."""
    hottest = float(work.setting("hottest_c", _HOTTEST_C))
    readings = list(_readings(work))
    alarms = [
        f"{_place(one)}: {one['temperature_c']:.1f} °C, allowed {hottest:.1f} °C"
        for one in readings
        if one["temperature_c"] > hottest
    ]
    return _finding(work, "temperature", len(readings), alarms)


def find_gaps(work: Work) -> Outcome:
    """Find where a cell was not read for longer than the interval."""
    interval_s = int(work.setting("interval_s", _INTERVAL_S))
    last: dict[tuple[str, int], Reading] = {}
    alarms, checked = [], 0
    for one in _readings(work):
        before = last.get((one["source"], one["cell"]))
        if before and one["time_s"] - before["time_s"] > interval_s:
            alarms.append(f"{_place(one)}: nothing for {one['time_s'] - before['time_s']} s")
        last[one["source"], one["cell"]] = one
        checked += 1
    return _finding(work, "gaps", checked, alarms)


def measure_spread(work: Work) -> Outcome:
    """Measure by how much the cells of a pack differ in voltage at one time, at most."""
    at: dict[tuple[str, int], list[float]] = defaultdict(list)
    for one in _readings(work):
        at[one["source"], one["time_s"]].append(one["voltage_v"])
    spreads = {moment: round(1000 * (max(volts) - min(volts))) for moment, volts in at.items()}
    (source, time_s), spread_mv = max(spreads.items(), key=lambda one: (one[1], one[0]))
    product = _as_json(work, "spread.json", {"source": source, "time_s": time_s, "spread_mv": spread_mv})
    told = f"{spread_mv} mV at most, in {source} at {time_s} s"
    return Outcome(told, (product,), values={"spread_mv": spread_mv, "source": source})


def order_balancing(work: Work) -> Outcome:
    """Write the order that a pack's cells are balanced."""
    found = json.loads(_text(work, "spread.json"))
    text = f"Balance the cells of {found['source']}: they differ by {found['spread_mv']} mV at {found['time_s']} s."
    return _page(work, "ORDER.md", ["# Order", "", text])


def note_result(work: Work) -> Outcome:
    """Write down that nothing has to be done, and on what that rests."""
    names = ", ".join(file.path.rpartition("/")[2] for file in work.assignment.inputs)
    return _page(work, "NOTE.md", ["# Nothing to do", "", f"Looked at: {names}."])


def report_findings(work: Work) -> Outcome:
    """Write one page from what several checks have found."""
    findings = [json.loads(work.read(file)) for file in _files(work, ".finding.json")]
    alarms = [alarm for finding in findings for alarm in finding["alarms"]]
    lines = ["# Findings", ""]
    for finding in findings:
        lines += [f"## {finding['what']}: {len(finding['alarms'])} of {finding['checked']} readings", ""]
        lines += [*(f"- {alarm}." for alarm in finding["alarms"] or ["nothing"]), ""]
    return _page(work, "FINDINGS.md", lines[:-1], alarms=len(alarms))


def join_pages(work: Work) -> Outcome:
    """Put texts and then pages into one, each in the order of the inputs."""
    pages = [work.read(file).decode().strip() for ending in (".txt", ".md") for file in _files(work, ending)]
    alarms = sum(page.count("\n- ") - page.count("\n- nothing.") for page in pages)
    return _page(work, "REPORT.md", ["\n\n".join(pages)], alarms=alarms, pages=len(pages))


def cut_text(work: Work) -> Outcome:
    """Shorten a text by one sentence: the longest of those without a figure, else the longest."""
    sentences = _SENTENCE.split(_latest_text(work).strip())
    plain = [one for one in sentences if not _FIGURE.search(one)] or sentences
    longest = max(plain, key=lambda one: len(one.split()))
    text = " ".join(one for one in sentences if one is not longest) or longest
    return _text_measured(work, f"left out: {longest}", text)


def review_text(work: Work) -> Outcome:
    """Measure a text and hand it on: how many words it has, and how many figures."""
    return _text_measured(work, "measured", _latest_text(work).strip())


def _text_measured(work: Work, told: str, text: str) -> Outcome:
    values = {"words": len(text.split()), "figures": len(_FIGURE.findall(text))}
    in_words = f"{values['words']} words, {values['figures']} figures"
    product = work.write("note.txt", f"{text}\n".encode(), "text/plain", summary=f"note.txt, {in_words}")
    return Outcome(f"{told[:200]}; {in_words}", (product,), values=values)


def _latest_text(work: Work) -> str:
    """Return the newest of the texts: in the second round what the first one made comes behind the original."""
    return _text(work, ".txt")


def _log_lines(work: Work) -> Iterator[dict[str, str]]:
    for file in _files(work, ".log"):
        for number, line in enumerate(work.read(file).decode().splitlines(), 1):
            if found := _LINE.fullmatch(line):
                yield {**found.groupdict(), "place": f"{file.path}:{number}"}


def _readings(work: Work) -> Iterator[Reading]:
    """Yield the readings among the inputs, from CSV files or as `parse-readings` leaves them."""
    for file in _files(work, ".csv"):
        for row in csv.DictReader(io.StringIO(work.read(file).decode())):
            yield _reading(file.path, row)
    for file in _files(work, "readings.json"):
        yield from json.loads(work.read(file))


def _reading(path: str, row: dict[str, str]) -> Reading:
    return Reading(
        source=path.rpartition("/")[2],
        time_s=int(row["time_s"]),
        cell=int(row["cell"]),
        voltage_v=float(row["voltage_v"]),
        temperature_c=float(row["temperature_c"]),
    )


def _place(one: Reading) -> str:
    return f"{one['source']}, cell {one['cell']} at {one['time_s']} s"


def _finding(work: Work, what: str, checked: int, alarms: list[str]) -> Outcome:
    product = _as_json(work, f"{what}.finding.json", {"what": what, "checked": checked, "alarms": alarms})
    values = {"checked": checked, "alarms": len(alarms)}
    return Outcome(f"{what}: {len(alarms)} of {checked} readings", (product,), values=values)


def _page(work: Work, name: str, lines: list[str], **values: int) -> Outcome:
    text = "\n".join(lines) + "\n"
    product = work.write(name, text.encode(), "text/markdown", summary=f"{name}, {len(text.split())} words")
    return Outcome(f"wrote {name}", (product,), values={"words": len(text.split()), **values})


def _files(work: Work, ending: str) -> list[File]:
    return [file for file in work.assignment.inputs if file.path.endswith(ending)]


def _text(work: Work, name: str) -> str:
    """Return the input of this name. Raises LookupError: the workflow gives none, which its author has to mend."""
    found = _files(work, name)
    if not found:
        raise LookupError(f"{name} is not among the inputs; give it by `needs`")
    return work.read(found[-1]).decode()


def _as_json(work: Work, name: str, value: Any) -> File:
    return work.write(name, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n", "application/json")
