"""Files encrypted with OpenPGP for a partner: who has the secret key to that public one can read them, and nobody else.

The key is public and is kept with the export. It is read anew for each run, because it may have expired or been revoked
meanwhile. Files are encrypted from drive to drive in constant memory, as binary messages (RFC 9580, readable by GnuPG).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pysequoia
from pysequoia.packet import Packet, PacketPile, SignatureType, Tag

from app.core.errors import FixSettings, SendoffError, TryAgain
from app.core.partner_keys import PartnerKey


def read_key(text: str, now: datetime) -> PartnerKey:
    """What stands in a public key with its armour; raises FixSettings when nothing should be encrypted with it now."""
    key = _parsed(text)
    _demand_valid(key, now)
    owners = tuple(str(owner) for owner in key.user_ids)
    return PartnerKey(key.fingerprint.upper(), owners, key.expiration)


def armoured(data: bytes) -> str:
    """A public key as text, from the bytes of its file, which may be text already; FixSettings for anything else."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        try:
            return str(pysequoia.Cert.from_bytes(data))
        except Exception as error:
            raise _unreadable() from error
    _parsed(text)
    return text


class Encryption:
    """Encrypts the files of one run for whom a key belongs to; raises what `read_key` does when it is made."""

    def __init__(self, text: str, now: datetime) -> None:
        key = _parsed(text)
        _demand_valid(key, now)
        self._key = _alive(key, now)

    def encrypt(self, source: Path) -> Path:
        """The file encrypted, beside the plain one, which is gone afterwards; raises TryAgain when the drive is full."""
        encrypted = source.with_name(f"{source.name}.pgp")
        try:
            pysequoia.encrypt_file(str(source), str(encrypted), [self._key], armor=False)
        except Exception as error:
            encrypted.unlink(missing_ok=True)
            raise TryAgain(
                f"“{source.name}” could not be encrypted.",
                f"{_first_line(error)} Nothing was published.",
                "Look whether the drive has room, then run the export again.",
                code="not_encrypted",
            ) from error
        finally:
            source.unlink(missing_ok=True)
        return encrypted


def _demand_valid(key: pysequoia.Cert, now: datetime) -> None:
    if key.is_revoked:
        raise _refused(
            "This key was revoked.",
            "Its owner said that it must not be used any more.",
            "Ask the partner for their new key.",
        )
    if key.expiration is not None and key.expiration <= now:
        raise _refused(
            "This key has expired.",
            f"It held until {key.expiration:%Y-%m-%d}.",
            "Ask the partner for a key that was renewed, and put it in place of this one.",
        )
    try:
        pysequoia.encrypt(b"", [_alive(key, now)])
    except SendoffError:
        raise
    except Exception as error:
        raise _refused(
            "Nothing can be encrypted with this key.",
            "It has no part for that which is valid now; it may be there only to sign, or that part has expired.",
            "Ask the partner for a key that can encrypt.",
        ) from error


def _alive(key: pysequoia.Cert, now: datetime) -> pysequoia.Cert:
    """The key without the subkeys that have expired or were revoked: the library would take them all the same."""
    kept: list[Packet] = []
    for group in _groups(key):
        if group[0].tag != Tag.PublicSubkey or _holds(group, now):
            kept += group
    return pysequoia.Cert.from_packets(kept)


def _groups(key: pysequoia.Cert) -> list[list[Packet]]:
    """The primary key with all that belongs to it, then each subkey with its signatures."""
    groups: list[list[Packet]] = []
    for packet in PacketPile.from_bytes(bytes(key)):
        if packet.tag == Tag.PublicSubkey or not groups:
            groups.append([])
        groups[-1].append(packet)
    return groups


def _holds(subkey: list[Packet], now: datetime) -> bool:
    """Whether a subkey is neither revoked nor expired, by its newest binding."""
    made = subkey[0].key_created
    signatures = [packet for packet in subkey[1:] if packet.tag == Tag.Signature]
    if any(signature.signature_type == SignatureType.SubkeyRevocation for signature in signatures):
        return False
    bindings = [each for each in signatures if each.signature_type == SignatureType.SubkeyBinding]
    newest = max(bindings, key=lambda each: each.signature_created or datetime.min.replace(tzinfo=UTC), default=None)
    if newest is None or made is None:
        return False
    return newest.key_validity_period is None or made + newest.key_validity_period > now


def _parsed(text: str) -> pysequoia.Cert:
    if "PRIVATE KEY" in text:
        raise _refused(
            "This is a secret key.",
            "Only its owner may have it; with it in the export, everybody could read the files.",
            "Ask the partner for the public key, and tell them that the secret one was passed on.",
        )
    try:
        found = pysequoia.Cert.split_bytes(text.encode())
    except Exception as error:
        raise _unreadable() from error
    if not found:
        raise _unreadable()
    if len(found) > 1:
        raise _refused(
            "There is more than one key.", f"The text holds {len(found)} of them.", "Take the one of the partner only."
        )
    return found[0]


def _first_line(error: Exception) -> str:
    """What the library says, without the stack it says it from."""
    return f"{str(error).splitlines()[0].rstrip('.')}." if str(error) else f"{type(error).__name__}."


def _unreadable() -> FixSettings:
    return _refused(
        "This is no public key.",
        "A key begins with -----BEGIN PGP PUBLIC KEY BLOCK----- and must be there to its last line.",
        "Ask the partner for their OpenPGP key, and paste or open all of it.",
    )


def _refused(what: str, why: str, fix: str) -> FixSettings:
    return FixSettings(what, why, fix, code="pgp_key")
