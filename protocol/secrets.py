"""Secrets that must not be written down: found by their form and replaced, before anything is journaled or logged.

1. A replacement is never longer than what it replaces and needs no escaping, so it stands wherever the secret
   stood: in a text, in XML, in JSON.
2. The same text always gives the same result, so a coordinator that is fed its journal again agrees with itself.
3. What has no form of its own (a password in a sentence) is found only behind a word that announces it.
"""

import re
from typing import Final

# What is put there, words of which one has to occur, and the form.
_FORMS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("[private key]", ("PRIVATE KEY-", "PRIVATE KEY BLOCK-"),
     r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
     r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"),
    ("[api key]", ("sk-",), r"\bsk-(?=[A-Za-z0-9_-]{0,200}[0-9])(?=[A-Za-z0-9_-]{0,200}[A-Z])[A-Za-z0-9_-]{16,}"),
    ("[api key]", ("AIza",), r"\bAIza[0-9A-Za-z_-]{35}"),
    ("[api key]", ("AKIA", "ASIA"), r"\bA[KS]IA[0-9A-Z]{16}\b"),
    ("[token]", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    ("[token]", ("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{22,}"),
    ("[token]", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("[token]", ("xox",), r"\bxox[abposr]-[A-Za-z0-9-]{10,}"),
    ("[token]", ("hf_",), r"\bhf_[A-Za-z0-9]{30,}"),
    ("[token]", ("eyJ",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    (r"\1[token]", ("earer ",), r"\b([Bb]earer )[A-Za-z0-9._~+/-]{16,}=*"),
    (r"\1[secret]", ("://",), r"(://)[A-Za-z0-9._~%+-]{0,64}:[^\s@/<>&\"']{6,128}(?=@)"),
    (r"\1[secret]", ("KEY", "key", "Key", "SECRET", "secret", "Secret", "TOKEN", "token", "Token",
                     "PASSW", "passw", "Passw"),
     r"(?i:((?:(?:api|secret|private|access|auth|account|signing|encryption|client)[ _-]?key"
     r"|secret|token|passw(?:or)?d)[\"']?\s{0,3}[:=]\s{0,3}[\"']?))"
     r"(?=[A-Za-z_/+.-]{0,200}[0-9])(?=[0-9_/+.-]{0,200}[A-Za-z])[A-Za-z0-9_/+.-]{20,}=*(?![A-Za-z0-9_/+.=-])(?![(])"),
)  # fmt: skip
_COMPILED: Final = {word: (shown, re.compile(form)) for shown, words, form in _FORMS for word in words}
_WIDE: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_HINT: Final = re.compile("|".join(map(re.escape, _COMPILED)))  # most texts hold none of the words


class _Instead:
    """What stands in place of a secret: what it was, and its line feeds, so that later lines keep their numbers."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __call__(self, found: re.Match[str]) -> str:
        return found.expand(self._shown) + "\n" * found.group().count("\n")


def redacted(text: str) -> str:
    """Return a text in which every secret is replaced by what it was, such as "[api key]"."""
    if not _HINT.search(text):
        return text
    for word, (shown, form) in _COMPILED.items():
        if word in text:
            text = form.sub(_Instead(shown), text)
    return text


def redacted_bytes(raw: bytes) -> bytes:
    """Return bytes of a text, in ASCII or any encoding that contains it, without their secrets."""
    for mark, encoding in _WIDE:
        if raw.startswith(mark):
            try:
                text = raw[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                break
            return mark + redacted(text).encode(encoding)
    return redacted(raw.decode("latin-1")).encode("latin-1")


def holds_secret(text: str) -> bool:
    """Return whether a text holds something that would be replaced."""
    return redacted(text) != text
