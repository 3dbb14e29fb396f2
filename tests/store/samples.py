"""One example of each stored thing, with every kind of value it can hold."""

from __future__ import annotations

from datetime import UTC, datetime, time

from app.core.audit import AuditEntry, Deed, Seat, Subject
from app.core.connections import Access, Connection, Consent, Health, HealthState
from app.core.counts import Count, Verdict
from app.core.exports import Export, ExportKind, Layout, SyncMode, TableChoice
from app.core.file_formats import Format
from app.core.names import new_id
from app.core.phrases import Phrase
from app.core.roles import Role
from app.core.runs import (
    Phase,
    PhaseName,
    PhaseState,
    Run,
    RunError,
    SkippedSegment,
    SpeedPoint,
    Status,
    Totals,
    Trigger,
)
from app.core.schedules import Every, Schedule
from app.core.segments import (
    Aggregate,
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Rule,
    Segment,
    SegmentOf,
    SegmentRef,
    SetOperator,
    Span,
    Unit,
    Within,
)
from app.core.suppression import Change, ChangeKind, ContactKind
from app.core.tables import Column, ColumnType, Meaning, Table, TableRole

NOON = datetime(2026, 7, 1, 12, 0, 0, 250, tzinfo=UTC)
CONSENT = Consent("nora", NOON)


def table(name: str = "Customer", **changes: object) -> Table:
    columns = (
        Column("CustomerId", ColumnType.INTEGER, native_type="BIGINT"),
        Column("Email", ColumnType.TEXT, Meaning.EMAIL, confirmed=True),
    )
    values = {
        "id": new_id(),
        "name": name,
        "role": TableRole.CUSTOMER,
        "columns": columns,
        "key": "CustomerId",
        "rows": 3_000_000_000,
        "generation": 2,
        "source": "customers.csv",
        "refreshed_at": NOON,
    }
    return Table(**(values | changes))


def segment(name: str = "Lapsed 90 days", **changes: object) -> Segment:
    total = Condition(
        FieldRef("Orders", "Total"),
        Operator.AT_LEAST,
        250.5,
        Aggregate.SUM,
        Within(FieldRef("Orders", "PlacedOn"), Span(12, Unit.MONTHS)),
    )
    rules = (
        Rule(
            SetOperator.UNION,
            Group(
                Mode.ALL,
                (
                    Condition(FieldRef("Customer", "Country"), Operator.IS_ONE_OF, ("DE", 7, True, None, 1.5)),
                    Condition(FieldRef("Customer", "SeenOn"), Operator.LAST, Span(3, Unit.WEEKS)),
                    Condition(FieldRef("Customer", "Nick.Name"), Operator.IS_EMPTY),
                    Group(Mode.ANY, (total,)),
                ),
            ),
        ),
        Rule(SetOperator.EXCEPT, SegmentRef("Opted out")),
    )
    values = {"id": new_id(), "name": name, "of": SegmentOf.CUSTOMERS, "rules": rules}
    return Segment(**(values | changes))


def connection(name: str = "Mailchimp EU", **changes: object) -> Connection:
    values = {
        "id": new_id(),
        "name": name,
        "destination": "mailchimp",
        "settings": {"api_url": "https://eu1.example"},
        "secrets": frozenset({"api_key"}),
        "access": Access.CONTRIBUTORS,
        "consent": CONSENT,
        "created_at": NOON,
        "created_by": "nora",
        "health": Health(HealthState.FAILED, NOON, "The key was refused."),
    }
    return Connection(**(values | changes))


def export(name: str = "Newsletter weekly", **changes: object) -> Export:
    values = {
        "id": new_id(),
        "name": name,
        "kind": ExportKind.SEGMENT,
        "destination": "mailchimp",
        "connection": "c1",
        "created_at": NOON,
        "created_by": "nora",
        "segments": ("Lapsed 90 days", "Gold"),
        "target": {"audience_id": "a1"},
        "match": {"email": "Customer.Email"},
        "sync": SyncMode.MIRROR,
        "tables": (TableChoice("Customer"), TableChoice("Orders", ("OrderId",))),
        "format": Format(rows_per_file=None),
        "layout": Layout(model_json=False),
        "schedule": Schedule(Every.WEEK, time(5, 30), "Europe/Berlin", ("mon",)),
        "consent": CONSENT,
    }
    return Export(**(values | changes))


def count(**changes: object) -> Count:
    values = {
        "segment": "Lapsed 90 days",
        "members": 10,
        "eligible": 9,
        "duplicates": 1,
        "no_consent": 2,
        "suppressed": 0,
        "to_send": 6,
        "counted_at": NOON,
        "verdict": Verdict.TOO_SMALL,
        "reason": "Too small.",
    }
    return Count(**(values | changes))


def run(**changes: object) -> Run:
    values = {
        "id": new_id(),
        "export_id": "e1",
        "export_name": "Newsletter weekly",
        "destination": "mailchimp",
        "connection_id": "c1",
        "connection_name": "Mailchimp EU",
        "trigger": Trigger.PERSON,
        "status": Status.QUEUED,
        "queued_at": NOON,
        "phases": (Phase(PhaseName.SEND, PhaseState.SLOWED, NOON, None),),
        "totals": Totals(added=5, bytes=2**40),
        "skipped": (SkippedSegment("Gold", "Too large."), SkippedSegment.because("VIP", Phrase("too_small", (5, 10)))),
        "error": RunError("It stopped.", "The sign-in expired.", "Sign in again.", "sign_in"),
        "speed": (SpeedPoint(NOON, 12.5),),
        "hosts": ("eu1.example",),
        "owner": "here:1:1",
    }
    return Run(**(values | changes))


def imported(source: str = "optouts.csv", kind: ContactKind = ContactKind.EMAIL, at: datetime = NOON) -> Change:
    return Change(at, "anna", ChangeKind.IMPORTED, source, kind, 0)


def audit_entry(deed: Deed = Deed.EXPORT_CHANGED, **changes: object) -> AuditEntry:
    values = {
        "at": NOON,
        "deed": deed,
        "subject": Subject.EXPORT,
        "name": "Lapsed 90 days",
        "person": "nora",
        "role": Role.CONTRIBUTOR,
        "seat": Seat.WINDOW,
        "computer": "desk-04",
        "before": {"schedule.at": "05:30"},
        "after": {"schedule.at": "06:00"},
    }
    return AuditEntry(**(values | changes))
