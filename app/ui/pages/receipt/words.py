"""A receipt in words: what the page shows and the paper prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QCoreApplication

from app.core.batches import Batch, BatchKind, BatchState
from app.core.exports import SyncMode
from app.core.receipts import HostUse, ReadBack, ReadBackResult, Receipt
from app.core.runs import Totals, Trigger
from app.ui.formats import Formats, seconds_between
from app.ui.widgets.facts import Fact
from app.ui.widgets.notes import NoteTone

ELLIPSIS = "…"


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ReceiptWords", text)


@dataclass(frozen=True)
class Figure:
    """A number with what it counts; `ink` is a colour role."""

    number: str
    words: str
    ink: str = "text"


@dataclass(frozen=True)
class Answer:
    """A note: what asking the destination gave."""

    tone: NoteTone
    sentence: str
    detail: str


@dataclass(frozen=True)
class Line:
    """A row of one of the tables, in words; `sum` is the whole SHA-256 where there is one."""

    key: str
    cells: tuple[str, ...]
    sum: str = ""


def _changed_rows(totals: Totals, formats: Formats) -> list[Figure]:
    """How the rows came about, of an export that writes what changed."""
    if not (totals.added or totals.updated or totals.removed):
        return []
    return [
        Figure(formats.compact(totals.added), tr("Added"), "success" if totals.added else "text"),
        Figure(formats.compact(totals.updated), tr("Changed")),
        Figure(formats.compact(totals.removed), tr("Removed")),
    ]


def figures(receipt: Receipt, formats: Formats) -> list[Figure]:
    """The numbers on top."""
    n, totals = formats.number, receipt.totals
    if receipt.unit == "rows" or totals.files:
        return [
            Figure(n(receipt.planned or 0), tr("Planned")),
            Figure(formats.compact(totals.rows), tr("Rows")),
            *_changed_rows(totals, formats),
            Figure(n(totals.files), tr("Files")),
            Figure(formats.bytes(totals.bytes), tr("Size")),
            Figure(n(totals.left_out), tr("Left out")),
        ]
    found = [
        Figure(n(receipt.planned or 0), tr("Planned")),
        Figure(n(totals.added), tr("Added"), "success" if totals.added else "text"),
        Figure(n(totals.updated), tr("Updated")),
        Figure(n(totals.removed), tr("Removed")),
        Figure(n(totals.rejected), tr("Rejected"), "warning" if totals.rejected else "text"),
        Figure(n(totals.left_out), tr("Left out")),
    ]
    if totals.unchanged:
        found.insert(4, Figure(n(totals.unchanged), tr("Unchanged")))
    if receipt.held is not None:
        found.append(Figure(n(receipt.held), tr("In the audience after")))
    return found


def answers(receipt: Receipt, formats: Formats) -> list[Answer]:
    """What the destination said it holds, a note each segment."""
    several = len(receipt.read_backs) > 1
    return [_answer(each, receipt, formats, several=several) for each in receipt.read_backs]


def _answer(answer: ReadBack, receipt: Receipt, formats: Formats, *, several: bool) -> Answer:
    name, n = receipt.configuration.destination, formats.number
    there = formats.counted(answer.there or 0, "members")
    last = max((each.settled_at for each in receipt.batches if each.settled_at), default=None)
    since = seconds_between(last, answer.asked_at)
    asked = (
        tr("Asked at {time}.").format(time=moment(answer.asked_at, formats))
        if since is None or since < 0
        else tr("Asked at {time}, {seconds} after the last batch.").format(
            time=moment(answer.asked_at, formats), seconds=formats.duration(since)
        )
    )
    detail = f"{answer.segment}. {asked}" if several else asked
    match answer.result:
        case ReadBackResult.AS_EXPECTED:
            sentence = tr("{name} reports {members}, as expected").format(name=name, members=there)
            return Answer("success", sentence, detail)
        case ReadBackResult.DIFFERS:
            sentence = tr("{name} reports {there}, but {expected} should be there")
            why = tr("Others may have changed the audience, or {name} counts only some of its members.").format(
                name=name
            )
            words = sentence.format(name=name, there=there, expected=n(answer.expected or 0))
            return Answer("warning", words, f"{detail} {why}")
        case ReadBackResult.FAILED:
            return Answer("warning", tr("{name} could not be asked").format(name=name), f"{detail} {answer.sentence}")
        case ReadBackResult.TOLD:
            return Answer("info", answer.sentence, detail)
        case ReadBackResult.NOT_POSSIBLE:
            return Answer("neutral", tr("This destination can’t be asked"), detail)


def hosts(receipt: Receipt, formats: Formats) -> list[Line]:
    """Host, purpose, requests, bytes sent and received."""
    uses = {
        HostUse.SIGN_IN: tr("Sign-in"),
        HostUse.SET_UP: tr("Set-up"),
        HostUse.MEMBERS: tr("Members"),
        HostUse.FILES: tr("Files"),
        HostUse.READ_BACK: tr("Read back"),
    }
    order = list(uses)
    return [
        Line(
            f"{each.host} {each.use}",
            (
                each.host,
                uses[each.use],
                formats.number(each.requests),
                formats.bytes(each.sent),
                formats.bytes(each.received),
            ),
        )
        for each in sorted(receipt.hosts, key=lambda traffic: (order.index(traffic.use), traffic.host))
    ]


def hosts_remark(receipt: Receipt) -> str:
    """Whether these are all."""
    if receipt.interruptions:
        return tr("Without requests on their way when it was interrupted")
    return tr("Nothing else was contacted during this run")


def batches(receipt: Receipt, formats: Formats) -> list[Line]:
    """Number, what was done, members, rejected, when it was answered, sum of the bodies."""
    kinds = {
        BatchKind.SEND: tr("Add or update"),
        BatchKind.REMOVE: tr("Remove"),
        BatchKind.ASK: tr("Found there"),
    }
    return [
        Line(
            str(each.number),
            (
                formats.number(each.number),
                kinds[each.kind],
                formats.number(each.members),
                formats.number(each.totals.rejected),
                _answered(each, formats),
                short(each.sha256) if each.sha256 else "–",
            ),
            each.sha256,
        )
        for each in receipt.batches
    ]


def batches_remark(receipt: Receipt, formats: Formats) -> str:
    """Whether every batch was answered."""
    open_ = sum(bool(batch.in_doubt) for batch in receipt.batches)
    if open_:
        return tr("{n} of {all} in doubt").format(n=formats.number(open_), all=formats.number(len(receipt.batches)))
    if len(receipt.batches) == 1:
        return tr("Acknowledged")
    return tr("All {n} acknowledged").format(n=formats.number(len(receipt.batches)))


def _answered(batch: Batch, formats: Formats) -> str:
    if batch.in_doubt:
        return tr("In doubt")
    if batch.state is BatchState.REFUSED:
        return tr("Refused")
    return "–" if batch.settled_at is None else moment(batch.settled_at, formats)


def files(receipt: Receipt, formats: Formats) -> list[Line]:
    """Path, rows, bytes, sum."""
    return [
        Line(
            each.path,
            (each.path, formats.number(each.rows), formats.bytes(each.bytes), short(each.sha256)),
            each.sha256,
        )
        for each in receipt.files
    ]


def times(receipt: Receipt, formats: Formats) -> list[Fact]:
    """When it was, in the zone that is shown."""
    seconds = seconds_between(receipt.started_at, receipt.ended_at)
    started = receipt.started_at
    return [
        Fact(tr("Started"), tr("Not begun") if started is None else formats.moment(started)),
        *(Fact(tr("Interrupted"), formats.moment(at)) for at in receipt.interruptions),
        Fact(tr("Finished"), formats.moment(receipt.ended_at)),
        Fact(tr("Took"), "–" if seconds is None else formats.duration(seconds)),
        Fact(tr("Started by"), trigger(receipt.trigger)),
        Fact(tr("Time zone"), formats.zone_name(receipt.ended_at)),
    ]


def trigger(what: Trigger) -> str:
    """What started a run."""
    return {
        Trigger.PERSON: tr("A person"),
        Trigger.SCHEDULE: tr("Schedule"),
        Trigger.COMMAND_LINE: tr("Command line"),
    }[what]


def configuration(receipt: Receipt, formats: Formats) -> list[Fact]:
    """What the run was told to do."""
    told = receipt.configuration
    is_files = bool(receipt.totals.files) or receipt.unit == "rows"
    items = tr("Tables") if is_files else tr("Segment") if len(told.items) == 1 else tr("Segments")
    facts = [Fact(tr("Destination"), told.destination), Fact(tr("Connection"), told.connection or "–")]
    facts += [Fact(label, value) for label, value in told.target.items()]
    facts.append(Fact(items, ", ".join(told.items) or "–"))
    if told.sync:
        facts.append(Fact(tr("Sync"), formats.sync_mode(SyncMode(told.sync))))
    if told.fields:
        facts.append(Fact(tr("Fields"), ", ".join(told.fields)))
    if told.guard:
        facts.append(Fact(tr("Guard"), told.guard))
    if receipt.undoes:
        facts.append(Fact(tr("Takes back run"), receipt.undoes))
        facts.append(Fact(tr("Keep new values"), formats.counted(receipt.kept_values, "members")))
    facts.append(Fact(tr("Sendoff"), told.version))
    if told.sha256:
        facts.append(Fact("SHA-256", short(told.sha256), "text2", role="mono", tip=told.sha256))
    return facts


def rejects(receipt: Receipt, formats: Formats) -> list[Fact]:
    """Who was refused, by reason."""
    told = receipt.rejects
    facts = [Fact(reason or tr("Other reasons"), formats.number(n)) for reason, n in told.by_reason.items()]
    if told.sha256:
        facts.append(Fact("SHA-256", short(told.sha256), "text2", role="mono", tip=told.sha256))
    return facts


def moment(when: datetime, formats: Formats) -> str:
    """A time of day to the second."""
    return formats.local(when).strftime("%H:%M:%S")


def short(digest: str) -> str:
    """A sum people can compare at a glance: its ends."""
    return f"{digest[:4]} {digest[4:8]} {ELLIPSIS} {digest[-4:]}"


def host_columns() -> Sequence[str]:
    """The headers of `hosts`."""
    return tr("Host"), tr("For"), tr("Requests"), tr("Sent"), tr("Received")


def batch_columns() -> Sequence[str]:
    """The headers of `batches`."""
    return tr("Batch"), tr("What"), tr("Members"), tr("Rejected"), tr("Acknowledged"), tr("SHA-256 of the body")


def file_columns() -> Sequence[str]:
    """The headers of `files`."""
    return tr("File"), tr("Rows"), tr("Size"), tr("SHA-256")
