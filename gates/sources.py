"""The one reading of a document: specialists quote from it and gates check against it.

1. Bytes end in a Source or in a SourceError with one readable sentence; nothing else escapes.
2. A place names one line for good: "line 12" (text), "page 3, line 5" (PDF), "row 4" (CSV: the physical line on
   which the record starts). The same bytes always give the same places.
3. Text is kept as written. Only what no reader can see is removed: control characters, and the byte order mark
   that some PDF writers leave inside a string.
"""

import csv
import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from pypdf import PdfReader

from protocol.errors import SourceError

MAX_PAGES = 400
MAX_CHARACTERS = 4_000_000
# A quoted CSV cell may run over lines; one that runs further than this is a forgotten quotation mark.
MAX_RECORD_LINES = 40

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
}
TABULAR = frozenset({"text/csv", "text/tab-separated-values"})

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# KiCad writes text outside ASCII as UTF-16 with its mark; pypdf hands the halves over as Latin letters.
_UTF16_IN_PDF = re.compile("\u00fe\u00ff((?:[\x00\x03][\x01-\xff])+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or one CSV record, and the place that names it."""

    place: str
    text: str


@dataclass(frozen=True)
class Source:
    """A document as read.

    pages: how many pages a PDF has, None for other kinds.
    note: what the reader should know about the reading, "" when there is nothing; an assumed encoding, say.
    """

    lines: tuple[Line, ...]
    pages: int | None = None
    note: str = ""

    # Not a slotted class, so that this is worked out once for the thousand claims that are checked against it.
    @cached_property
    def index(self) -> dict[str, int]:
        """Where in lines a place stands."""
        return {line.place: number for number, line in enumerate(self.lines)}


def media_type_of(name: str) -> str | None:
    """Return the media type the suffix of a file name tells, or None when it is not one we read."""
    return MEDIA_TYPES.get(PurePosixPath(name).suffix.lower())


def read_source(data: bytes, media_type: str) -> Source:
    """Return the document's lines, each with its place.

    Raises:
        SourceError: a media type we do not read, a damaged or encrypted PDF, a PDF without text, binary data under
            a text suffix, an empty document, or more than MAX_PAGES or MAX_CHARACTERS.
    """
    if media_type not in MEDIA_TYPES.values():
        raise SourceError(f"documents of type {media_type[:80]!r} are not read")
    if not data.strip():
        raise SourceError("the document is empty")
    source = _read_pdf(data) if media_type == "application/pdf" else _read_text(data, media_type)
    if not any(line.text.strip() for line in source.lines):
        raise SourceError("the document is empty")
    return source


def _read_text(data: bytes, media_type: str) -> Source:
    text, note = _decode(data)
    if len(text) > MAX_CHARACTERS:
        raise SourceError(f"the document has {len(text)} characters, the limit is {MAX_CHARACTERS}")
    texts = re.split(r"\r\n|\r|\n", text)
    if media_type in TABULAR:
        return Source(tuple(_records(texts)), note=note)
    return Source(tuple(Line(f"line {number}", line) for number, line in enumerate(texts, 1)), note=note)


def _decode(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode_strictly(data, "utf-16"), "read as UTF-16"
    if b"\x00" in data:
        raise SourceError("the document is binary data, not text")
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return _decode_legacy(data)


def _decode_strictly(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(f"the document is not the {encoding.upper()} text its first bytes say") from error
    if "\x00" in text:
        raise SourceError("the document is binary data, not text")
    return text


def _decode_legacy(data: bytes) -> tuple[str, str]:
    try:
        text, encoding = data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "Latin-1"
    # Text has next to no control characters; a compressed or executable file is one thirtieth of them.
    if len(_CONTROL.findall(text)) * 100 > len(text):
        raise SourceError("the document is binary data, not text")
    return text, f"not UTF-8: read as {encoding}, so letters outside ASCII may be wrong"


def _records(texts: list[str]) -> Iterator[Line]:
    """Join physical lines to records: a record goes on while a quotation mark is open."""
    start = 0
    while start < len(texts):
        end = _record_end(texts, start)
        yield Line(f"row {start + 1}", "\n".join(texts[start:end]))
        start = end


def _record_end(texts: list[str], start: int) -> int:
    marks = 0
    for end in range(start, min(start + MAX_RECORD_LINES, len(texts))):
        marks += texts[end].count('"')
        if marks % 2 == 0:
            return end + 1
    return start + 1


def cells(record: str, delimiter: str) -> tuple[str, ...]:
    """Return the cells of one CSV record.

    Raises:
        SourceError: the record is not CSV, for instance a cell beyond the length Python's reader takes.
    """
    try:
        rows = list(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise SourceError(f"the record is not CSV: {error}") from error
    return tuple(rows[0]) if rows else ()


def _read_pdf(data: bytes) -> Source:
    # pypdf, not pdfplumber: four times as fast on the drawings tried, and pdfplumber spells turned text backwards.
    with _quiet():
        try:
            return _pdf_lines(PdfReader(io.BytesIO(data), strict=False))
        except SourceError:
            raise
        except Exception as error:  # hostile PDFs make pypdf raise nearly anything; rule 1
            raise SourceError(f"the PDF is damaged: {type(error).__name__}") from error


def _pdf_lines(reader: PdfReader) -> Source:
    # Many published datasheets are "encrypted" with the empty password, which every viewer tries first.
    if reader.is_encrypted and not reader.decrypt(""):
        raise SourceError("the PDF is encrypted")
    pages = len(reader.pages)
    if pages > MAX_PAGES:
        raise SourceError(f"the PDF has {pages} pages, the limit is {MAX_PAGES}")
    lines: list[Line] = []
    left = MAX_CHARACTERS
    for number in range(pages):
        text = _visible(reader.pages[number].extract_text())
        left -= len(text)
        if left < 0:
            raise SourceError(f"the PDF has more than {MAX_CHARACTERS} characters of text")
        lines += _page_lines(number + 1, text)
    if not any(line.text.strip() for line in lines):
        raise SourceError("the PDF holds no text: it may be a scan and would have to be read by eye")
    return Source(tuple(lines), pages=pages)


def _page_lines(page: int, text: str) -> Iterator[Line]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        yield Line(f"page {page}, line {number}", line)


def _visible(text: str) -> str:
    text = _UTF16_IN_PDF.sub(lambda found: found[1].encode("latin-1").decode("utf-16-be"), text)
    return _CONTROL.sub("", text)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pypdf's remarks about odd files out of the agent's own log, and put the level back."""
    logger = logging.getLogger("pypdf")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
