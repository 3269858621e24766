"""Kill processes of real missions at every named place and look at what is left of what was promised.

Each cell of the matrix is one mission on the shipped sample (or a loaded bus) in which one process dies at one place,
by SIGKILL. Afterwards the results must be byte-identical with an undisturbed run, every message journaled once and in
order, everything acknowledged still there, the audit good, the replay the same, and no process left. With --minutes,
random processes are killed at random moments instead, mission after mission; the same seed tries the same kills. With
--graph the missions are graphs of many tasks drawn from the seed, each undisturbed and then under many kills.
Exit code 1: something differed; it is said what, and the folder is kept.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import SystemRandom

from rich.console import Console

from tests.crash import graph_storm, report, storm
from tests.crash.cell import Outcome, Results
from tests.crash.cells import CELLS
from tests.crash.plays import undisturbed
from tests.crash.rounds import Row, rounds, to_the_end
from tests.crash.stage import end_all

_TABLE_WIDTH = 170  # where the output is no terminal


def main(arguments: Sequence[str]) -> int:
    """Run the matrix or the storm; return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH, highlight=False)
    if options.list:
        console.print("\n".join(f"{cell.name}: {cell.dies} dies, {cell.where}" for cell in CELLS))
        return 0
    seed = SystemRandom().randrange(10**6) if options.seed is None else options.seed
    if options.graph:
        return _graphs(options, seed, console)
    expected = undisturbed(_place("undisturbed"))
    if options.minutes:
        return _storm(options.minutes, seed, expected, console)
    return _matrix(options, expected, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=_at_least_one, default=1, metavar="N", help="times every cell is played; 1")
    parser.add_argument("--only", action="append", metavar="CELL", help="cells whose name contains this; repeatable")
    parser.add_argument("--list", action="store_true", help="print the cells and stop")
    parser.add_argument("--minutes", type=float, metavar="M", help="random kills for so many minutes instead")
    parser.add_argument(
        "--graph", action="store_true", help="random kills of graphs of many tasks; one without --minutes"
    )
    parser.add_argument(
        "--tasks", type=_at_least_one, default=graph_storm.MANY_TASKS, metavar="N", help="in a graph; 1000"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="of the random kills; drawn and printed if not given")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table; between its markers if there")
    parser.add_argument("--json", type=Path, default=Path("build/crash.json"), metavar="FILE")
    return parser


def _at_least_one(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one round")
    return count


def _matrix(options: argparse.Namespace, expected: Results, console: Console) -> int:
    cells = [cell for cell in CELLS if not options.only or any(part in cell.name for part in options.only)]
    if not cells:
        console.print("no cell has such a name; --list shows them all")
        return 2
    began_s, rows = time.monotonic(), dict[str, Row]()
    total = len(cells) * options.rounds
    for number, (row, outcome, folder) in enumerate(rounds(cells, options.rounds, expected, _place), 1):
        rows[row.cell.name] = row
        took = "" if outcome.recovery_s is None else f"back after {outcome.recovery_s:.2f} s"
        console.print(f"[{number}/{total}] {row.cell.name}: {'FAILED' if outcome.differences else took}", markup=False)
        _tidy(outcome.differences, folder, console)
    _write(list(rows.values()), options, time.monotonic() - began_s, console)
    return 1 if any(row.failed for row in rows.values()) else 0


def _write(rows: list[Row], options: argparse.Namespace, took_s: float, console: Console) -> None:
    console.print(report.table(rows))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report.as_json(rows, took_s), indent=2) + "\n", encoding="utf-8")
    if options.markdown:
        old = options.markdown.read_text(encoding="utf-8") if options.markdown.exists() else ""
        options.markdown.write_text(report.in_place(old, report.markdown(rows)), encoding="utf-8")
    console.print(f"{took_s:.0f} s; written to {options.json}")


def _storm(minutes: float, seed: int, expected: Results, console: Console) -> int:
    """Kill until the time is over; the first line says the seed that does it again."""
    console.print(f"seed {seed}: python -m tests.crash --minutes {minutes:g} --seed {seed}")
    end_s, number, failed = time.monotonic() + 60 * minutes, 0, 0
    while time.monotonic() < end_s:
        number += 1
        folder, kills = _place(f"storm-{number}"), storm.planned(seed, number)
        console.print(f"mission {number}")
        outcome = to_the_end(partial(storm.mission, kills, folder, expected, partial(_tell, console)), folder)
        failed += bool(outcome.differences)
        _tidy(outcome.differences, folder, console)
    console.print(f"{number} missions, {failed} failed")
    return 1 if failed else 0


def _graphs(options: argparse.Namespace, seed: int, console: Console) -> int:
    """Kill graph after graph until the time is over, at least one; the first has the seed, the next the one after."""
    end_s, rows, failed = time.monotonic() + 60 * (options.minutes or 0), list[graph_storm.Stormed](), 0
    while not rows or time.monotonic() < end_s:
        failed += _graph(seed, options.tasks, rows, console)
        seed += 1
    block = report.graphs(rows)
    console.print(block, markup=False)
    if options.markdown:
        old = options.markdown.read_text(encoding="utf-8") if options.markdown.exists() else ""
        options.markdown.write_text(report.in_place(old, block), encoding="utf-8")
    return 1 if failed else 0


def _graph(seed: int, tasks: int, rows: list[graph_storm.Stormed], console: Console) -> bool:
    """Carry one graph out twice, note what came of it, and return whether it failed."""
    console.print(f"python -m tests.crash --graph --tasks {tasks} --seed {seed}")
    calm, folder = _place(f"graph-{seed}-undisturbed"), _place(f"graph-{seed}")

    def play() -> Outcome:
        graph = graph_storm.undisturbed(seed, tasks, calm)
        rows.append(graph_storm.stormed(graph, folder, partial(_tell, console)))
        return Outcome(rows[-1].differences)

    outcome = to_the_end(play, folder)
    end_all(calm)
    _tidy(outcome.differences, folder, console)
    _tidy(outcome.differences, calm, console)
    return bool(outcome.differences)


def _tell(console: Console, text: str) -> None:
    console.print(f"    {text}", markup=False)


def _tidy(differences: Sequence[str], folder: Path, console: Console) -> None:
    for text in differences:
        console.print(f"    {text}", style="red", markup=False)
    if differences:
        console.print(f"    kept: {folder}", style="red", markup=False)
    else:
        shutil.rmtree(folder)


def _place(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"crash-{name.replace('/', '-')}-"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
