"""What an amount describes, in the document's own words."""

import re

from agents.skills.amounts import Amount

MAX_SUBJECT = 110

_TAIL = re.compile(
    r"(?:[\s,(:=~<>\u2264\u2265\u2248*\u00b1|-]|\b(?:is|are|was|be|of|to|up|at|with|by|from|for|in|the|a|an|set|and|or|than|less|more"
    r"|least|most|about|approx|approximately|around|typically|not|exceeds?|over|under|below|above|between|only|just|equals?"
    r"|uses?|has|have|reads?|measures?|weighs?|max|min|maximum(?= number)|number|within|here)\b\.?)+$",
    re.I,
)
_HEAD = re.compile(
    r"^(?:[\s,;:)(*\u2022.\"'-]|\b(?:the|a|an|and|or|for|with|it|its|if|that|which|so|can|may)\b)+", re.I
)
# "12V, 24V or" before 48V: earlier members of a list do not describe the next.
_LISTED = re.compile(r"(?:[-+]?\d[\d.,]*\s?[A-Za-z\u00b0%\u00b5\u03a9\u00b2]{0,4}\s*(?:,|or\b|and\b|/)\s*)+$")
_CLAUSE = re.compile(r"[;:()]\s?|,\s|\.\s|\s[-\u2013]\s|\n\s*[-*]\s")
_VERB = re.compile(r"\b(?:is|are|was|must be|shall be|should be|has to be)\b", re.I)


def subject_in_sentence(text: str, amount: Amount) -> str:
    """Return the words of a sentence that name what the amount describes, "" when there are none."""
    before = _nearest_clause(text[: amount.start])
    if amount.unit == "cell":
        before = _nearest_clause(_in_bracket(text[: amount.start]))
        before = "" if _VERB.search(before) else before
        return _cut(before if "cell" in before else f"{before} {_counted_words(text, amount)}")
    if len(before.split()) < 2:
        # "Suitable for 12 V systems": the word before says too little alone.
        before = before or _stripped(_LISTED.sub("", text[: amount.start]))
    after = _after(text, amount)
    if not _is_telling(before) or len(before.split()) < 2:
        return _cut(f"{before} {after}".strip())
    is_short_clause = _VERB.search(before) is not None and len(before.split()) < 4
    return _cut(f"{before}, {after}" if is_short_clause and after else before, keep_end=True)


def _in_bracket(text: str) -> str:
    opened = text.rfind("(")
    return text[opened + 1 :] if opened > text.rfind(")") else text


def _counted_words(text: str, amount: Amount) -> str:
    last = text.index(amount.figures[-1], amount.start) + len(amount.figures[-1])
    return f"{text[last : amount.end].strip()} {_after(text, amount)}".strip()


def subject_before(text: str, amount: Amount) -> str:
    """Return the words before an amount, "" unless they are two or more: on drawings the words after it are others'."""
    before = _nearest_clause(text[: amount.start])
    telling = [word for word in before.split() if re.search(r"[^\W\d_]{3}", word)]
    return _cut(before, keep_end=True) if len(telling) > 1 else ""


def local_words(text: str, amount: Amount) -> str:
    """Return the words between the last separator and an amount in a cell: the "torque" of "M5, torque: 2.2 Nm"."""
    before = re.split(r"[,;()|]|\.\s", text[: amount.start])[-1]
    words = _stripped(before)
    return words if re.search(r"[^\W\d_]{3}", words) and len(words.split()) <= 6 else ""


def _nearest_clause(text: str) -> str:
    return _stripped(_CLAUSE.split(_TAIL.sub("", _LISTED.sub("", text)))[-1])


def _stripped(text: str) -> str:
    return re.sub(r"\s+", " ", _HEAD.sub("", _TAIL.sub("", _plain(text)))).strip()


def _plain(text: str) -> str:
    return re.sub(r"[*`]|\]\([^)]*\)|[\[\]]", "", text)


def _after(text: str, amount: Amount) -> str:
    rest = re.split(r"[.;:()]\s|[()]|,\s|\n\s*[-*]\s|\s\u2013\s", _plain(text[amount.end :]) + " ")[0]
    rest = re.split(r"\b(?:and|so that|is|are|may|will|which|that)\b|\S*\d", rest)[0]
    return re.sub(r"\s+", " ", _HEAD.sub("", rest)).strip(" -,.:)")


def _is_telling(words: str) -> bool:
    return re.search(r"[^\W\d_]{3}", words) is not None


def _cut(words: str, *, keep_end: bool = False) -> str:
    """Keep a subject short: of the words before a figure the last say most, of those after it the first."""
    listed = words.split()
    if len(listed) > 12:
        listed = listed[-12:] if keep_end else listed[:12]
    return " ".join(listed)[:MAX_SUBJECT].strip(" ,;:")
