"""Ed25519 over raw bytes: what agents sign messages with and the recorder its seals.

Keys live in a ring (`bus.keys`), in hexadecimal. Signing takes about 35 µs, checking about 110 µs a message.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bus.keys import ED25519, KeyRing
from protocol.bodies import Control, Verb
from protocol.errors import KeyFault
from protocol.messages import Message
from protocol.topics import BROKER

Sign: TypeAlias = Callable[[bytes], bytes]


class Signing(Enum):
    """What of a run is signed: nothing, the recorder's seals, or every message by its sender as well."""

    NONE = "none"
    SEALS = "seals"
    MESSAGES = "messages"


def demands_signatures(message: Message) -> bool | None:
    """Return whether messages have to be signed from this one on; None where it says nothing of that.

    Each epoch of the broker begins by saying so.
    """
    body = message.body
    if message.sender != BROKER or not isinstance(body, Control) or body.verb is not Verb.EPOCH:
        return None
    return any(s.name == "signing" and s.value == Signing.MESSAGES.value for s in body.settings)


def create(ring: KeyRing, name: str) -> str:
    """Make a signing key in a ring and return its public half in hexadecimal.

    Raises:
        KeyFault: there is one of that name already.
    """
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()
    ring.store(name, ED25519, raw.encode(), public_hex(key).encode())
    return public_hex(key)


def signing_key(ring: KeyRing, name: str) -> Ed25519PrivateKey:
    """Return a name's signing key; made on first use.

    Raises:
        KeyFault: there is a file, but no key in it.
    """
    if not ring.has(name, ED25519):
        try:
            create(ring, name)
        except KeyFault:  # another process, of another run perhaps, was quicker
            if not ring.has(name, ED25519):
                raise
    try:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ring.secret(name, ED25519).decode("ascii")))
    except ValueError as error:
        raise KeyFault(f"{ring.folder}: the signing key of {name} is no Ed25519 key in hexadecimal") from error
    ring.complete(name, ED25519, public_hex(key).encode())
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


class Verifier:
    """Checks signatures of one public key, given in hexadecimal. A key that is none verifies nothing."""

    def __init__(self, public: str) -> None:
        try:
            self._key: Ed25519PublicKey | None = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        except ValueError:
            self._key = None

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether the key's owner has signed these bytes."""
        if self._key is None:
            return False
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True
