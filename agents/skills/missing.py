"""The ways a document says that it does not say."""

import re

_OPEN = re.compile(
    r"\b(?:t\.\s?b\.\s?[dac]\.?|tb[dac]"
    r"|to be (?:determined|defined|decided|confirmed|announced|measured|specified|agreed)"
    r"|not (?:yet )?(?:specified|stated|determined))(?!\w)",
    re.I,
)
_WHOLE = re.compile(r"^\s*(?:n\.?/?a\.?|not available|\?{1,3}|unknown|xxx?)\s*$", re.I)


def missing_in(text: str, *, whole: bool) -> str:
    """Return the words that say a value is open, "" when there are none.

    whole: the text is a whole cell, in which "n/a" and "?" also say so.
    """
    found = _OPEN.search(text) or (_WHOLE.match(text) if whole else None)
    return found[0].strip() if found else ""
