"""NATS core with nats-py: publish, flushed every 1,024; a subscription with a callback."""

import asyncio
from collections.abc import Iterable
from functools import partial

import nats  # type: ignore[import-not-found]
from nats.aio.msg import Msg  # type: ignore[import-not-found]

from benchmarks.peers.talk import Errand, Tally, run, say, timed

_SUBJECT = "gatekeeper.task-completion"
# The server cuts off a reader that is 64 MB behind, and the client drops beyond its limits: the sender waits for
# the server now and then, and the receiver may hold everything.
_FLUSH = 1_024


async def receive(errand: Errand) -> None:
    """Count everything that is published."""
    tally, done = Tally(errand), asyncio.Event()

    async def take(message: Msg) -> None:
        tally.take(message.data)
        if tally.is_done:
            done.set()

    client = await nats.connect(errand.address)
    await client.subscribe(_SUBJECT, cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1)
    await client.flush()
    say("listening")
    await done.wait()


async def send(errand: Errand) -> None:
    """Publish."""
    client = await nats.connect(errand.address)
    await timed(errand, partial(_publish, client))


async def _publish(client: nats.NATS, documents: Iterable[bytes]) -> None:
    for n, raw in enumerate(documents, 1):
        await client.publish(_SUBJECT, raw)
        if n % _FLUSH == 0:
            await client.flush()
    await client.flush()


if __name__ == "__main__":
    run({"receive": receive, "send": send})
