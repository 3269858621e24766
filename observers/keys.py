"""The recorder's key: made once for a run, readable by its owner only; its public half lies beside it."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bus.seals import Seal
from protocol.errors import JournalError


def load_or_make(folder: Path) -> Ed25519PrivateKey:
    """Return the key in a folder, made on first use.

    Raises:
        JournalError: there is a file, but no key in it.
    """
    path = folder / "recorder.key"
    if path.exists():
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except ValueError as error:
            raise JournalError(f"{path} holds no Ed25519 key in hexadecimal") from error
    key = Ed25519PrivateKey.generate()
    folder.mkdir(mode=0o700, exist_ok=True)
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(raw + "\n")
    (folder / "recorder.pub").write_text(public_hex(key) + "\n", encoding="ascii")
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def is_genuine(seal: Seal, public: str) -> bool:
    """Return whether a seal was signed by the owner of this public key, and names it."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(seal.signature), seal.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return seal.key == public
