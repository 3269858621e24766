"""What the structure of a description says: steps, lists of things, and whether something is done for each of many.

One action for each of many things is parallel work; several actions for each are the stages of a pipeline.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from scenarios.signs.sign import Reason
from scenarios.steps import sentences, steps_of, things_of
from scenarios.words import is_action, stem, words_of
from scenarios.workflow import Pattern

_NO_ITEM: Final = (
    r"(?!(?:time|round|attempt|iteration|pass|try|run|step|stage|change|other|another|day|night|week|month"
    r"|quarter|year|hour|minute|second|morning|monday|detail|bit|ten|few|so|effort|second|reason|change|tweak|fix"
    r"|commit)s?\b)"
)
_EACH: Final = re.compile(
    rf"\b(?:for |from |of |in |on )?(?:each|every)(?: single)? {_NO_ITEM}(?:of (?:the|our|my|its|these|those"
    rf"|them) ?)?"
    r"(?:[\w-]+ ?){1,3}|(?:^|[.;:] )per [\w-]+|\b(?!step|side|stage|day|bit|little)(\w+)[ -]by[ -]\1\b"
    r"|\bin (?:chunks|batches|portions) of\b",
    re.I,
)
_UNITS: Final = (
    r"(?!(?:\w+ )?(?:ms|rounds?|iterations?|attempts?|tries|passes|times|days|weeks|months|years|hours|minutes"
    r"|seconds|lines|pages|words|sentences|people|variants|options|alternatives|volts|amps|percent|degrees|cycles"
    r"|points|bytes|reviewers?|stages|steps|agents)\b)"
)
_MANY: Final = re.compile(
    r"\ball (?:of )?(?:the |our |my |these |those |its )?(?:\d[\d.,]* )?(?:[\w-]+ ){0,2}?[\w-]{2,}s\b"
    rf"|(?<![\w.-])(?:\d[\d,.]*\d|[2-9]|two|three|four|five|six|seven|eight|nine|ten|several"
    r"|multiple|various|numerous|dozens of|hundreds of|thousands of)"
    rf" {_UNITS}(?:[\w-]+ ){{0,2}}?[\w-]{{2,}}(?<!s)s\b"
    r"|\b(?!pages|versions|lines|weeks|days|volts)\w+s (?:\d+ (?:to|through|-) \d+|[A-Z] (?:to|through|-) [A-Z])\b",
    re.I,
)
# One question to a system, however many answers it has.
_ONE_QUERY: Final = re.compile(
    r"^\W*(?:please )?(?:list|show|count|export|print|delete|display|name|get) (?:me )?all\b", re.I
)
# Verbs for what programs do to records; three of them are what people call a pipeline, whether they say so or not.
_PROCESSED: Final = """
    extract transform load parse clean cleanse normalise validate enrich deduplicate ingest filter aggregate
    tokenise chunk split embed classify categorise tag transcribe translate convert decode resize watermark compress
    archive geocode segment denoise store publish crawl fetch scrape strip label score redact digitise index
    anonymise decrypt encrypt downsample
"""
_PROCESSES: Final = frozenset(map(stem, _PROCESSED.split()))
_MANY_OBJECTS: Final = re.compile(r"\b(?:data|telemetry|corpus|traffic|mail|[a-z-]{3,}(?<![su])s)\b", re.I)
_ARE_DONE: Final = re.compile(
    r"\b[a-z-]{3,}(?<![su])s (?:[\w-]+ ){0,8}?(?:are|get|(?:must|should|shall|will|can|need to|have to"
    r"|are to) be) \w+",
    re.I,
)
# What brings the findings about many things together is done once, it is no stage.
_COLLECTS: Final = re.compile(
    r"^(?:report|collect|merge|combine|compare|list|write|put|tell|gather|give|rank|pick)\b", re.I
)
_REFERS_BACK: Final = re.compile(r"\b(?:it|them|its|the (?:results?|output|outcome|findings|differences))\b", re.I)


def structure(description: str, files: Sequence[str] = ()) -> Iterator[Reason]:
    """Give what the structure of a description, and the number of files that come with it, speak for."""
    cut = sentences(description)
    steps = [step for sentence in cut for step in steps_of(sentence)]
    yield from _order(steps)
    yield from _items(cut)
    yield from _processing(cut)
    things = max((things_of(sentence) for sentence in cut), key=len, default=())
    if things:
        yield Reason(Pattern.PARALLEL, 2, _short(things), f"lists {len(things)} things to deal with")
    if len(files) > 1:
        yield from _files(len(files), steps)


def _order(steps: Sequence[str]) -> Iterator[Reason]:
    if len(steps) > 1:
        weight = 2 if len(steps) > 2 else 1
        yield Reason(Pattern.SEQUENTIAL, weight, _short(steps), f"names {len(steps)} steps")
    back = next((step for step in steps[1:] if _REFERS_BACK.search(step)), None)
    if back is not None:
        yield Reason(Pattern.SEQUENTIAL, 1, back, "a step takes up what came before")


def _items(cut: Sequence[str]) -> Iterator[Reason]:
    """Give what is said about the first sentence that speaks of many things; "each" says it more clearly than "all"."""
    for words, is_clear in ((_EACH, True), (_MANY, False)):
        for place, sentence in enumerate(cut):
            found = words.search(sentence)
            if found is not None and not _ONE_QUERY.search(sentence):
                stages = _stages(sentence) or (_stages(cut[place + 1]) if place + 1 < len(cut) else [])
                yield _about(found[0].strip(" .;:"), stages, is_clear)
                return


def _processing(cut: Sequence[str]) -> Iterator[Reason]:
    """Give what speaks for a pipeline where nobody says "each": what programs do to records, or is done to them."""
    for sentence in cut:
        steps = steps_of(sentence)
        if len(steps) > 2 and (_are_processed(sentence, steps) or _are_done(sentence)):
            yield Reason(Pattern.PIPELINE, 4, _short(steps), "processes records in stages")
            return


def _are_processed(sentence: str, steps: Sequence[str]) -> bool:
    count = sum(stem(words_of(step)[0]) in _PROCESSES for step in steps)
    is_about_many = _MANY_OBJECTS.search(sentence if count > 2 else steps[0]) is not None
    return count > 1 and is_about_many


def _are_done(sentence: str) -> bool:
    return ": " not in sentence and _ARE_DONE.search(sentence) is not None


def _about(quote: str, stages: Sequence[str], is_clear: bool) -> Reason:
    if not stages:
        return Reason(Pattern.PARALLEL, 3 if is_clear else 2, quote, "the same for each of several things")
    weight = (4 if is_clear else 2) + (len(stages) > 2) * (1 if is_clear else 2)
    return Reason(
        Pattern.PIPELINE, weight, f"{quote} … {_short(stages)}", f"{len(stages)} stages for each of many things"
    )


def _stages(sentence: str) -> list[str]:
    """Return the steps of a sentence that are done to each thing, [] where there is one or none."""
    _, colon, behind = sentence.partition(": ")
    pieces = [piece.strip() for piece in re.split(r", |→| and ", behind, flags=re.I) if piece.strip()] if colon else []
    named = [piece for piece in pieces if any(map(is_action, words_of(piece)))]
    steps = max(steps_of(sentence), named if len(named) == len(pieces) else [], key=len)
    if len(steps) == 2 and _COLLECTS.match(steps[1]):
        return []
    return steps if len(steps) > 1 else []


def _files(count: int, steps: Sequence[str]) -> Iterator[Reason]:
    if any(
        re.search(
            r"\b(?:compar|merg|combin|consolidat|reconcil|contradict|between)",
            step,
            re.I,
        )
        for step in steps
    ):
        return
    several = len(steps) > 1
    pattern = Pattern.PIPELINE if several else Pattern.PARALLEL
    says = "files that several steps pass over" if several else "files, each to be dealt with by itself"
    yield Reason(pattern, 2, f"{count} files", says)


def _short(pieces: Sequence[str]) -> str:
    """Return the first words of each piece."""
    return " | ".join(" ".join(piece.split()[:4]) for piece in pieces[:5])
