"""SPADE: two agents in processes of their own, and pyjabber, the server that comes with it."""

import asyncio
from collections.abc import Iterable
from typing import Any

import loguru  # type: ignore[import-not-found]
from pyjabber.server import Server  # type: ignore[import-not-found]
from pyjabber.server_parameters import Parameters  # type: ignore[import-not-found]
from spade.agent import Agent  # type: ignore[import-not-found]
from spade.behaviour import OneShotBehaviour  # type: ignore[import-not-found]
from spade.container import Container  # type: ignore[import-not-found]
from spade.message import Message  # type: ignore[import-not-found]

from benchmarks.peers.talk import Errand, Tally, run, say, timed

_RECEIVER = "receiver@localhost"
_SENDER = "sender@localhost"
_PAUSE = 32  # send only queues: the loop has to turn for anything to leave
_WAIT_S = 30.0


class Receiving(OneShotBehaviour):  # type: ignore[misc]
    """Takes messages until every one is there."""

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self._tally = Tally(errand)

    async def run(self) -> None:
        while not self._tally.is_done:
            message = await self.receive(timeout=_WAIT_S)
            if message is not None:
                self._tally.take(message.body.encode())


class Sending(OneShotBehaviour):  # type: ignore[misc]
    """Sends the warm-up and, at the word, what is measured."""

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self._errand = errand

    async def run(self) -> None:
        await timed(self._errand, self._publish)

    async def _publish(self, documents: Iterable[bytes]) -> None:
        for n, raw in enumerate(documents, 1):
            await self.send(Message(to=_RECEIVER, body=raw.decode()))
            if n % _PAUSE == 0:
                await asyncio.sleep(0)


async def serve(errand: Errand) -> None:
    """Run the server until the process is ended."""
    loguru.logger.remove()  # as SPADE itself does for the server that it runs
    port = _port(errand)
    server = Server(Parameters(host="localhost", client_port=port, server_port=port + 1, database_in_memory=True))
    await server.start()


async def receive(errand: Errand) -> None:
    """Run the agent that receives."""
    behaviour = Receiving(errand)
    await _agent(_RECEIVER, errand, behaviour)
    say("listening")
    await behaviour.join()


async def send(errand: Errand) -> None:
    """Run the agent that sends."""
    behaviour = Sending(errand)
    await _agent(_SENDER, errand, behaviour)
    await behaviour.join()


async def _agent(name: str, errand: Errand, behaviour: Any) -> None:
    agent = Agent(name, "secret", port=_port(errand))
    agent.add_behaviour(behaviour)
    await agent.start()


def _port(errand: Errand) -> int:
    return int(errand.address.rpartition(":")[2])


if __name__ == "__main__":
    run({"serve": serve, "receive": receive, "send": send}, Container().run)
