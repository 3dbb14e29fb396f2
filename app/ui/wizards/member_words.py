"""What the members of an audience are called: members, contacts or companies, in whole sentences."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.core.segments import SegmentOf


def _tr(words: str) -> str:
    return QCoreApplication.translate("MemberWords", words)


@dataclass(frozen=True)
class MemberWords:
    """Sentences about the members of one kind of audience; `unit` is the word `Formats.counted` knows them by."""

    unit: str
    column: str
    takes: str
    takes_at_most: str
    per_segment: str
    will_be_sent: str
    over: str
    total: str
    at_least: str


def members() -> MemberWords:
    """Of people who are customers, or of any kind."""
    return MemberWords(
        unit="members",
        column=_tr("Members"),
        takes=_tr(
            "{target} takes {least} to {most} members per segment. Smaller and larger ones are skipped, never cut."
        ),
        takes_at_most=_tr("{target} takes up to {most} members. Larger segments are skipped, never cut."),
        per_segment=_tr("Members per segment"),
        will_be_sent=_tr("unique members will be sent"),
        over=_tr("unique members, over the limit: none will be sent"),
        total=_tr("{n} unique members will be sent"),
        at_least=_tr("At least {n} unique members will be sent"),
    )


def contacts() -> MemberWords:
    """Of people in a workspace of businesses."""
    return MemberWords(
        unit="contacts",
        column=_tr("Contacts"),
        takes=_tr(
            "{target} takes {least} to {most} contacts per segment. Smaller and larger ones are skipped, never cut."
        ),
        takes_at_most=_tr("{target} takes up to {most} contacts. Larger segments are skipped, never cut."),
        per_segment=_tr("Contacts per segment"),
        will_be_sent=_tr("unique contacts will be sent"),
        over=_tr("unique contacts, over the limit: none will be sent"),
        total=_tr("{n} unique contacts will be sent"),
        at_least=_tr("At least {n} unique contacts will be sent"),
    )


def companies() -> MemberWords:
    """Of accounts."""
    return MemberWords(
        unit="companies",
        column=_tr("Accounts"),
        takes=_tr(
            "{target} takes {least} to {most} companies per segment. Smaller and larger ones are skipped, never cut."
        ),
        takes_at_most=_tr("{target} takes up to {most} companies. Larger segments are skipped, never cut."),
        per_segment=_tr("Companies per segment"),
        will_be_sent=_tr("companies will be sent"),
        over=_tr("companies, over the limit: none will be sent"),
        total=_tr("{n} companies will be sent"),
        at_least=_tr("At least {n} companies will be sent"),
    )


def words_for(takes: frozenset[SegmentOf]) -> MemberWords:
    """What a target that takes these kinds of members is spoken of with."""
    if takes == {SegmentOf.ACCOUNTS}:
        return companies()
    return contacts() if takes == {SegmentOf.CONTACTS} else members()
