"""Exit codes: promises to scripts."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PERSON = 3
    BUDGET = 4
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "the mission failed, or what was checked is not right",
    Exit.USAGE: "wrong usage or input",
    Exit.PERSON: "a person must decide",
    Exit.BUDGET: "the budget was reached",
    Exit.INTERRUPTED: "interrupted; `orchestra resume` goes on",
}
