"""How a process learns that its supervisor is gone: so no orphan speaks twice."""

import multiprocessing
from multiprocessing import connection


def lifeline() -> int | None:
    """Return a file descriptor that becomes readable when the supervisor dies; None for a process of its own."""
    parent = multiprocessing.parent_process()
    return None if parent is None else int(parent.sentinel)


def is_cut(descriptor: int | None) -> bool:
    """Return whether the supervisor behind a lifeline is gone."""
    return descriptor is not None and bool(connection.wait([descriptor], timeout=0))
