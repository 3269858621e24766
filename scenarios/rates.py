"""How often each way out of a failure has helped in past runs, told to the coordinator at the start of the next one.

1. The newest RUNS runs count. At one start at most READ_BYTES of their journals are read; what was read is kept in one
   small file under the run's name and the size of its journal, so that a start costs no reading of what is known.
2. A way counts from TRIES on: before that its share would be chance.
3. What is wrong with a past run, or with that file, costs a word of warning and nothing else.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bus.journal import JournalReader
from bus.run import RunFolder
from coordinators.recovery import RATE
from observers.recoveries import Tries, account, tally
from protocol.errors import OrchestraError, SourceError
from scenarios.mission import Mission
from scenarios.start import check_size

MEMORY: Final = ".rates.json"  # in the runs folder
RUNS: Final = 50
READ_BYTES: Final = 32 * 1024 * 1024
TRIES: Final = 5
_FORMAT: Final = 1

Ways = Mapping[str, Tries]
Known = dict[str, tuple[int, Ways]]
Warn = Callable[[str], None]


def with_rates(mission: Mission, past: Sequence[RunFolder], memory: Path, warn: Warn) -> Mission:
    """Return a mission that is about to start, with what past runs tell of ways out among its settings.

    past: the runs there are, the oldest first. memory: the file in which it is kept what was read.
    """
    told = rates(past, memory, warn)
    advised = replace(mission, settings=(*mission.settings, *told))
    if told:
        try:
            check_size(advised)
        except SourceError:  # a plan that only just fits is worth more than the advice
            return mission
    return advised


def rates(past: Sequence[RunFolder], memory: Path, warn: Warn) -> tuple[tuple[str, str], ...]:
    """Return as settings, for each way that was tried often enough, the share of tries that helped."""
    known, found, left_bytes = _recalled(memory), Known(), READ_BYTES
    for run in reversed(past[-RUNS:]):
        size_bytes = _size_bytes(run)
        if run.id in known and known[run.id][0] == size_bytes:
            found[run.id] = known[run.id]
        elif 0 < size_bytes <= left_bytes:
            found[run.id] = size_bytes, _read(run, warn)
            left_bytes -= size_bytes
    if found != known:
        _keep(memory, found, warn)
    sums = _added(ways for _, ways in found.values())
    return tuple((f"{RATE}{name}", f"{tries.share:.3f}") for name, tries in sums.items() if tries.tried >= TRIES)


def _size_bytes(run: RunFolder) -> int:
    return sum(path.stat().st_size for path in run.journal.glob("*.mcap"))


def _read(run: RunFolder, warn: Warn) -> Ways:
    try:
        return tally([account(JournalReader(run.journal).entries()).own]).ways
    except OrchestraError as error:
        warn(f"{run.path} is left out of what past runs tell about failures: {error}")
        return {}


def _added(runs: Iterable[Ways]) -> Ways:
    sums: dict[str, Tries] = {}
    for ways in runs:
        for name, tries in ways.items():
            so_far = sums.get(name, Tries(0, 0))
            sums[name] = Tries(so_far.helped + tries.helped, so_far.tried + tries.tried)
    return dict(sorted(sums.items()))


def _recalled(memory: Path) -> Known:
    """Return what was read at earlier starts; of a file that is not as we write it, nothing: it is made again."""
    try:
        kept: Any = json.loads(memory.read_bytes())
        if kept["format"] != _FORMAT:
            return {}
        return {
            str(run): (int(size), {str(name): Tries(int(helped), int(tried)) for name, (helped, tried) in ways.items()})
            for run, (size, ways) in kept["runs"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _keep(memory: Path, found: Known, warn: Warn) -> None:
    runs = {
        run: (size, {name: (tries.helped, tries.tried) for name, tries in ways.items()})
        for run, (size, ways) in found.items()
    }
    draft = memory.with_name(f"{memory.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps({"format": _FORMAT, "runs": runs}), encoding="utf-8")
        draft.replace(memory)
    except OSError as error:
        warn(f"{memory} cannot be written: {error.strerror}; past runs are read again at the next start")
