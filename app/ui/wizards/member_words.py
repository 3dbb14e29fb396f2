"""What the members of an audience are called: members, contacts or companies."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.core.segments import SegmentOf


def _tr(words: str) -> str:
    return QCoreApplication.translate("MemberWords", words)


@dataclass(frozen=True)
class MemberWords:
    """What the members of one kind of audience are called; `unit` is the word `Formats.counted` knows them by."""

    unit: str
    column: str
    per_segment: str
    will_be_sent: str
    over: str


def members() -> MemberWords:
    """Of people who are customers, or of any kind."""
    return MemberWords(
        "members",
        _tr("Members"),
        _tr("Members per segment"),
        _tr("unique members will be sent"),
        _tr("unique members, over the limit: none will be sent"),
    )


def contacts() -> MemberWords:
    """Of people in a workspace of businesses."""
    return MemberWords(
        "contacts",
        _tr("Contacts"),
        _tr("Contacts per segment"),
        _tr("unique contacts will be sent"),
        _tr("unique contacts, over the limit: none will be sent"),
    )


def companies() -> MemberWords:
    """Of accounts."""
    return MemberWords(
        "companies",
        _tr("Accounts"),
        _tr("Companies per segment"),
        _tr("companies will be sent"),
        _tr("companies, over the limit: none will be sent"),
    )


def words_for(takes: frozenset[SegmentOf]) -> MemberWords:
    """What a destination that takes these kinds of members is spoken of with."""
    if takes == {SegmentOf.ACCOUNTS}:
        return companies()
    return contacts() if takes == {SegmentOf.CONTACTS} else members()
