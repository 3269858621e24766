"""`python -m benchmarks [--quick] [--json FILE] [--only NAME] [--rounds N]`: one table and one JSON file."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import zmq
from lxml import etree
from rich.console import Console
from rich.table import Table

from benchmarks import (
    codec,
    devices,
    engine,
    hostile,
    kept,
    large,
    many,
    path,
    roundtrip,
    scheduling,
    size,
    slow,
    startup,
    storage,
)
from benchmarks.rows import Aim, Effort, Row, Spread

BENCHMARKS: Final[dict[str, Callable[[Effort], list[Row]]]] = {
    "bus": path.rows,
    "roundtrip": roundtrip.rows,
    "codec": codec.rows,
    "journal": storage.rows,
    "agents": startup.rows,
    "slow": slow.rows,
    "size": size.rows,
    "many": many.rows,
    "hostile": hostile.rows,
    "kept": kept.rows,
    "schedule": scheduling.rows,
    "engine": engine.rows,
    "large": large.rows,
    "devices": devices.rows,
}
_TABLE_WIDTH: Final = 150  # where the output is no terminal


def main(arguments: Sequence[str]) -> None:
    """Run the chosen benchmarks, print the table, write the JSON file."""
    os.environ["ORCHESTRA_CACHE"] = "off"  # nothing that is started from here may pass kept work off as work
    options = _parser().parse_args(arguments)
    effort = Effort(options.quick, options.rounds)
    began_s = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH)
    rows: list[Row] = []
    for name in options.only or BENCHMARKS:
        console.print(f"{name} ...", style="dim")
        rows += BENCHMARKS[name](effort)
    took_s = time.monotonic() - began_s
    console.print(_table(rows))
    for row in rows:
        console.print(f"[bold]{row.name}[/]: {row.includes}. Against: {row.baseline}. {_facts(row)}", highlight=False)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(_report(rows, effort, took_s), indent=2) + "\n", encoding="utf-8")
    console.print(f"{took_s:.0f} s; written to {options.json}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, about a minute")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="FILE")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=_at_least_one, metavar="N", help="rounds of every benchmark")
    return parser


def _at_least_one(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one round")
    return count


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title="middle of interleaved rounds (smallest–largest); ratio = ours / baseline, pair by pair")
    for heading in ("what", "unit", "ours", "baseline", "ratio", "aim", "reached"):
        table.add_column(heading, justify="left" if heading in ("what", "unit") else "right")
    for row in rows:
        reached = {True: "yes", False: "NO", None: ""}[row.is_reached]
        figures = (_shown(row.ours), _shown(row.base), _shown(row.ratio), _aim(row.aim), reached)
        table.add_row(row.name, row.unit, *figures)
    return table


def _aim(aim: Aim | None) -> str:
    return "" if aim is None else str(aim)


def _shown(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{_number(spread.middle)} ({_number(spread.least)}–{_number(spread.most)})"


def _number(value: float) -> str:
    """Return three significant digits, without an exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _facts(row: Row) -> str:
    return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in row.facts.items())


def _report(rows: Sequence[Row], effort: Effort, took_s: float) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "lxml": etree.__version__,
        "pyzmq": zmq.__version__,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "is_quick": effort.is_quick,
        "took_s": round(took_s, 1),
        "rows": [row.as_json() for row in rows],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
