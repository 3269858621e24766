"""A campaign: mutated inputs into every target in turn, for a number of rounds; what broke and what was slow."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.fuzz.mutation import mutate
from tests.fuzz.targets import EXAMPLES, TARGETS, corpus

_POOL: Final = 400
_SLOWEST: Final = 8
_FAIR_BYTES: Final = 2_000  # below that, what a refusal costs anyway is most of it


@dataclass(frozen=True, slots=True)
class Failure:
    """An input on which a target raised what it may not raise."""

    target: str
    raw: bytes
    error: str


@dataclass(slots=True)
class Campaign:
    """inputs: how many were tried, accepted: how many got in, by target. slowest: µs per KB, target, input."""

    seed: int
    inputs: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    slowest: list[tuple[float, str, bytes]] = field(default_factory=list)

    def run(self) -> Iterator[tuple[str, bytes] | Failure]:
        """Go on for ever: before each input yield it, so that who watches knows what killed us; and every failure."""
        random, others = Random(self.seed), [*EXAMPLES, *corpus()]
        pools = {name: list(honest) for name, (_, honest) in TARGETS.items()}
        while True:
            for name, pool in pools.items():
                base = random.choice(others) if name == "document" and random.random() < 0.1 else random.choice(pool)
                raw = mutate(random, base, others)
                yield name, raw
                found = self._try(name, raw)
                if isinstance(found, Failure):
                    yield found
                elif found and len(pool) < _POOL:
                    pool.append(raw)  # whatever still gets in is the best place to go on from

    def _try(self, name: str, raw: bytes) -> bool | Failure:
        target, _ = TARGETS[name]
        began_s = time.process_time()
        try:
            got_in = bool(target(raw))
        except Exception as error:  # noqa: BLE001  # finding out which errors escape is the purpose
            return Failure(name, raw, f"{type(error).__name__}: {error}")
        self._note_time(name, raw, time.process_time() - began_s)
        self.inputs[name] = self.inputs.get(name, 0) + 1
        self.accepted[name] = self.accepted.get(name, 0) + got_in
        return got_in

    def _note_time(self, name: str, raw: bytes, took_s: float) -> None:
        if len(raw) < _FAIR_BYTES:
            return
        us_per_kb = took_s * 1e6 / (len(raw) / 1024)
        if len(self.slowest) == _SLOWEST and us_per_kb < self.slowest[-1][0]:
            return
        # Once more: what was slow because something was made for the first time is not slow.
        began_s = time.process_time()
        TARGETS[name][0](raw)
        us_per_kb = min(us_per_kb, (time.process_time() - began_s) * 1e6 / (len(raw) / 1024))
        self.slowest = sorted([*self.slowest, (us_per_kb, name, raw)], reverse=True)[:_SLOWEST]
