"""Where the real cases lie, and small documents of our own: the one module of the tests that names the folder."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("ORCHESTRA_CASES", ROOT.parent / "shared" / "data"))
SAMPLE = ROOT / "scenarios" / "spec_facts" / "sample"


def cases(name: str) -> Path:
    """Return a file or folder of the real cases. Absent, the test is skipped; under CI=true it fails."""
    path = FOLDER / name
    if not path.exists():
        reason = f"the real cases are not here: {path} (set ORCHESTRA_CASES to their folder)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def are_here(name: str) -> bool:
    """Whether a real case is present; for parametrising at collection, when nothing can be skipped yet."""
    return (FOLDER / name).exists()


def pdf_of(pages: list[list[str]]) -> bytes:
    """Return a small PDF whose pages hold these lines of Latin text."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        content = _content(lines)
        resources = f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream")
    return _file(objects)


def _content(lines: list[str]) -> bytes:
    shown = (line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines)
    drawn = "".join(f"({line}) Tj 0 -16 Td\n" for line in shown)
    return f"BT /F1 11 Tf 60 780 Td\n{drawn}ET".encode("cp1252")


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
