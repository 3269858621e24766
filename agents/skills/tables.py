"""The shapes facts stand in: rows of tables, "key: value" lines, sentences. Shapes only; no numbers are read here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gates.sources import Line


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the heading of its column, "" when unknown, and its text."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document that is read as one.

    start: index of its first line. quote: its text as written. key: what a row or line says it is about, "" for
    sentences. cells: the values of a row; a sentence has one.
    """

    start: int
    quote: str
    key: str
    cells: tuple[Cell, ...]
    context: str


_FENCE = re.compile(r"^\s*(?:```|~~~)")
_RULE = re.compile(r"^[\s|:+=_-]*[-=_]{3}[\s|:+=_-]*$")
_PIPE_RULE = re.compile(r"^\s*\|?(?:\s*:?-+:?\s*\|)+\s*:?-*:?\s*$")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_BOLD_LINE = re.compile(r"^\s*\*\*([^*]+)\*\*:?\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+\u2022\u00b7]|\d{1,2}[.)])\s+")
_KEY_VALUE = re.compile(
    r"^\s*(?:[-*+\u2022\u00b7]\s+|\d{1,2}[.)]\s+)?(?:\*\*|__)?(?P<key>[^:=|*]{2,70}?)(?:\*\*|__)?\s*"
    r"(?::|=|:\*\*)(?!//)\s+(?P<value>\S.*)$"
)
_NEXT_KEY = re.compile(r";\s+(?=[^;:=|]{2,60}[:=]\s)")
_SENTENCE_END = re.compile(
    r"(?<=[.!?;])(?<!\b[A-Za-z]\.)(?<!min\.)(?<!max\.)(?<!typ\.)(?<!approx\.)\s+(?=[A-Z*(\"\u201c])"
)
_KEY_HEADINGS = frozenset(
    re.findall(
        r"\w+",
        "parameter feature description name item characteristic label content property component function subject"
        " specification spec model part what field",
    )
)
# Columns that describe how a value is stored, not the value: "10mV" under "Unit" is a resolution.
_SKIPPED_HEADINGS = frozenset(
    re.findall(
        r"\w+",
        "unit units type format coefficient scale factor resolution offset length bytes position register footprint"
        " datasheet url link package code bit",
    )
)


def blocks(lines: Sequence[Line], *, is_pdf: bool = False) -> Iterator[Block]:
    """Yield the rows, key-value lines and sentences of a document in order; code between fences is passed over."""
    texts = [line.text for line in lines]
    tables = _tables(texts, is_pdf)
    walk = _Walk(texts, tables, is_pdf)
    for start in range(len(texts)):
        yield from walk.step(start)


class _Walk:
    """Goes down the lines once and remembers which headings it is under."""

    def __init__(self, texts: list[str], tables: dict[int, tuple[Cell, ...]], is_pdf: bool) -> None:
        self._texts, self._tables, self._is_pdf = texts, tables, is_pdf
        self._headings: list[tuple[int, str]] = []
        self._is_code = False
        self._done = 0

    def step(self, at: int) -> Iterator[Block]:
        text = self._texts[at]
        if _FENCE.match(text) and not self._is_pdf:
            self._is_code = not self._is_code
            return
        if self._is_code or at < self._done or not text.strip() or self._is_heading(text):
            return
        context = " > ".join(name for _, name in self._headings)
        if at in self._tables:
            yield from _row(at, text, self._tables[at], context)
            return
        found = _KEY_VALUE.match(text)
        if found is not None and _is_key(found["key"]) and not self._is_prose(found["value"]):
            yield from _key_values(at, text, found, context)
            return
        self._done = self._paragraph_end(at)
        yield from _sentences(at, self._texts[at : self._done], context)

    def _is_prose(self, value: str) -> bool:
        # "**Attention**: The maximum operating voltage of the BMS is 60V." is a sentence with a shout before it.
        return re.search(r"^[A-Z][a-z]*\s.*\b(?:is|are|may|must|shall|has|have)\b", value) is not None

    def _is_heading(self, text: str) -> bool:
        found = _HEADING.match(text)
        bold = _BOLD_LINE.match(text)
        if self._is_pdf or (found is None and bold is None):
            return _RULE.match(text) is not None
        level, name = (len(found[1]), found[2]) if found else (7, bold[1] if bold else "")
        self._headings = [item for item in self._headings if item[0] < level] + [(level, _clean(name))]
        # A heading may state something too ("# Pack of 16 cells"), but it names more often than it states.
        return True

    def _paragraph_end(self, at: int) -> int:
        end = at + 1
        while end < len(self._texts) and end - at < 12 and self._goes_on(end):
            end += 1
        return end

    def _goes_on(self, at: int) -> bool:
        text, previous = self._texts[at], self._texts[at - 1]
        if not text.strip() or at in self._tables or _ITEM.match(text) or _FENCE.match(text):
            return False
        if self._is_pdf:
            # Drawings are heaps of single words; only a line of words that stops in mid-sentence goes on.
            return len(previous.split()) >= 5 and not previous.rstrip().endswith((".", ":", ";"))
        return not (_HEADING.match(text) or _BOLD_LINE.match(text) or _RULE.match(text) or _KEY_VALUE.match(text))


def _key_values(at: int, text: str, found: re.Match[str], context: str) -> Iterator[Block]:
    """Yield what a line says under its key; "min.: 2.5 V; max.: 3.65 V" are two keys."""
    parts = [part.strip() for part in _NEXT_KEY.split(text.strip())]
    keyed = [match for part in parts if (match := _KEY_VALUE.match(part)) is not None and _is_key(match["key"])]
    if len(keyed) < len(parts):
        parts, keyed = [text.strip()], [found]
    for part, match in zip(parts, keyed, strict=True):
        yield Block(at, part, _clean(match["key"]), (Cell("", match["value"]),), context)


def _row(at: int, text: str, cells: tuple[Cell, ...], context: str) -> Iterator[Block]:
    key = _row_key(cells)
    if key is None:
        return
    values = tuple(cell for cell in cells if cell is not key)
    yield Block(at, text.strip(), _clean(key.text), values, context)


def is_value_column(heading: str) -> bool:
    """Whether a column may hold stated values: not the columns that tell storage format, links and packages."""
    return _bare(heading) not in _SKIPPED_HEADINGS


def _row_key(cells: tuple[Cell, ...]) -> Cell | None:
    wordy = [cell for cell in cells if re.search(r"[^\W\d_]{2}", cell.text)]
    named = [cell for cell in wordy if _bare(cell.heading) in _KEY_HEADINGS]
    first = [cell for cell in wordy if is_value_column(cell.heading)]
    return next(iter(named + first), None)


def _bare(heading: str) -> str:
    return re.sub(r"\s*[(\[].*$", "", heading).strip(" *").lower()


def _is_key(key: str) -> bool:
    is_wordy = re.search(r"[^\W\d_]{2}", key) is not None and len(key.split()) <= 9
    return is_wordy and not key.rstrip().endswith((".", "?"))


def _clean(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\s+", " ", text.replace("**", "").replace("`", "")).strip(" -*\u2022:|\t")


def _sentences(at: int, texts: list[str], context: str) -> Iterator[Block]:
    joined = "\n".join(texts)
    start = 0
    for end in [*(found.start() for found in _SENTENCE_END.finditer(joined)), len(joined)]:
        quote = joined[start:end].strip()
        if quote:
            begin = joined.index(quote, start)
            first = at + joined.count("\n", 0, begin)
            yield Block(first, quote, "", (Cell("", quote),), context)
        start = end


def _tables(texts: list[str], is_pdf: bool) -> dict[int, tuple[Cell, ...]]:
    rows = {} if is_pdf else _pipe_tables(texts)
    return {**_aligned_tables(texts, is_pdf), **rows}


def _pipe_tables(texts: list[str]) -> dict[int, tuple[Cell, ...]]:
    rows: dict[int, tuple[Cell, ...]] = {}
    headings: list[str] | None = None
    for number, text in enumerate(texts):
        if "|" not in text:
            headings = None
        elif _PIPE_RULE.match(text):
            headings = _pipe_cells(texts[number - 1]) if number else []
            rows.pop(number - 1, None)
        elif headings is not None or text.lstrip().startswith("|"):
            rows[number] = _headed(headings or [], _pipe_cells(text))
    return rows


def _pipe_cells(text: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", text.strip().removeprefix("|").removesuffix("|"))]


def _headed(headings: list[str], texts: list[str]) -> tuple[Cell, ...]:
    padded = headings + [""] * (len(texts) - len(headings))
    return tuple(Cell(_clean(heading), text) for heading, text in zip(padded, texts, strict=False))


def _aligned_tables(texts: list[str], is_pdf: bool) -> dict[int, tuple[Cell, ...]]:
    """Find rows whose columns are set apart by two or more spaces or by tabs."""
    rows: dict[int, tuple[Cell, ...]] = {}
    headings: list[tuple[int, str]] = []
    gap = 0
    for number, text in enumerate(texts):
        parts = _aligned_cells(text, is_pdf)
        gap = 0 if len(parts) > 1 else gap + 1
        if gap > 3:
            headings = []
        if len(parts) < 2 or _RULE.match(text) or "|" in text:
            continue
        if not headings and _looks_like_headings(parts):
            headings = parts
        else:
            rows[number] = tuple(Cell(_heading_over(headings, start), part) for start, part in parts)
    return rows


def _aligned_cells(text: str, is_pdf: bool) -> list[tuple[int, str]]:
    # Some PDF writers set every word apart with a tab, so there only wide gaps of spaces make columns.
    separator = r"(?:(?! {2}|\t)\S| (?! ))+" if not is_pdf else r"(?:\S|\t| (?! ))+"
    item = _ITEM.match(text)
    offset = item.end() if item else 0
    found = ((match.start() + offset, match[0].strip()) for match in re.finditer(separator, text[offset:]))
    return [(start, part) for start, part in found if part]


def _looks_like_headings(parts: list[tuple[int, str]]) -> bool:
    names = [_bare(part) for _, part in parts]
    known = _KEY_HEADINGS | _SKIPPED_HEADINGS | {"value", "min", "typ", "max", "comment", "remarks", "notes"}
    return len(names) > 1 and any(name in known for name in names) and not any(re.search(r"\d", n) for n in names)


def _heading_over(headings: list[tuple[int, str]], start: int) -> str:
    under = [name for offset, name in headings if offset <= start + 1]
    return under[-1] if under else ""
