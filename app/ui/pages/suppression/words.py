"""The suppression list in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.suppression import Change, ChangeKind, ContactKind, Listing
from app.services.suppression import Imported
from app.ui.formats import Formats


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("Suppression", text)


def kind_words(kind: ContactKind) -> str:
    """What an entry is the hash of."""
    return tr("E-mail") if kind is ContactKind.EMAIL else tr("Phone")


def change_words(change: Change, formats: Formats) -> str:
    """A change as one line."""
    email = change.kind is ContactKind.EMAIL
    match change.what:
        case ChangeKind.IMPORTED:
            return _imported_line(change, formats)
        case ChangeKind.TAKEN_OFF:
            words = tr("1 e-mail address taken off: {reason}") if email else tr("1 phone number taken off: {reason}")
            return words.format(reason=change.reason)
        case ChangeKind.PUT_BACK:
            return tr("1 e-mail address put back") if email else tr("1 phone number put back")
    words = {
        ChangeKind.IMPORT_UNDONE: tr("Import of {source} undone"),
        ChangeKind.SOURCE_REMOVED: tr("{source} removed"),
        ChangeKind.SOURCE_PUT_BACK: tr("{source} put back"),
        ChangeKind.READ_BACK: tr("{source}, read back"),
    }[change.what]
    return words.format(source=change.source)


def _imported_line(change: Change, formats: Formats) -> str:
    words = tr("{source} imported")
    if change.known and change.unreadable:
        words = tr("{source} imported, {known} were known, {unreadable} not readable")
    elif change.known:
        words = tr("{source} imported, {known} were known")
    elif change.unreadable:
        words = tr("{source} imported, {unreadable} not readable")
    known, unreadable = formats.number(change.known), formats.number(change.unreadable)
    return words.format(source=change.source, known=known, unreadable=unreadable)


def imported_words(done: Imported, formats: Formats) -> str:
    """What an import did."""
    words = tr("{name}: {new} new, {known} known, {unreadable} not readable")
    new, known, unreadable = (formats.number(n) for n in (done.new, done.known, done.unreadable))
    return words.format(name=done.name, new=new, known=known, unreadable=unreadable)


def listing_words(listing: Listing | None, formats: Formats) -> str:
    """Whether a value is on the list."""
    if listing is None:
        return tr("It is not on the list.")
    words = tr("On the list since {date}, from {source}.")
    return words.format(date=formats.date(listing.since), source=listing.source)
