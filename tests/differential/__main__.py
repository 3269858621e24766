"""`python -m tests.differential [--mutants N] [--seed S]`: protocol.canonical against libxml2, in numbers."""

import argparse
import sys
from collections.abc import Sequence
from itertools import islice

from tests.differential.mutants import mutants
from tests.differential.trial import counted


def main(arguments: Sequence[str]) -> int:
    """Try that many mutants, print the counts and the first faults; return 1 where there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--mutants", type=int, default=100_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args(arguments)
    counts, faults = counted(islice(mutants(options.seed), options.mutants))
    sys.stdout.writelines(f"{name}: {count:,}\n" for name, count in counts.items())
    sys.stdout.writelines(f"{trial}\n" for trial in faults[:5])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
