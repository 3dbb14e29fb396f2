"""A receipt in lines for people, as `sendoff runs receipt` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cli.output import of
from app.core.batches import Batch, BatchKind
from app.core.receipts import Finding, HostUse, ReadBack, ReadBackResult, Receipt, ReceiptPart
from app.core.undoing import kept_words

if TYPE_CHECKING:
    from app.services.receipts import KeptReceipt

USES = {
    HostUse.SIGN_IN: "sign-in",
    HostUse.SET_UP: "set-up",
    HostUse.MEMBERS: "members",
    HostUse.FILES: "files",
    HostUse.READ_BACK: "read back",
}


def receipt_lines(kept: KeptReceipt) -> list[str]:
    """Numbers, times, what was contacted, what the destination says, what was refused, and the sums."""
    receipt = kept.receipt
    conf = receipt.configuration
    began = f"{receipt.started_at:%Y-%m-%d %H:%M:%S} to " if receipt.started_at else ""
    lines = [
        f"Receipt for {receipt.export}, run {receipt.run}: {receipt.status.value.replace('_', ' ')}.",
        f"{began}{receipt.ended_at:%Y-%m-%d %H:%M:%S} UTC, started by {receipt.trigger.value.replace('_', ' ')}.",
        f"To {conf.destination} over {conf.connection or 'no connection'}: {', '.join(conf.items) or 'nothing'}.",
        _numbers(receipt),
    ]
    if receipt.error is not None:
        lines.append(" ".join(part for part in (receipt.error.what, receipt.error.why, receipt.error.fix) if part))
    if receipt.undoes:
        lines.append(f"Takes back the run {receipt.undoes}. {kept_words(receipt.kept_values)}".rstrip())
    lines += [
        f"Interrupted at {at:%Y-%m-%d %H:%M:%S} UTC and resumed; a request on its way then is not counted."
        for at in receipt.interruptions
    ]
    lines += [f"Skipped {each.segment}: {each.sentence}" for each in receipt.skipped]
    lines += [
        f"{each.host} ({USES[each.use]}): {of(each.requests, 'request')}, {of(each.sent, 'byte')} sent, {each.received:,} received."
        for each in receipt.hosts
    ]
    lines += [_batch(each) for each in receipt.batches]
    lines += [_read_back(each) for each in receipt.read_backs]
    lines += [
        f"{file.path}: {of(file.rows, 'row')}, {of(file.bytes, 'byte')}, SHA-256 {file.sha256}"
        for file in receipt.files
    ]
    lines += [
        f"{number:,} rejected: {reason or 'other reasons'}" for reason, number in receipt.rejects.by_reason.items()
    ]
    if receipt.rejects.sha256:
        lines.append(f"SHA-256 of the rejects: {receipt.rejects.sha256}")
    if conf.sha256:
        lines.append(f"SHA-256 of the configuration: {conf.sha256}")
    if not kept.whole:
        lines.append("This receipt was changed after it was written.")
    return lines


def check_lines(found: Mapping[ReceiptPart, Finding]) -> list[str]:
    """What checking a receipt gave."""
    return [_CHECKED[part, finding] for part, finding in found.items()]


_CHECKED: Mapping[tuple[ReceiptPart, Finding], str] = {
    (ReceiptPart.ITSELF, Finding.FITS): "Its sum fits what stands in it.",
    (ReceiptPart.ITSELF, Finding.DIFFERS): "Changed: its sum does not fit what stands in it.",
    (ReceiptPart.AUDIT_TRAIL, Finding.FITS): "The audit trail was told the same sum when the run closed.",
    (ReceiptPart.AUDIT_TRAIL, Finding.DIFFERS): "Changed: the audit trail was told another sum when the run closed.",
    (ReceiptPart.AUDIT_TRAIL, Finding.NOT_KEPT): "The audit trail knows no sum of it.",
    (ReceiptPart.COPY, Finding.FITS): "The copy is the same.",
    (ReceiptPart.COPY, Finding.DIFFERS): "Changed: the copy is not the receipt of this run as it is kept here.",
    (ReceiptPart.CONFIGURATION, Finding.FITS): "The configuration kept with the run is the one it names.",
    (
        ReceiptPart.CONFIGURATION,
        Finding.DIFFERS,
    ): "Changed: the configuration kept with the run is not the one it names.",
    (ReceiptPart.CONFIGURATION, Finding.NOT_KEPT): "The configuration of the run is not kept any more.",
    (ReceiptPart.REJECTS, Finding.FITS): "The rejects kept with the run are the ones it names.",
    (ReceiptPart.REJECTS, Finding.DIFFERS): (
        "Changed: the rejects kept with the run are not as they were; erasing a person changes them too."
    ),
    (ReceiptPart.REJECTS, Finding.NOT_KEPT): "The rejects of the run are not kept any more.",
}


def _batch(batch: Batch) -> str:
    done = {BatchKind.SEND: "sent", BatchKind.REMOVE: "removed", BatchKind.ASK: "found there"}[batch.kind]
    when = f" at {batch.settled_at:%H:%M:%S}" if batch.settled_at else ""
    doubt = f", {batch.in_doubt:,} in doubt" if batch.in_doubt else ""
    digest = f", SHA-256 {batch.sha256}" if batch.sha256 else ""
    rejected = batch.totals.rejected
    return f"Batch {batch.number:,}: {batch.members:,} {done}, {rejected:,} rejected{doubt}; answered{when}{digest}"


def _numbers(receipt: Receipt) -> str:
    totals = receipt.totals
    planned = "" if receipt.planned is None else f"{receipt.planned:,} {receipt.unit} planned, "
    if totals.files or receipt.unit == "rows":
        return f"{planned}{of(totals.rows, 'row')} in {of(totals.files, 'file')}, {of(totals.bytes, 'byte')}."
    words = ("added", "updated", "removed", "unchanged", "rejected", "left_out")
    numbers = ", ".join(f"{getattr(totals, word):,} {word.replace('_', ' ')}" for word in words)
    held = "" if receipt.held is None else f" {receipt.held:,} in the audience after."
    return f"{planned}{numbers}.{held}"


def _read_back(answer: ReadBack) -> str:
    where = f"Read back of {answer.segment} at {answer.asked_at:%H:%M:%S}:"
    match answer.result:
        case ReadBackResult.AS_EXPECTED:
            return f"{where} {answer.there:,} members, as expected."
        case ReadBackResult.DIFFERS:
            return f"{where} {answer.expected:,} members were expected, {answer.there:,} are there."
        case ReadBackResult.NOT_POSSIBLE:
            return f"{where} this destination can't be asked."
        case ReadBackResult.FAILED:
            return f"{where} the destination could not be asked. {answer.sentence}"
        case ReadBackResult.TOLD:
            return f"{where} {answer.sentence}"
