"""What is done about a failure: what kind it is, which ways out there are, and which is taken.

1. A way out is chosen by the kind of failure, in the order of WAYS; each is taken so often and no more.
2. The same result rejected again in the same words is a loop, by digests of both: the same agent is not asked
   again. Waiting is none: only rejected results count.
3. Where every way is used up, a task that is not critical is left out, and anything else goes to the tech lead.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from coordinators.rows import TaskRow
from protocol.bodies import Decision, ErrorCategory, ErrorDetails, ErrorLevel, VerdictReport
from protocol.failures import Kind, Way

ATTEMPTS: Final = 3
RATE: Final = "rate."  # settings of the assignment that tell how often a way has succeeded: rate.KIND/WAY
_FIRST_PAUSE_S: Final = 1
_LONGEST_PAUSE_S: Final = 30
_CLEARLY_BETTER: Final = 0.2  # of a way's share of successes over another's, before their order is turned round
# How passing failures name themselves, where whoever reports one does not say so.
_PASSING: Final = re.compile(
    r"\b(?:time[d-]?\s?out|timeout|late|temporar\w+|try again|unavailable|overload\w*|rate.?limit\w*|too many requests"
    r"|connection (?:reset|refused|closed|lost)|reset by peer|busy|throttl\w+|(?:http|status|error) ?(?:429|5\d\d))\b",
    re.IGNORECASE,
)
_CONFLICT: Final = re.compile(r"\bmerge conflict\b|^<{7} |\bconflict \(content\)", re.IGNORECASE | re.MULTILINE)


WAYS: Final[Mapping[Kind, tuple[Way, ...]]] = {
    Kind.PASSING: (Way.RETRY, Way.ALTERNATIVE),
    Kind.REJECTED: (Way.FEEDBACK, Way.ALTERNATIVE),
    Kind.LOOP: (Way.ALTERNATIVE,),
    Kind.FAULTY_INPUT: (Way.FIX,),
    Kind.CONFLICT: (Way.RESOLVE,),
    Kind.BEYOND: (Way.ALTERNATIVE,),
    Kind.PERSON: (),
    Kind.LOST: (Way.RETRY,),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure, classified. digest: the same for the same result rejected in the same words."""

    kind: Kind
    level: ErrorLevel
    category: ErrorCategory
    reason: str
    digest: str


def classified(row: TaskRow, verdict: VerdictReport) -> Fault:
    """Return what kind of failure a verdict that is no pass tells of."""
    details = verdict.error_details
    level = details.level if details else ErrorLevel.SPECIALIST
    category = details.category if details else ErrorCategory.EXECUTION
    said = "\0".join((verdict.reason, verdict.description, verdict.decision.value, *verdict.evidence))
    digest = sha256(said.encode()).hexdigest()
    return Fault(_kind(row, verdict, details, digest), level, category, verdict.reason, digest)


def _kind(row: TaskRow, verdict: VerdictReport, details: ErrorDetails | None, digest: str) -> Kind:
    level = details.level if details else ErrorLevel.SPECIALIST
    if level is ErrorLevel.PERSON or verdict.decision is Decision.ESCALATE:
        return Kind.PERSON
    if details is not None and _is_passing(details):
        return Kind.PASSING
    if level is ErrorLevel.TECH_LEAD:
        return Kind.BEYOND
    if _CONFLICT.search(verdict.reason):
        return Kind.CONFLICT
    if row.policy.fixed_by is not None:
        return Kind.FAULTY_INPUT
    return Kind.LOOP if digest in row.faults else Kind.REJECTED


def _is_passing(details: ErrorDetails) -> bool:
    if details.transient is not None:
        return details.transient
    may_pass = details.category in (ErrorCategory.EXECUTION, ErrorCategory.INTEGRATION)
    return may_pass and _PASSING.search(details.message) is not None


def way_out(row: TaskRow, fault: Fault, rates: Mapping[str, float]) -> Way:
    """Return what to do about the latest failure of a row, which is counted in it already.

    rates: of past missions, which share of the attempts made in a way succeeded, by "kind/way".
    """
    open_ways = [way for way in WAYS[fault.kind] if _is_open(way, row)]
    if open_ways:
        return _by_success(open_ways, fault.kind, rates)
    return Way.MANUAL if row.is_critical else Way.SKIP


def _is_open(way: Way, row: TaskRow) -> bool:
    if way is Way.ALTERNATIVE:
        return next_agent(row) is not None
    return row.rejections < (row.policy.attempts or ATTEMPTS)


def next_agent(row: TaskRow) -> str | None:
    """Return who comes after the agent that has a task now; None when there is nobody left."""
    line = (row.planned.agent, *row.policy.alternatives)
    place = line.index(row.agent) if row.agent in line else 0
    return line[place + 1] if place + 1 < len(line) else None


def _by_success(ways: list[Way], kind: Kind, rates: Mapping[str, float]) -> Way:
    first, *others = ways
    for other in others:
        known = rates.get(f"{kind.value}/{first.value}"), rates.get(f"{kind.value}/{other.value}")
        if known[0] is not None and known[1] is not None and known[1] > known[0] + _CLEARLY_BETTER:
            return other
    return first


def pause_ns(row: TaskRow) -> int:
    """Return how long to wait before the next attempt: twice as long each time, and a bit that differs by task.

    Nothing in a fold draws numbers; what spreads the attempts of many tasks is the digest of their names.
    """
    first_s = _FIRST_PAUSE_S if row.policy.backoff_s is None else row.policy.backoff_s
    pause_s = min(first_s * 2 ** max(row.failures - 1, 0), max(_LONGEST_PAUSE_S, first_s))
    spread = int.from_bytes(sha256(f"{row.name}#{row.attempt}".encode()).digest()[:4]) / 2**32
    # A pause of nothing would be over before anybody is asked to wake us, and nobody would.
    return max(1, int(pause_s * (1 + spread / 4) * 1_000_000_000))
