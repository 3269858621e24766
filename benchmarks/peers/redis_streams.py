"""Redis streams with redis-py (hiredis): XADD pipelined by 64, XREAD of up to 256, over a Unix socket."""

from collections.abc import Iterable
from functools import partial
from itertools import islice

import redis  # type: ignore[import-not-found]

from benchmarks.peers.talk import Errand, Tally, run, say, timed

_KEY = "gatekeeper/task-completion"
_PIPELINE = 64
_BATCH = 256
_WAIT_MS = 30_000


async def receive(errand: Errand) -> None:
    """Read the stream from its beginning."""
    tally, place = Tally(errand), b"0"
    client = redis.Redis(unix_socket_path=errand.address)
    client.ping()
    say("listening")
    while not tally.is_done:
        for _key, entries in client.xread({_KEY: place}, count=_BATCH, block=_WAIT_MS):
            for place, fields in entries:  # noqa: B007  # the last place is where the next read begins
                tally.take(fields[b"d"])


async def send(errand: Errand) -> None:
    """Add to the stream."""
    client = redis.Redis(unix_socket_path=errand.address)
    await timed(errand, partial(_add, client))


async def _add(client: redis.Redis, documents: Iterable[bytes]) -> None:
    waiting = iter(documents)
    while group := list(islice(waiting, _PIPELINE)):
        pipeline = client.pipeline(transaction=False)
        for raw in group:
            pipeline.xadd(_KEY, {"d": raw})
        pipeline.execute()


if __name__ == "__main__":
    run({"receive": receive, "send": send})
