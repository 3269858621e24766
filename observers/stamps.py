"""Time stamps (RFC 3161) over seals: somebody who is nobody's colleague says when a seal existed already.

The extra `timestamps` brings the library; without it, or without a network, missions run as ever, unstamped.
"""

import urllib.request
from datetime import datetime
from hashlib import sha512
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

from cryptography import x509

from bus.run import RunFolder
from bus.seals import Seal, read_seals
from protocol.errors import SourceError

_WAIT_S: Final = 10.0
_LARGEST_BYTES: Final = 256 * 1024

Stamped: TypeAlias = tuple[Seal, datetime, bool]


def stamp(run: RunFolder, authority: str) -> Path:
    """Have the run's last seal stamped and return the file that holds the answer.

    authority: the http or https address of a time-stamp authority.

    Raises:
        SourceError: nothing is sealed, the library is missing, the authority does not stamp, or the disk is full.
        JournalError: the anchor is damaged.
    """
    seals = read_seals(run.anchor)
    if not seals:
        raise SourceError(f"{run.path} has no seal that could be stamped")
    if not authority.startswith(("http://", "https://")):
        raise SourceError(f"{authority!r} is not the http address of a time-stamp authority")
    library = _library()
    question = library.TimestampRequestBuilder().data(seals[-1].signed_bytes()).build()
    raw = _post(authority, question.as_bytes())
    try:
        answer = library.decode_timestamp_response(raw)
    except ValueError as error:
        raise SourceError(f"{authority} did not answer with a time stamp: {error}") from error
    if answer.status not in (0, 1):
        raise SourceError(f"{authority} refused to stamp: {'; '.join(answer.status_string)}")
    path = run.stamps / f"{seals[-1].count:012}.tsr"
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(raw)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}") from error
    return path


def stamped(run: RunFolder, roots: bytes | None) -> list[Stamped]:
    """Return every stamped seal, when it was stamped, and whether the authority's certificate was checked.

    roots: certificates, PEM, of authorities that are trusted; None checks nothing.

    Raises:
        SourceError: a stamp is none, is over something else, or not by one of those authorities.
    """
    seals = {seal.count: seal for seal in read_seals(run.anchor)}
    if roots is not None and not roots.strip():
        raise SourceError("the file with trusted certificates is empty; nothing could be checked")
    paths = sorted(run.stamps.glob("*.tsr"))
    return [_check(path, seals, roots) for path in paths]


def _check(path: Path, seals: dict[int, Seal], roots: bytes | None) -> Stamped:
    library = _library()
    seal = seals.get(int(path.stem)) if path.stem.isdecimal() and path.stem.isascii() else None
    if seal is None:
        raise SourceError(f"{path.name} stamps a seal that the anchor does not hold")
    try:
        answer = library.decode_timestamp_response(path.read_bytes())
        builder = library.VerifierBuilder()
        for certificate in x509.load_pem_x509_certificates(roots) if roots else []:
            builder = builder.add_root_certificate(certificate)
        if roots:
            builder.build().verify_message(answer, seal.signed_bytes())
        elif answer.tst_info.message_imprint.message != sha512(seal.signed_bytes()).digest():
            raise ValueError("it is over something else")
    except (ValueError, library.VerificationError) as error:
        raise SourceError(f"{path.name} does not stamp the seal over {seal.count} entries: {error}") from error
    return seal, answer.tst_info.gen_time, roots is not None


def _post(authority: str, question: bytes) -> bytes:
    headers = {"Content-Type": "application/timestamp-query"}
    request = urllib.request.Request(authority, data=question, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_WAIT_S) as response:
            return bytes(response.read(_LARGEST_BYTES))
    except (OSError, HTTPException, ValueError) as error:  # urllib lets through what http.client says of an address
        raise SourceError(f"{authority} cannot be reached: {error}") from error


def _library() -> Any:
    """Return the library that speaks RFC 3161, loaded when it is needed: it is an extra."""
    try:
        return import_module("rfc3161_client")
    except ImportError as error:
        raise SourceError("time stamps need an extra: pip install 'agent-orchestra[timestamps]'") from error
