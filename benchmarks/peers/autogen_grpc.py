"""AutoGen's gRPC runtime: a host, a runtime that publishes, a runtime with one agent that listens, a process each."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from autogen_core import (  # type: ignore[import-not-found]
    ClosureAgent,
    ClosureContext,
    DefaultSubscription,
    DefaultTopicId,
    MessageContext,
    try_get_known_serializers_for_type,
)
from autogen_ext.runtimes.grpc import (  # type: ignore[import-not-found]
    GrpcWorkerAgentRuntime,
    GrpcWorkerAgentRuntimeHost,
)

from benchmarks.peers.talk import Errand, Tally, run, say, timed

_PAUSE = 32  # publish_message only starts a task: without a pause nothing would leave before the last call


@dataclass
class Document:
    """The message: the XML as one text."""

    text: str


async def serve(errand: Errand) -> None:
    """Run the server until the process is ended."""
    host = GrpcWorkerAgentRuntimeHost(errand.address)
    host.start()
    await asyncio.Event().wait()


async def receive(errand: Errand) -> None:
    """Run the one agent that listens."""
    tally, done = Tally(errand), asyncio.Event()

    async def take(_agent: ClosureContext, message: Document, _context: MessageContext) -> None:
        tally.take(message.text.encode())
        if tally.is_done:
            done.set()

    runtime = await _runtime(errand)
    await ClosureAgent.register_closure(runtime, "gatekeeper", take, subscriptions=lambda: [DefaultSubscription()])
    say("listening")
    await done.wait()


async def send(errand: Errand) -> None:
    """Publish to the topic it listens to."""
    await timed(errand, partial(_publish, await _runtime(errand)))


async def _runtime(errand: Errand) -> GrpcWorkerAgentRuntime:
    runtime = GrpcWorkerAgentRuntime(errand.address)
    runtime.add_message_serializer(try_get_known_serializers_for_type(Document))
    await runtime.start()
    return runtime


async def _publish(runtime: GrpcWorkerAgentRuntime, documents: Iterable[bytes]) -> None:
    topic = DefaultTopicId()
    for n, raw in enumerate(documents, 1):
        await runtime.publish_message(Document(raw.decode()), topic)
        if n % _PAUSE == 0:
            await asyncio.sleep(0)


if __name__ == "__main__":
    run({"serve": serve, "receive": receive, "send": send})
