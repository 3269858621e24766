"""The recorder's key: in the ring that the installation keeps, or else in the run folder itself.

A key of the run folder shows that nobody changed the journal afterwards who did not also have the folder.
A key kept elsewhere, and its public half given to whoever audits, shows it for everybody else too.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus.keys import ED25519, KeyRing
from bus.run import RunFolder
from bus.seals import Seal
from bus.signatures import Verifier, public_hex, signing_key
from protocol.errors import JournalError
from protocol.topics import RECORDER, inbox_of


def recorder_key(run: RunFolder) -> Ed25519PrivateKey:
    """Return the key with which a run is sealed; made on first use. Its public half is put into the run folder.

    Raises:
        KeyFault: a key file is no key, or others can read it.
    """
    inside = KeyRing.make(run.keys)
    ring = KeyRing.open(run.ring) if run.ring is not None else inside
    key = signing_key(ring, RECORDER)
    if run.ring is not None:
        inside.trust(RECORDER, ED25519, public_hex(key).encode())
    return key


def public_keys(run: RunFolder) -> list[str]:
    """Return the recorder's public keys that lie in the run folder: the present one, and those before a rotation.

    Raises:
        JournalError: there is none; give one that you kept elsewhere.
    """
    known = KeyRing(run.keys).ever_known(ED25519) if run.keys.is_dir() else []
    publics = [public for name, public in known if name == inbox_of(RECORDER)]
    if not publics:
        raise JournalError(f"the recorder's public key is not in {run.keys}; give it with --key")
    return publics


def is_genuine(seal: Seal, public: str) -> bool:
    """Return whether a seal was signed by the owner of this public key, and names it."""
    try:
        signature = bytes.fromhex(seal.signature)
    except ValueError:
        return False
    return seal.key == public and Verifier(public).has_signed(seal.signed_bytes(), signature)
