"""Why a run is held, in words of this locale."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.evidence import Cause
from app.core.file_guards import NAMED, by_loss
from app.core.guards import GuardKind, Held
from app.ui.formats import Formats
from app.ui.phrase_words import said


def tr(words: str) -> str:
    """Words in the person's language."""
    return QCoreApplication.translate("Held", words)


def held_words(held: Held, formats: Formats) -> str:
    """One sentence with the numbers; of files one for each table that lost rows, the worst first."""
    if held.fewer:
        return _lost(held, formats)
    if held.guard is GuardKind.EMPTY:
        words = tr("“{segment}” is empty now; all {members} sent there would be removed.")
        if held.audience == 1:
            words = tr("“{segment}” is empty now; {members} sent there would be removed.")
        return words.format(segment=held.segment, members=formats.counted(held.audience, "members"))
    if held.now is not None and held.before is not None:
        now, before = (
            formats.counted(held.now, "rows" if held.moved == "rows" else "members"),
            formats.number(held.before),
        )
        return _compared(held).format(segment=held.segment, now=now, before=before)
    if held.share is None or held.limit is None:
        return held.sentence  # as an earlier version kept it
    whole = tr("the audience") if not held.segment else f"“{held.segment}”"
    words = tr("{share} of {whole} would be removed; your limit is {limit}.")
    if held.guard is GuardKind.CHANGED:
        words = tr("{share} of {whole} would be changed; your limit is {limit}.")
    return words.format(share=formats.percent(held.share / 100), whole=whole, limit=_limit(held.limit, formats))


def held_in_short(held: Held, formats: Formats) -> str:
    """What stands under the status."""
    if held.fewer:
        return _lost_in_short(held, formats)
    if held.guard is GuardKind.EMPTY:
        return tr("A segment is empty")
    if held.guard is GuardKind.SHRANK:
        return tr("A segment shrank")
    if held.guard is GuardKind.MOVED or held.share is None:
        return tr("Other than reviewed")
    words = tr("{share} would be removed") if held.guard is GuardKind.REMOVED else tr("{share} would be changed")
    return words.format(share=formats.percent(held.share / 100))


def cause_words(cause: Cause) -> tuple[str, str]:
    """Why it may have come to that, in a few words and in a sentence."""
    what, detail = cause.phrases or (None, None)
    return said(what, cause.what), said(detail, cause.detail)


def _lost(held: Held, formats: Formats) -> str:
    told = by_loss(held.fewer)
    words = []
    for each in told[:NAMED]:
        sentence = tr("“{table}” lost {n} of the {before} rows that the last run wrote, {share}.")
        if not each.now:
            sentence = tr("“{table}” is empty now; the last run wrote {rows}.")
        rows = formats.counted(each.before, "rows")
        numbers = {"n": formats.number(each.gone), "before": formats.number(each.before), "rows": rows}
        words.append(sentence.format(table=each.name, share=formats.percent(each.share / 100), **numbers))
    if len(told) > NAMED:
        words.append(tr("{n} more lost rows too.").format(n=formats.number(len(told) - NAMED)))
    if held.limit is not None:
        words.append(tr("Your limit is {limit}.").format(limit=_limit(held.limit, formats)))
    return " ".join(words)


def _lost_in_short(held: Held, formats: Formats) -> str:
    if len(held.fewer) > 1:
        return tr("{n} lost rows").format(n=formats.number(len(held.fewer)))
    (only,) = held.fewer
    if not only.now:
        return tr("“{table}” is empty").format(table=only.name)
    return tr("{share} of the rows are gone").format(share=formats.percent(only.share / 100))


def _limit(limit: float, formats: Formats) -> str:
    return formats.percent(limit / 100, 0 if limit == int(limit) else 1)


def _compared(held: Held) -> str:
    """What is said of a number that is another one than before."""
    if held.guard is GuardKind.SHRANK:
        return tr("“{segment}” has {now}; the last run found {before}.")
    return {
        "added": tr("{now} would be added; when the plan was looked at, it was {before}."),
        "changed": tr("{now} would be changed; when the plan was looked at, it was {before}."),
        "removed": tr("{now} would be removed; when the plan was looked at, it was {before}."),
        "rows": tr("{now} would be written; when the export was reviewed, it was {before}."),
    }.get(held.moved, tr("{now} would be sent; when the export was reviewed, it was {before}."))
