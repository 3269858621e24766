"""A task description cut into what it names: steps, branches, a repetition, the objects of one action.

1. Sentences are cut at stops, steps within them at commas, "and", "then", colons and arrows.
2. A piece is a step of its own when it begins with an action; otherwise it belongs to the piece before it.
3. Nothing is reworded: every part is a run of words of the description.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scenarios.words import is_action, words_of

# A full stop inside 3.2, orders.py or e.g. ends nothing.
_SENTENCE_END: Final = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bno)[.!?]+(?=\s|$)|;|\n\s*\n|\n\s*(?=[-*\d])", re.I
)
MAX_READ: Final = 4_000  # characters; whoever writes more has said by then how the parts hang together
_NUMBERED: Final = re.compile(r"(?:^|\s)1[.)]\s.*\s2[.)]\s", re.S)
_POINT: Final = re.compile(r"(?:^|\s)\d{1,2}[.)]\s+")
_CUT: Final = re.compile(
    r"\s*(?:→|->|=>|:(?=\s)|,(?=\s)|\s[-–—](?=\s)|\s\band\b|\s\bthen\b|\s\bbefore\b(?=\s+you\b|\s+\w+ing\b))\s*",
    re.I,
)
_LEAD: Final = re.compile(
    r"""^\W*(?:(?:and|then|also|next|finally|lastly|last|first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|afterwards?
    |after\s+that|once\s+that\s+is\s+done|subsequently|thereafter|please|now|so|but|or|either|both
    |(?:can|could|would|will|should|must)\s+(?:you|we|I|somebody|someone)|you|we|I|they|to|must|should|shall|can|will
    |need(?:s)?\s+to|ha(?:s|ve)\s+to|want\s+to|be|is|are|gets?|it|them|let's|let\s+\w+|\d+[.)]|[-*]
    |start\s+(?:by|with)|begin\s+(?:by|with))\b\s*|[-*•\d.)]+\s+)+""",
    re.I | re.X,
)
_LIST: Final = re.compile(
    r"((?:[^,.;:!?]{1,60}, )+)(?:[^,.;:!?]{1,60},? )?(?:and|&|as well as) [^,.;:!?]{1,90}?"
    r"(?=\s(?:and|for|in|on|at|with|by|to|from|side)\b|[,.;:!?]|$)",
    re.I,
)
_MEMBER_END: Final = re.compile(r",(?: and)? | and | & | as well as ", re.I)
# "each page is fetched": the action stands behind what it is done to.
_DONE_TO: Final = re.compile(r"\b(?:is|are|be|gets?|being)\s+(?:to\s+be\s+)?(?:then\s+|also\s+)?(?P<done>\w+)", re.I)
_PARTICIPLE: Final = re.compile(r"\W*(?!embed|feed|seed|need)\w+ed \w+", re.I)
_CONDITION: Final = re.compile(
    r"\b(?:if|when|in case(?: of)?|provided(?: that)?|assuming(?: that)?|should|depending on|unless|only (?:if|when))\b"
    r"\s*(?P<condition>[^,;:?]+?)\s*(?:[,:?]|\bthen\b)\s*(?:then\s+)?(?P<rest>.+)",
    re.I | re.S,
)
_OTHERWISE: Final = re.compile(
    r"[\s,;.]*\b(?:otherwise|or else|else|if not|if no|if it is not|if it isn't|failing that)\b[\s,]*", re.I
)
_UNTIL: Final = re.compile(
    r"[\s,]*\b(?P<word>until|till|while|as long as|unless|stop (?:when|once|if|as soon as))\b\s+"
    r"(?P<criterion>[^;!?]+?)(?=[.;!?](?:\s|$)|,|$)",
    re.I,
)
_COUNTS: Final = {
    word: n
    for n, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_ROUNDS: Final = re.compile(
    rf"\b(?:at most|no more than|not more than|up to|max(?:imum)?\.?(?: of)?|a maximum of|within|or|limit of)\s+"
    rf"(?P<count>\d+|{'|'.join(_COUNTS)})\s+(?:\w+\s+)?(?:rounds?|times|iterations?|attempts?|tries|passes|cycles?|loops?)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Branches:
    """What is done when a condition holds, and what otherwise; otherwise is "" where nothing is said."""

    condition: str
    then: str
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What is done again and again. goes_on: the criterion is one for going on, not for stopping.

    rounds: the most that are allowed; None where none is stated.
    """

    body: str
    criterion: str = ""
    goes_on: bool = False
    rounds: int | None = None


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, and what stands between semicolons."""
    text = text[:MAX_READ]
    if _NUMBERED.search(text):
        text = _POINT.sub(" ; ", text)
    return [piece.strip() for piece in _SENTENCE_END.split(text) if piece.strip()]


def parts(description: str) -> tuple[str, ...]:
    """Return the steps that a description names, or the things that it wants the same done to, in its order.

    What names neither is one part; what is empty has none.
    """
    steps = [step for sentence in sentences(description) for step in steps_of(sentence)]
    things = max((things_of(sentence) for sentence in sentences(description)), key=len, default=())
    whole = (description.strip(),) if description.strip() else ()
    return things if len(things) > len(steps) else tuple(steps) or whole


def steps_of(sentence: str) -> list[str]:
    """Return the pieces of a sentence that begin with an action, each with what belongs to it.

    Of "Convert the drawings: open, rasterise, index" only what stands behind the colon: the rest is its heading.
    """
    _, colon, behind = re.sub(r":\s|\s[-–—]\s", ":\0", sentence, count=1).partition(":\0")
    if colon and len(found := _steps_in(behind)) > 1:
        return found
    return _steps_in(sentence)


def _steps_in(sentence: str) -> list[str]:
    found: list[str] = []
    for piece, between in _pieces(sentence):
        # "Scanned notes arrive" begins with no action: nobody is told to do something in that form.
        step = "" if not between and _PARTICIPLE.match(piece) else _step_of(piece)
        if step:
            found.append(step)
        elif found and piece.strip():
            found[-1] += f"{between}{piece}"
    return [step.strip(" ,:") for step in found]


def _step_of(piece: str) -> str:
    """Return a piece from its action on, "" where it names none."""
    bare = _LEAD.sub("", piece)
    if is_action(_first(bare)):
        return bare
    done = _DONE_TO.search(piece)
    return piece[done.start("done") :] if done is not None and is_action(done["done"]) else ""


def _first(text: str) -> str:
    return next(iter(words_of(text)), "")


def _pieces(sentence: str) -> list[tuple[str, str]]:
    """Return the pieces between cuts, each with the cut before it."""
    cuts = [(0, 0), *(found.span() for found in _CUT.finditer(sentence)), (len(sentence), len(sentence))]
    return [(sentence[start:end], sentence[begin:start]) for (begin, start), (end, _) in pairwise(cuts)]


def things_of(sentence: str) -> tuple[str, ...]:
    """Return the members of a list of three things or more; () where it is one of actions, or there is none."""
    found = _LIST.search(sentence)
    if found is None:
        return ()
    members = [member.strip() for member in _MEMBER_END.split(found[0]) if member.strip()]
    acting = [member for member in members[1:] if is_action(_first(_LEAD.sub("", member)))]
    return tuple(members) if len(members) > 2 and len(acting) * 2 < len(members) - 1 else ()


def branches(description: str) -> Branches | None:
    """Return condition and branches; None where no condition can be cut out of the words."""
    found = _CONDITION.search(description[:MAX_READ])
    if found is None:
        return None
    then, *rest = _OTHERWISE.split(found["rest"], maxsplit=1)
    return Branches(found["condition"].strip(), then.strip(" .,;"), rest[0].strip(" .,;") if rest else "")


def repetition(description: str) -> Repetition | None:
    """Return what is repeated, until when and how often at most; None where neither end is stated."""
    description = description[:MAX_READ]
    until, rounds = _UNTIL.search(description), _ROUNDS.search(description)
    if until is None and rounds is None:
        return None
    first = min(found.start() for found in (until, rounds) if found is not None)
    body = description[:first].strip(" ,;.")
    if not body and until is not None:  # "As long as it fails, mend it": the body stands behind
        body = description[until.end() :].strip(" ,;.")
    goes_on = until is not None and until["word"].casefold() in ("while", "as long as")
    return Repetition(body, until["criterion"].strip() if until else "", goes_on, _count(rounds))


def _count(found: re.Match[str] | None) -> int | None:
    if found is None:
        return None
    word = found["count"].casefold()
    return _COUNTS.get(word) or int(word)
