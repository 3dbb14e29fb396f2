"""Receipts: what left this computer in one run, where it went, and what came back; written once and never changed.

A receipt holds no personal value, so that it can be handed on. It carries the SHA-256 of its own canonical JSON, which shows
whether somebody changed it; it is no signature, because whoever changes the numbers can make the sum again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.batches import Batch
from app.core.runs import RunError, SkippedSegment, Status, Totals, Trigger

FORMAT = 1
SUM = "sha256"
"""The entry of a receipt's document that holds the sum of all the others."""


class HostUse(StrEnum):
    """What a host was contacted for."""

    SIGN_IN = "sign_in"
    SET_UP = "set_up"
    """Looking for the audience and its fields, making it."""
    MEMBERS = "members"
    FILES = "files"
    READ_BACK = "read_back"


@dataclass(frozen=True, slots=True)
class HostTraffic:
    """What went to one host and came from it for one purpose, in bytes: HTTP with its headers, of SFTP the files alone."""

    host: str
    use: HostUse
    requests: int
    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A file that arrived, by its full address at the destination."""

    path: str
    rows: int
    bytes: int
    sha256: str


class ReadBackResult(StrEnum):
    """What asking the destination gave."""

    AS_EXPECTED = "as_expected"
    DIFFERS = "differs"
    TOLD = "told"
    """It answered, but not with a number that can be compared."""
    NOT_POSSIBLE = "not_possible"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the destination said it holds of one segment, after everything was sent.

    `expected` is what it holds as far as we know, None when that is not known. `sentence` is its answer in words, or why it
    could not be asked.
    """

    segment: str
    asked_at: datetime
    expected: int | None = None
    there: int | None = None
    sentence: str = ""
    failed: bool = False

    @property
    def result(self) -> ReadBackResult:
        """How the answer compares."""
        if self.failed:
            return ReadBackResult.FAILED
        if self.there is None:
            return ReadBackResult.TOLD if self.sentence else ReadBackResult.NOT_POSSIBLE
        if self.expected is None:
            return ReadBackResult.TOLD
        return ReadBackResult.AS_EXPECTED if self.there == self.expected else ReadBackResult.DIFFERS


@dataclass(frozen=True, slots=True)
class ReceiptRejects:
    """Who was refused, in numbers: by reason, with the SHA-256 of the file that names them (empty without one)."""

    number: int = 0
    by_reason: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptConfiguration:
    """What the run was told to do; `sha256` is that of the whole configuration kept with the run (core/configurations.py)."""

    destination: str
    connection: str
    target: Mapping[str, str] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    sync: str = ""
    guard: str = ""
    version: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of one run; times are UTC.

    `planned` is what it set out to send, in `unit`; `held` is how many members of its segments the audience holds after.
    `interruptions` are the moments at which its process died, after which it was resumed: a request that was on its way then
    is in no number. `undoes` is the run this one took back, `kept_values` how many members keep the values that one gave them.
    """

    run: str
    export: str
    status: Status
    trigger: Trigger
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime
    totals: Totals
    unit: str
    configuration: ReceiptConfiguration
    planned: int | None = None
    held: int | None = None
    hosts: tuple[HostTraffic, ...] = ()
    batches: tuple[Batch, ...] = ()
    files: tuple[ReceiptFile, ...] = ()
    read_backs: tuple[ReadBack, ...] = ()
    rejects: ReceiptRejects = field(default_factory=ReceiptRejects)
    skipped: tuple[SkippedSegment, ...] = ()
    error: RunError | None = None
    interruptions: tuple[datetime, ...] = ()
    undoes: str = ""
    kept_values: int = 0
    format: int = FORMAT


class ReceiptPart(StrEnum):
    """What can be checked of a receipt."""

    ITSELF = "itself"
    """Its own sum fits what stands in it."""
    AUDIT_TRAIL = "audit_trail"
    """The audit trail was told the same sum when the run closed."""
    COPY = "copy"
    """A file that was saved holds the same."""
    CONFIGURATION = "configuration"
    REJECTS = "rejects"


class Finding(StrEnum):
    """What checking gave."""

    FITS = "fits"
    DIFFERS = "differs"
    NOT_KEPT = "not_kept"


def gets_receipt(status: Status) -> bool:
    """Whether a run in that status is over for good: one that is held or was interrupted may still go on.

    One that was interrupted is over when its export runs anew.
    """
    return status.ended and status not in {Status.HELD, Status.INTERRUPTED}


def canonical(document: Mapping[str, Any]) -> bytes:
    """A JSON document in the one form that is hashed: keys sorted, no blanks, UTF-8."""
    return canonical_value(document)


def digest_of(document: Mapping[str, Any]) -> str:
    """The SHA-256 of a document's canonical form, without its own sum; lists may be anything that can be gone through."""
    digest = hashlib.sha256()
    for piece in pieces({key: value for key, value in document.items() if key != SUM}):
        digest.update(piece)
    return digest.hexdigest()


def pieces(document: Mapping[str, Any], *, to_read: bool = False) -> Iterator[bytes]:
    """A document entry by entry and element by element: the receipt of ten million members has 20,000 batches.

    In the canonical form, or `to_read` by people: in its own order, with an entry a line and an element of a list.
    """
    entry, element, colon, end = (b"\n  ", b"\n    ", b": ", b"\n}\n") if to_read else (b"", b"", b":", b"}")
    yield b"{"
    for at, name in enumerate(document if to_read else sorted(document)):
        yield (b"," if at else b"") + entry + canonical_value(name) + colon
        value = document[name]
        if _is_list(value):
            yield b"["
            for place, each in enumerate(value):
                yield (b"," if place else b"") + element + canonical_value(each)
            yield b"]"
        else:
            yield canonical_value(value)
    yield end


def _is_list(value: object) -> bool:
    """Whether it stands in JSON as a list."""
    return isinstance(value, Iterable) and not isinstance(value, str | Mapping)


def canonical_value(value: object) -> bytes:
    """Anything JSON knows in its canonical form."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its sum."""
    return {**document, SUM: digest_of(document)}


def is_whole(document: Mapping[str, Any]) -> bool:
    """Whether the document is still as it was sealed."""
    return document.get(SUM) == digest_of(document)
