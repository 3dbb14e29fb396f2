"""Why a run is held, in words of this locale."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.guards import GuardKind, Held
from app.ui.formats import Formats


def tr(words: str) -> str:
    """Words in the person's language."""
    return QCoreApplication.translate("Held", words)


def held_words(held: Held, formats: Formats) -> str:
    """One sentence with the numbers."""
    if held.guard is GuardKind.EMPTY:
        words = tr("“{segment}” is empty now; all {n} members sent there would be removed.")
        return words.format(segment=held.segment, n=formats.number(held.audience))
    if held.now is not None and held.before is not None:
        now, before = formats.number(held.now), formats.number(held.before)
        return _compared(held).format(segment=held.segment, now=now, before=before)
    if held.share is None or held.limit is None:
        return held.sentence  # as an earlier version kept it
    whole = tr("the audience") if not held.segment else f"“{held.segment}”"
    words = tr("{share} of {whole} would be removed; your limit is {limit}.")
    if held.guard is GuardKind.CHANGED:
        words = tr("{share} of {whole} would be changed; your limit is {limit}.")
    decimals = 0 if held.limit == int(held.limit) else 1
    limit = formats.percent(held.limit / 100, decimals)
    return words.format(share=formats.percent(held.share / 100), whole=whole, limit=limit)


def held_in_short(held: Held, formats: Formats) -> str:
    """What stands under the status."""
    if held.guard is GuardKind.EMPTY:
        return tr("A segment is empty")
    if held.guard is GuardKind.SHRANK:
        return tr("A segment shrank")
    if held.guard is GuardKind.MOVED or held.share is None:
        return tr("Other than reviewed")
    words = tr("{share} would be removed") if held.guard is GuardKind.REMOVED else tr("{share} would be changed")
    return words.format(share=formats.percent(held.share / 100))


def _compared(held: Held) -> str:
    """What is said of a number that is another one than before."""
    if held.guard is GuardKind.SHRANK:
        return tr("“{segment}” has {now} members; the last run found {before}.")
    return {
        "added": tr("{now} members would be added; when the plan was looked at, it was {before}."),
        "changed": tr("{now} members would be changed; when the plan was looked at, it was {before}."),
        "removed": tr("{now} members would be removed; when the plan was looked at, it was {before}."),
    }.get(held.moved, tr("{now} members are to be sent; when the export was reviewed, it was {before}."))
