"""What a run has cost: sums over its usages. Zero is zero, unknown is unknown."""

import sqlite3
from dataclasses import dataclass
from typing import Final, Literal

Grouping = Literal["agent", "model", "task", "day"]
GROUPINGS: Final[tuple[Grouping, ...]] = ("agent", "model", "task", "day")
_COLUMNS: Final = {
    "agent": "agent",
    "model": "provider || '/' || model",
    "task": "task",
    "day": "date(recorded_ns / 1000000000, 'unixepoch')",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """The model calls of one agent, model, task or day. nano_usd: of the calls whose price is known."""

    name: str
    calls: int
    input_tokens: int
    output_tokens: int
    nano_usd: int
    unpriced: int


def costs(db: sqlite3.Connection, grouping: Grouping) -> list[Cost]:
    """Return the costs of a run, the largest first; empty where no model was called."""
    column = _COLUMNS[grouping]
    rows = db.execute(
        f"SELECT {column}, count(*), sum(input_tokens + cache_read_tokens + cache_write_tokens), sum(output_tokens),"
        " coalesce(sum(cost_nano_usd), 0), sum(cost_nano_usd IS NULL) FROM usages"
        f" GROUP BY {column} ORDER BY 5 DESC, 1"
    )
    return [Cost(*row) for row in rows]


def usd(nano_usd: int) -> str:
    """Return an amount in dollars, exactly, with at least two decimals."""
    whole, rest = divmod(nano_usd, 1_000_000_000)
    digits = f"{rest:09}".rstrip("0").ljust(2, "0")
    return f"{whole}.{digits}"
