"""`orchestra keys`: who may connect from elsewhere, and with what is signed."""

from typing import Annotated

import typer

from bus.keys import BROKER_KEY, CURVE, ED25519, KeyRing
from bus.signatures import create
from cli.missions import Json
from cli.screen import say, say_json, table
from cli.settings import load
from protocol.errors import KeyFault
from protocol.topics import RECORDER, inbox_of

keys_app = typer.Typer(
    no_args_is_help=True, help="Keys: of the broker, of the recorder, and of whoever connects over TCP."
)

Name = Annotated[str, typer.Argument(help="An agent's name, such as python-expert.")]
Observer = Annotated[bool, typer.Option("--observer", help="May hear everything, not only its own inbox.")]
_RECORDER = inbox_of(RECORDER)


@keys_app.command()
def init(
    names: Annotated[list[str] | None, typer.Argument(help="Make keys for these names too, and allow them.")] = None,
    observer: Observer = False,
    sign: Annotated[bool, typer.Option("--sign", help="Also make keys with which these names sign messages.")] = False,
) -> None:
    """Make the folder of keys with those of broker and recorder; what exists already is left as it is.

    A run listens on TCP only with these keys (`listen` in orchestra.toml). Secrets never leave the folder; give
    the public halves to others: `orchestra keys show`.
    """
    ring = KeyRing.make(load().keys)
    if not ring.has(BROKER_KEY, CURVE):
        ring.create_curve(BROKER_KEY)
    if not ring.has(_RECORDER, ED25519):
        create(ring, _RECORDER)
    for name in names or []:
        if not ring.has(name, CURVE):
            ring.create_curve(name)
        ring.allow(name, ring.public(name, CURVE), is_observer=observer)
        if sign and not ring.has(name, ED25519):
            create(ring, name)
    say(f"keys are in {ring.folder}, for you only; the public ones: orchestra keys show")


@keys_app.command()
def show(as_json: Json = False) -> None:
    """Show the public keys kept here and who may connect. Secrets are never shown."""
    ring = KeyRing.open(load().keys)
    rows = [(name, kind, public, "yes") for name, kind, public in ring.pairs()]
    own = {(name, kind) for name, kind, _, _ in rows}
    for kind in (CURVE, ED25519):
        rows += [(name, kind, public, "no") for name, public in ring.known(kind) if (name, kind) not in own]
    allowed = {peer.name: "everything" if peer.is_observer else "its inbox" for peer in ring.peers()}
    rows += [(p.name, "allowed", p.public.decode(), "no") for p in ring.peers() if (p.name, CURVE) not in own]
    if as_json:
        for name, kind, public, is_ours in rows:
            hears = allowed.get(name) if kind != ED25519 else None
            say_json({"name": name, "kind": kind, "public": public, "secret_here": is_ours == "yes", "hears": hears})
        return
    shown = [[n, kind, ours, allowed.get(n, "") if kind != ED25519 else "", public] for n, kind, public, ours in rows]
    table(str(ring.folder), ["name", "kind", "secret here", "may connect and hear", "public key"], shown)


@keys_app.command()
def rotate(name: Name) -> None:
    """Replace a name's keys by new ones. The old public halves are kept: what they signed stays verifiable."""
    ring = KeyRing.open(load().keys)
    kinds = [kind for known, kind, _ in ring.pairs() if known == name.removeprefix("@")]
    if not kinds:
        raise KeyFault(f"no secret key of {name} is in {ring.folder}; a pair is rotated where it was made")
    for kind in kinds:
        kept = ring.retire(name, kind)
        public = create(ring, name) if kind == ED25519 else ring.create_curve(name).decode()
        peer = next((peer for peer in ring.peers() if peer.name == name.removeprefix("@")), None)
        if kind == CURVE and peer is not None:
            ring.allow(name, public.encode(), is_observer=peer.is_observer)
        say(f"{name} {kind}: {public}; the old public key is {kept}")


@keys_app.command()
def allow(
    name: Name,
    public: Annotated[str, typer.Argument(help="Its public CURVE key, 40 characters, from `orchestra keys show`.")],
    observer: Observer = False,
) -> None:
    """Let whoever has the secret half of this key connect under this name, from now on."""
    KeyRing.open(load().keys).allow(name, public.encode(), is_observer=observer)
    say(f"{name} may connect" + (" and hear everything" if observer else ""))


@keys_app.command()
def deny(name: Name) -> None:
    """Let nobody connect under this name any more; who is connected stays so until the run is started again."""
    KeyRing.open(load().keys).deny(name)
    say(f"{name} may not connect any more")


@keys_app.command()
def trust(
    public: Annotated[str, typer.Argument(help="The broker's public CURVE key, from `orchestra keys show` there.")],
) -> None:
    """On another machine: keep the key by which the broker over there is recognised."""
    KeyRing.make(load().keys).trust_broker(public.encode())
    say("the broker is recognised by this key from now on")
