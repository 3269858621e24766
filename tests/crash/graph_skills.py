"""The skills of a drawn graph, copied beside its workflow: what they make follows from inputs and settings alone.

Only `falters` looks at the attempt, and only to fail in the first.
"""

from hashlib import sha256

from agents.work import Outcome, SkillFailed, Work
from protocol.bodies import ErrorCategory, ErrorLevel


def mixes(work: Work) -> Outcome:
    return _made(work, _request(work))


def falters(work: Work) -> Outcome:
    """Fail in the first attempt, in a way that passes."""
    if work.attempt == 1:
        raise SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.EXECUTION, "not yet", transient=True)
    return _made(work, _request(work))


def breaks(work: Work) -> Outcome:
    """Fail for good, each time in the same words."""
    raise SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.VALIDATION, f"{work.setting('salt')} cannot be done")


def betters(work: Work) -> Outcome:
    """Make what it is given longer by a line, in each round; `lines` says how long it is."""
    read = b"".join(work.read(file) for file in work.assignment.inputs)
    text = read + f"{sha256(read).hexdigest()}\n".encode()
    file = work.write(_name(work), text, "text/plain")
    return Outcome("one line more", (file,), values={"lines": text.count(b"\n")})


def _request(work: Work) -> bytes:
    digests = [sha256(work.read(file)).hexdigest() for file in work.assignment.inputs]
    return "\n".join([work.task, work.setting("salt"), *digests]).encode()


def _made(work: Work, request: bytes) -> Outcome:
    text = work.step("mix", request, lambda: f"{sha256(request).hexdigest()}\n".encode(), "text/plain")
    file = work.write(_name(work), text, "text/plain")
    return Outcome("mixed", (file,), values={"digit": int(text[:8], 16) % 10})


def _name(work: Work) -> str:
    return f"{work.task.replace('#', '-')}.txt"
