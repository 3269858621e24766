"""`python -m benchmarks.peers [--quick] [--json FILE] [--only NAME] [--rounds N]`: our bus next to others.

1. Ours is measured right before each peer, in every round; a ratio is of such a pair.
2. A peer that is missing or fails is skipped, with the reason and how to install it; the rest goes on.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.path import Passage, Way, middle, through_bus
from benchmarks.peers.known import INSTALL, OURS, PEERS, Peer
from benchmarks.peers.running import Absent, lacking, through_peer
from benchmarks.rows import Aim, Effort, Row, Spread, compared

_TABLE_WIDTH: Final = 150
Pair = tuple[Passage, Passage]


def main(arguments: Sequence[str]) -> None:
    """Measure us and every peer that is there in turn, print the table and who was skipped, write the JSON file."""
    options = _parser().parse_args(arguments)
    effort, began_s = Effort(options.quick, options.rounds), time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH)
    chosen = [peer for peer in PEERS if not options.only or peer.name in options.only]
    skipped = {peer.name: reason for peer in chosen if (reason := lacking(peer))}
    there, ways = (
        [peer for peer in chosen if peer.name not in skipped],
        {"uvloop": options.uvloop, "libxml2": options.libxml2},
    )
    pairs = _measured(there, skipped, effort, **ways)
    rows = [_row(peer, pairs[peer.name], options.uvloop) for peer in chosen if pairs.get(peer.name)]
    console.print(_table(rows))
    _explain(console, rows, [peer for peer in chosen if peer.name in skipped], skipped)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    report = _report(rows, skipped, effort, time.monotonic() - began_s)
    options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    console.print(f"{report['took_s']:.0f} s; written to {options.json}")


def _parser() -> argparse.ArgumentParser:
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, default=Path("build/peers.json"), metavar="FILE")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, choices=range(1, 100), metavar="N", help="rounds of every peer")
    parser.add_argument(
        "--uvloop", action="store_true", help="give peers on asyncio the faster loop; SPADE has it always"
    )
    parser.add_argument("--libxml2", action="store_true", help="our door asks libxml2 about every message")
    return parser


def _measured(
    peers: list[Peer], skipped: dict[str, str], effort: Effort, *, uvloop: bool, libxml2: bool
) -> dict[str, list[Pair]]:
    """Return the pairs of every peer, round by round: ours, the peer, ours, the next. A peer that fails is skipped."""
    pairs: dict[str, list[Pair]] = {peer.name: [] for peer in peers}
    few, way = effort.size(16_000, 4_000), Way("peers", OURS, is_fast=not libxml2)
    through_bus(few // 4, way)  # the first start of the forkserver and of the disk belongs to nobody
    for _ in range(effort.times(5, 2)):
        for peer in [peer for peer in peers if peer.name not in skipped]:
            ours = through_bus(few, way)
            try:
                theirs = through_peer(peer, effort.size(peer.count, peer.count // 4), uvloop=uvloop)
            except Absent as error:
                skipped[peer.name] = str(error)
            else:
                pairs[peer.name].append((ours, theirs))
    return pairs


def _row(peer: Peer, pairs: list[Pair], uvloop: bool) -> Row:
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    loop = "; on uvloop" if uvloop else ""
    return compared(
        peer.name,
        "msgs/s",
        [passage.rate for passage in ours],
        [passage.rate for passage in theirs],
        text=(OURS, f"{peer.guarantee}{loop}"),
        aim=None if peer.floor is None else Aim(bound=peer.floor),
        facts={
            "messages": [ours[0].count, theirs[0].count],
            "cpu_us": [middle(ours).cpu_us, middle(theirs).cpu_us],
            "ours_cpu_us_by_process": middle(ours).shares(),
            "theirs_cpu_us_by_process": middle(theirs).shares(),
        },
    )


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title="messages a second, middle of interleaved rounds (smallest–largest); ratio pair by pair")
    for heading in ("peer", "ours", "theirs", "ratio", "floor", "reached", "CPU µs, ours / theirs"):
        table.add_column(heading, justify="left" if heading == "peer" else "right")
    for row in rows:
        assert row.base is not None
        assert row.ratio is not None
        figures = _shown(row.ours), _shown(row.base), _shown(row.ratio, 2)
        cpu = " / ".join(f"{used:.0f}" for used in row.facts["cpu_us"])
        reached = {True: "yes", False: "NO", None: ""}[row.is_reached]
        table.add_row(row.name, *figures, str(row.aim or ""), reached, cpu)
    return table


def _shown(spread: Spread, places: int = 0) -> str:
    return f"{spread.middle:,.{places}f} ({spread.least:,.{places}f}–{spread.most:,.{places}f})"


def _explain(console: Console, rows: Sequence[Row], absent: Sequence[Peer], skipped: dict[str, str]) -> None:
    """Say what each side guarantees, and who is not in the table. Commands stay in one line, to be copied."""
    said = [("ours", OURS), *((row.name, row.baseline) for row in rows)]
    said += [(f"{peer.name} skipped", f"{skipped[peer.name]}. {peer.install}") for peer in absent]
    said += [("all of them", f"{INSTALL}; apt-get install redis-server")] if absent else []
    for name, text in said:
        console.print(f"[bold]{name}[/]: {escape(text)}", highlight=False, soft_wrap=True)


def _report(rows: Sequence[Row], skipped: dict[str, str], effort: Effort, took_s: float) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "is_quick": effort.is_quick,
        "took_s": round(took_s, 1),
        "skipped": skipped,
        "rows": [row.as_json() for row in rows],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
