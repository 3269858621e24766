"""`python -m tests.fuzz [--minutes M] [--seed S]`: mutated bytes into every place that reads a stranger's bytes.

The work is done in a child process with a limit on its memory: whatever ends it is found in what it tried last.
Inputs that broke something are kept in build/fuzz.
"""

import argparse
import mmap
import os
import resource
import struct
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn

from tests.fuzz.campaign import Campaign, Failure
from tests.fuzz.mutation import MOST_BYTES

KEPT: Final = Path("build/fuzz")
_MOST_FAILURES: Final = 20
_BROKEN: Final = 70  # the campaign itself ended badly
_MEMORY_BYTES: Final = 1024 * 1024 * 1024
_HEAD: Final = struct.Struct("<I16s")


def main(arguments: Sequence[str]) -> int:
    """Fuzz for so long and return 0 where nothing broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, metavar="M")
    parser.add_argument("--seed", type=int, default=None, metavar="S", help="the same seed makes the same inputs")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    say(f"seed {seed}, {options.minutes:g} minutes, at most {_MEMORY_BYTES // 2**20} MiB")
    tried = mmap.mmap(-1, _HEAD.size + MOST_BYTES)
    child = os.fork()
    if child == 0:
        _end(lambda: fuzz(seed, options.minutes * 60, tried))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        size, name = _HEAD.unpack_from(tried)
        keep(Failure(name.rstrip(b"\0").decode(), tried[_HEAD.size : _HEAD.size + size], f"process ended with {code}"))
    return int(code != 0)


def _end(work: Callable[[], int]) -> NoReturn:
    """Do the child's work and end there: the parent's way out is not the child's."""
    code = _BROKEN
    try:
        code = work()
    except Exception:  # noqa: BLE001  # the edge of the process: said, and told by the exit code
        traceback.print_exc()
    finally:
        os._exit(code)


def fuzz(seed: int, most_s: float, tried: mmap.mmap) -> int:
    """Run a campaign for so many seconds; say what it found."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    campaign, deadline_s, failures = Campaign(seed), time.monotonic() + most_s, 0
    for event in campaign.run():
        if isinstance(event, Failure):
            keep(event)
            failures += 1
        elif time.monotonic() > deadline_s or failures >= _MOST_FAILURES:
            break
        else:
            name, raw = event
            tried[: _HEAD.size + len(raw)] = _HEAD.pack(len(raw), name.encode()) + raw
    report(campaign, failures)
    return int(failures > 0)


def report(campaign: Campaign, failures: int) -> None:
    for name, count in campaign.inputs.items():
        say(f"{name:16} {count:>10,} inputs, {campaign.accepted[name]:>8,} accepted")
    for us_per_kb, name, raw in sorted(campaign.slowest, reverse=True)[:5]:
        say(f"slow: {us_per_kb:8.0f} µs/KB  {name:12} {len(raw):>7,} bytes  {raw[:60]!r}")
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    say(f"{sum(campaign.inputs.values()):,} inputs, {failures} failures, peak {peak_kb // 1024} MiB")


def keep(failure: Failure) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{failure.target}-{sha256(failure.raw).hexdigest()[:16]}"
    path.write_bytes(failure.raw)
    say(f"BROKEN {failure.target}: {failure.error[:300]}; kept in {path}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
