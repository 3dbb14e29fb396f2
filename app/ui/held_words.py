"""Why a run is held, in words of this locale."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.guards import GuardKind, Held
from app.ui.formats import Formats


def tr(words: str) -> str:
    """Words in the person's language."""
    return QCoreApplication.translate("Held", words)


def held_words(held: Held, formats: Formats) -> str:
    """One sentence with the share and the limit."""
    if held.share is None or held.limit is None:
        return held.sentence
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
