"""How one secret is laid out in a keyring: whole when short, in numbered parts behind a manifest when long.

Windows' Credential Manager takes at most 2,560 bytes a value (CRED_MAX_CREDENTIAL_BLOB_SIZE, wincred.h), which is 1,280
UTF-16 code units as keyring writes them. The same layout is used on every system, so every system's tests cover it.

- The main entry lies under the store's service. `=text` holds a short value whole; `#{...}` is the manifest of a long one.
- Part n lies under a service of its own (Windows' backend renames entries that share a service) as `=piece`.
- Parts are written into the slot that is not in force, each read back; the manifest comes last. A write that is cut off
  leaves the old value whole, and the next write or erase finds the leftovers by counting up.
- The leading `=` also keeps an empty value storable and a value's first character from being read as a byte order mark.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from keyring.errors import PasswordDeleteError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_UNITS = 1280
"""Longest text of one entry, in UTF-16 code units."""

_SLOTS = ("a", "b")
_WHOLE, _MANIFEST = "=", "#"


class Drawer(Protocol):
    """The three calls of a keyring backend that are used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """The value, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Create or replace."""

    def delete_password(self, service: str, username: str) -> None:
        """Remove; raises PasswordDeleteError when it is not there."""


class NotKept(Exception):
    """The keyring accepted a change and then did not show it."""


class Entries:
    """Reads, writes and erases secrets of any length in one service of a keyring.

    `before_change` runs before every change and may raise to stop in between. Not thread safe: the store takes turns.
    Errors of the keyring pass through unchanged.
    """

    def __init__(self, drawer: Drawer, service: str, before_change: Callable[[], None]) -> None:
        self._drawer = drawer
        self._service = service
        self._before_change = before_change

    def read(self, user: str) -> str | None:
        """The secret, or None when it is missing or a part of it is."""
        main = self._drawer.get_password(self._service, user)
        value = self._assemble(user, main)
        if value is not None or main is None:
            return value
        # Another process may have replaced the parts between our two looks: then the main entry changed as well.
        again = self._drawer.get_password(self._service, user)
        return self._assemble(user, again) if again != main else None

    def write(self, user: str, value: str) -> None:
        """Keep the secret, replacing an older one; `value` has no lone surrogates.

        Raises:
            NotKept: the keyring did not give back what was written; an older value may be gone.
        """
        old = self._drawer.get_password(self._service, user)
        pieces = split(value, MAX_UNITS - len(_WHOLE))
        slot = None
        if len(pieces) == 1:
            main = _WHOLE + value
        else:
            slot = _free_slot(old)
            main = _manifest(slot, pieces)
            self._write_parts(user, slot, pieces)
        self._set(self._service, user, main)
        if old not in (None, main):
            # Windows' backend keeps what it replaces under a second name; writing again replaces that copy too.
            self._set(self._service, user, main)
        for stale in _SLOTS:
            if stale != slot:
                self._drop_parts(user, stale)

    def erase(self, user: str) -> None:
        """Remove the secret and every part of it; nothing happens when it is not there.

        Raises:
            NotKept: it is still there afterwards.
        """
        self._remove(self._service, user)
        for slot in _SLOTS:
            self._drop_parts(user, slot)

    def _assemble(self, user: str, main: str | None) -> str | None:
        if main is None or main.startswith(_WHOLE):
            return None if main is None else main[len(_WHOLE) :]
        try:
            manifest = json.loads(main.removeprefix(_MANIFEST))
            slot, count, digest = str(manifest["slot"]), int(manifest["parts"]), str(manifest["sha256"])
        except (ValueError, KeyError, TypeError):
            return None
        pieces = []
        for number in range(1, count + 1):
            piece = self._drawer.get_password(self._part_service(user, slot, number), user)
            if piece is None:
                return None
            pieces.append(piece[len(_WHOLE) :])
        value = "".join(pieces)
        return value if _digest(value) == digest else None

    def _write_parts(self, user: str, slot: str, pieces: list[str]) -> None:
        self._drop_parts(user, slot)
        try:
            for number, piece in enumerate(pieces, start=1):
                self._set(self._part_service(user, slot, number), user, _WHOLE + piece)
        except Exception:
            with suppress(Exception):  # the first error is the one to tell; a later write or erase cleans up too
                self._drop_parts(user, slot)
            raise

    def _drop_parts(self, user: str, slot: str) -> None:
        count = 0
        while self._drawer.get_password(self._part_service(user, slot, count + 1), user) is not None:
            count += 1
        for number in range(count, 0, -1):  # downwards: cut off anywhere, the rest still counts up from 1
            self._remove(self._part_service(user, slot, number), user)

    def _set(self, service: str, user: str, text: str) -> None:
        self._before_change()
        self._drawer.set_password(service, user, text)
        if self._drawer.get_password(service, user) != text:
            raise NotKept

    def _remove(self, service: str, user: str) -> None:
        if self._drawer.get_password(service, user) is None:
            return
        self._before_change()
        with suppress(PasswordDeleteError):  # "not there" and "not allowed" alike: the look below tells them apart
            self._drawer.delete_password(service, user)
        if self._drawer.get_password(service, user) is not None:
            raise NotKept

    def _part_service(self, user: str, slot: str, number: int) -> str:
        return f"{self._service}/{user}/{slot}{number}"


def split(text: str, units: int) -> list[str]:
    """Cut `text` into pieces of at most `units` (2 or more) UTF-16 code units, never inside a surrogate pair."""
    raw = text.encode("utf-16-le")
    pieces = []
    start = 0
    while len(raw) - start > 2 * units:
        end = start + 2 * units
        if 0xDC <= raw[end + 1] <= 0xDF:
            end -= 2
        pieces.append(raw[start:end].decode("utf-16-le"))
        start = end
    pieces.append(raw[start:].decode("utf-16-le"))
    return pieces


def _free_slot(main: str | None) -> str:
    in_use = next((slot for slot in _SLOTS if main is not None and main.startswith(_manifest_start(slot))), None)
    return _SLOTS[1] if in_use == _SLOTS[0] else _SLOTS[0]


def _manifest(slot: str, pieces: list[str]) -> str:
    body = json.dumps({"slot": slot, "parts": len(pieces), "sha256": _digest("".join(pieces))})
    return _MANIFEST + body


def _manifest_start(slot: str) -> str:
    return _MANIFEST + json.dumps({"slot": slot})[:-1]


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
