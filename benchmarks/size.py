"""Rows `size ...`: bytes of our XML against the same messages bare, as they are and packed in several ways.

1. Bare is what a project that began with JSON would send: the message's own fields under the names of
   `protocol.messages`, without what is absent, numbers as numbers, no spaces, no wrappers.
2. Its times are the same text as in the document: what is measured is the markup. A last row has them as numbers.
3. Both sides are packed by the same means, each with a dictionary of its own spelling.
4. A dictionary never holds a message that is measured.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

import zstandard
from pydantic import BaseModel

from benchmarks.rows import Aim, Effort, Row, compared
from bus.compression import pack
from bus.wire import BUNDLE_DOCUMENTS, pack_publish
from protocol.bodies import Action, File, Report, Result
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.examples import example
from protocol.messages import Message, MessageType
from protocol.names import render_timestamp

_LEVEL: Final = 3
_DICTIONARY_BYTES: Final = 16 * 1024
_FIRST_STAMP: Final = 10**15  # a greater number is a time in nanoseconds
_AIM: Final = Aim(bound=1.05, at_most=True)
_ALONE: Final = zstandard.ZstdCompressor(level=_LEVEL).compress
_TEXT: Final = (
    "the limit of cell voltage current temperature pack manual page table says quote found missing source document "
    "fact differs from second value rejected accepted because measured during charging discharge below above between "
    "every no other agent reads writes checks report section figure rated maximum minimum continuous short circuit "
    "protection balance wire fuse connector resistance capacity cycle storage transport installation warning must not "
    "shall be replaced before after use only with original parts see chapter 3 12 48 3.65 2.5 V A °C mΩ Ah %"
)
_WORDS: Final = _TEXT.split()

B = TypeVar("B", bound=BaseModel)
Pack = Callable[[bytes], bytes]
Time = Callable[[int], str | int]
Sides = tuple[list[bytes], list[bytes]]


def rows(effort: Effort) -> list[Row]:
    """Measure a mix of all types, half of them task-completions; the same messages in every run."""
    messages = mixed(effort.size(4_000, 2_048), seed=1)
    ours = [encode(message) for message in messages]
    _admissible(messages, ours)
    bare = ours, [plain(message) for message in messages]
    return _alone(bare) + _in_frames(bare, (ours, [plain(message, time=int) for message in messages]))


def _alone(sides: Sides) -> list[Row]:
    others = mixed(len(sides[0]), seed=2)
    trained = _trained([encode(message) for message in others]), _trained([plain(message) for message in others])
    return [
        _row("as it is", "one by one, not packed", sides, (_same, _same)),
        _row("zstd", f"one by one, zstd {_LEVEL}", sides, (_ALONE, _ALONE)),
        _row("zstd, dictionary", "one by one, zstd, 16 KB dictionary trained on other messages", sides, trained, _AIM),
        _row("over TCP", "one by one, as bus.compression packs them", sides, _across(), _AIM),
    ]


def _in_frames(bare: Sides, numbered: Sides) -> list[Row]:
    """Return the rows of frames. numbered: the same as bare, but with times as numbers."""
    name, text = f"{BUNDLE_DOCUMENTS} in a frame", f"publish frames of {BUNDLE_DOCUMENTS}, mixed types"
    sides, packed = (_bundled(bare[0]), _bundled(bare[1])), f"{text}, as bus.compression packs them"
    others = _bundled(numbered[0]), _bundled(numbered[1])
    return [
        _row(f"{name}, zstd", f"{text}, zstd {_LEVEL}", sides, (_ALONE, _ALONE), _AIM),
        _row(f"{name}, over TCP", packed, sides, _across(), _AIM),
        _row(f"{name}, over TCP, times", f"{packed}; bare has times as numbers", others, _across(time=int)),
    ]


def _row(name: str, text: str, sides: Sides, packs: tuple[Pack, Pack], aim: Aim | None = None) -> Row:
    ours, bare = (sum(map(len, map(pack, side))) / len(side) for pack, side in zip(packs, sides, strict=True))
    facts = {"overhead": f"{(ours / bare - 1) * 100:.1f} %", "measured": len(sides[0])}
    baseline = "the same content bare: compact JSON of what the message holds, packed by the same means"
    return compared(f"size, {name}", "bytes", [ours], [bare], text=(f"XML: {text}", baseline), aim=aim, facts=facts)


def _same(raw: bytes) -> bytes:
    return raw


def _trained(raws: Sequence[bytes]) -> Pack:
    words = zstandard.train_dictionary(_DICTIONARY_BYTES, list(raws))
    return zstandard.ZstdCompressor(level=_LEVEL, dict_data=words).compress


def _across(time: Time = render_timestamp) -> tuple[Pack, Pack]:
    """Return bus.compression and the same with a dictionary of bare examples, five bytes of head included."""
    raw = b"".join(plain(example(kind), time=time) for kind in MessageType)
    words = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    compressor = zstandard.ZstdCompressor(dict_data=words)
    return pack, lambda frame: bytes(5) + compressor.compress(frame)


def _bundled(raws: Sequence[bytes]) -> list[bytes]:
    starts = range(0, len(raws), BUNDLE_DOCUMENTS)
    return [pack_publish(n, raws[n : n + BUNDLE_DOCUMENTS]) for n in starts]


def _admissible(messages: Sequence[Message], raws: Sequence[bytes]) -> None:
    for message, raw in zip(messages, raws, strict=True):
        if decode(raw) != message:
            raise AssertionError(f"the document of {message.id} does not say what its message says")


def plain(message: Message, time: Time = render_timestamp) -> bytes:
    """Return the message bare. time: how its times are written."""
    fields = message.model_dump(serialize_as_any=True)
    return json.dumps(_kept(fields, time), separators=(",", ":"), ensure_ascii=False).encode()


def _kept(value: Any, time: Time) -> Any:
    if isinstance(value, dict):
        return {name: _kept(inner, time) for name, inner in value.items() if inner is not None and inner != ()}
    if isinstance(value, tuple):
        return [_kept(inner, time) for inner in value]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, int) and value > _FIRST_STAMP:
        return time(value)
    return value.value if isinstance(value, Enum) else value


def mixed(count: int, *, seed: int) -> list[Message]:
    """Return so many messages in mixed order: half task-completions of their own making, half varied examples."""
    chance, kinds = Random(seed), list(MessageType)
    halves = (
        [_completed(chance) for _ in range(count // 2)],
        [example(kinds[n % len(kinds)]) for n in range(count // 2)],
    )
    messages = [_enveloped(message, chance) for message in (*halves[0], *halves[1])]
    chance.shuffle(messages)
    return messages


def _completed(chance: Random) -> Message:
    """Return a task-completion with texts, files and steps of its own."""
    files = tuple(_written(chance) for _ in range(chance.randrange(4)))
    steps = tuple(f"read-{chance.randrange(40)}" for _ in range(chance.randrange(4)))
    text = " ".join(_sentence(chance) for _ in range(chance.randrange(1, 6)))
    result = Result(success=chance.random() < 0.9, description=text, artifacts=files, basis=steps)
    body = Report(action=Action.COMPLETED, result=result)
    return example(MessageType.TASK_COMPLETION).model_copy(update={"body": body})


def _written(chance: Random) -> File:
    path = f"{chance.choice(('extract', 'compare', 'report'))}/{chance.randrange(99)}/{chance.choice(_WORDS[:20])}.json"
    size, kind = chance.randrange(100_000), chance.choice(("application/json", "text/markdown", "text/x-python"))
    return File(path=path, sha256=_digest(chance), bytes=size, media_type=kind, summary=_sentence(chance))


def _enveloped(message: Message, chance: Random) -> Message:
    """Return the message with names, ids, times and contents that are not those of the example."""
    pairs = (
        ("@fact-extractor", "@spec-coordinator"),
        ("@spec-coordinator", "@fact-extractor"),
        ("@critic", "@tech-lead"),
    )
    sender, recipient = chance.choice(pairs)
    changes = {"sender": sender, "recipient": recipient, "task": f"extract/{chance.randrange(400)}"}
    return _varied(message, chance).model_copy(update=changes)


def _varied(model: B, chance: Random) -> B:
    return model.model_copy(update={name: _other(value, chance) for name, value in model.__dict__.items()})


def _other(value: Any, chance: Random) -> Any:
    """Return another value of the same kind; enumerations, names and yes or no stay."""
    if isinstance(value, BaseModel):
        return _varied(value, chance)
    if isinstance(value, tuple):
        return tuple(_other(inner, chance) for inner in value)
    if isinstance(value, Decimal):
        return Decimal(chance.randrange(-60_000, 60_000)).scaleb(-3)
    if isinstance(value, str):
        return _other_text(value, chance)
    if isinstance(value, int) and not isinstance(value, bool):
        return value + chance.randrange(10**16) if value > _FIRST_STAMP else chance.randrange(2_000)
    return value


def _other_text(text: str, chance: Random) -> str:
    if " " in text:
        return _sentence(chance) if len(text) < 200 else text
    if len(text) == 36 and text.count("-") == 4:
        return str(UUID(int=chance.getrandbits(128)))
    return _digest(chance) if len(text) == 64 else text


def _sentence(chance: Random) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randrange(4, 16)))[:200].strip()


def _digest(chance: Random) -> str:
    return chance.randbytes(32).hex()
