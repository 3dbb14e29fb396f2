"""Runs: what happened when an export was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.core.guards import Approval, Held
from app.core.phrases import Phrase


class Status(StrEnum):
    """The state of a run; the words people see are in the window's translations."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    COMPLETED_WITH_REJECTS = "completed_with_rejects"
    FAILED = "failed"
    SKIPPED_TOO_LARGE = "skipped_too_large"
    SKIPPED_TOO_SMALL = "skipped_too_small"
    HELD = "held"
    NO_CONNECTION = "no_connection"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in {Status.QUEUED, Status.RUNNING}

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look."""
        return self in _ATTENTION


_ATTENTION = frozenset(
    {
        Status.COMPLETED_WITH_REJECTS,
        Status.FAILED,
        Status.SKIPPED_TOO_LARGE,
        Status.SKIPPED_TOO_SMALL,
        Status.HELD,
        Status.NO_CONNECTION,
        Status.INTERRUPTED,
    }
)


class Trigger(StrEnum):
    """What started a run."""

    PERSON = "person"
    SCHEDULE = "schedule"
    COMMAND_LINE = "command_line"


class PhaseName(StrEnum):
    """The phases of a run, in order."""

    PREPARE = "prepare"
    COUNT = "count"
    MATCH = "match"
    PLAN = "plan"
    SEND = "send"
    CONFIRM = "confirm"


class PhaseState(StrEnum):
    """How a phase went."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SLOWED = "slowed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase with its times (UTC); `slowed_at` is when the target first asked to slow down."""

    name: PhaseName
    state: PhaseState = PhaseState.WAITING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    slowed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run did, in members for segment exports and rows, files and bytes for data-out.

    Of data-out that writes what changed, `added`, `updated`, `removed` and `unchanged` count rows; the written ones of them are
    among `rows` too.

    `rejected` members were not taken, `invalid` are those of them that a rule of ours refused before they were sent.
    `suppressed` are those of the left out that are on the suppression list.
    """

    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    rejected: int = 0
    invalid: int = 0
    left_out: int = 0
    suppressed: int = 0
    rows: int = 0
    files: int = 0
    bytes: int = 0

    @property
    def delivered(self) -> int:
        """Members who arrived with this run, or rows written; who was unchanged was not sent."""
        return self.rows if self.files else self.added + self.updated


@dataclass(frozen=True, slots=True)
class SpeedPoint:
    """How many members, rows or bytes a second were settled around that moment."""

    at: datetime
    per_second: float


@dataclass(frozen=True, slots=True)
class SkippedSegment:
    """A segment left out as a whole, with the sentence that says why.

    `phrase` is the same for other languages, which earlier versions did not keep.
    """

    segment: str
    sentence: str
    phrase: Phrase | None = None

    @classmethod
    def because(cls, segment: str, why: Phrase) -> SkippedSegment:
        """Left out for that reason."""
        return cls(segment, str(why), why)


@dataclass(frozen=True, slots=True)
class RunError:
    """The three sentences of what stopped a run and what a person can do (`action` as in core/errors.py)."""

    what: str
    why: str
    fix: str
    action: str = "tell_us"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one export, kept after the export is gone; times are UTC.

    `total` is what the run set out to send and `done` how far it is, both in `unit`. `audience` is how many members of its
    segments the places hold after it, as far as we know; None when that is not known. `undoes` is the id of the run this one
    takes back. `owner` names the process that runs it, so that another one can tell an interrupted run from a running one.
    `held` says why nothing was sent, `approval` what was agreed to before it began.
    `bytes_sent` counts the bytes of files on their way, also before they are published.
    `interruptions` are the moments at which it was interrupted and after which it was resumed. With `send_again` a person
    said that members in doubt may be reached twice. `seen` tells that an interrupted run was shown once. `retries` is the
    run whose rejected members it sends again, alone. `kept_values` are members whose values the run that it takes back changed:
    they keep them.
    """

    id: str
    export_id: str
    export_name: str
    destination: str
    connection_id: str | None
    connection_name: str
    trigger: Trigger
    status: Status
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    phases: tuple[Phase, ...] = ()
    totals: Totals = field(default_factory=Totals)
    done: int = 0
    total: int | None = None
    unit: str = "members"
    skipped: tuple[SkippedSegment, ...] = ()
    error: RunError | None = None
    speed: tuple[SpeedPoint, ...] = ()
    hosts: tuple[str, ...] = ()
    waits_for: str = ""
    owner: str = ""
    audience: int | None = None
    undoes: str = ""
    held: Held | None = None
    approval: Approval | None = None
    interruptions: tuple[datetime, ...] = ()
    send_again: bool = False
    seen: bool = False
    retries: str = ""
    bytes_sent: int = 0
    kept_values: int = 0


def export_status(newest: Run | None, *, attached: bool) -> Status | None:
    """What is said of an export: a run of it that goes on, else that it has no connection, else how its newest run ended."""
    if newest is not None and not newest.status.ended:
        return newest.status
    if not attached:
        return Status.NO_CONNECTION
    return None if newest is None else newest.status


@dataclass(frozen=True, slots=True)
class Reject:
    """A member the target or a rule refused; `value` is as it would have been sent and is masked wherever it is shown."""

    member: str
    segment: str
    field: str
    value: str
    reason: str
    fix: str
    by_target: bool


@dataclass(frozen=True, slots=True)
class RejectPage:
    """Some of a run's rejects from `offset` on; `total` and `by_field` (field: number) count all of them."""

    rejects: tuple[Reject, ...]
    offset: int
    total: int
    by_field: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log; `level` is info, warning or error. Never holds a secret or an unmasked personal value."""

    at: datetime
    phase: PhaseName
    level: str
    text: str
