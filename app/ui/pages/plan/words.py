"""What the plan's page says: changes, columns, requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.core.plans import Basis, Change, LeftOut, Plan, PlanLine
from app.ui.formats import NOTHING, Formats
from app.ui.phrase_words import said
from app.ui.reason_words import reason_words
from app.ui.widgets.columns import Column, TextCell

_LOOKS = {
    Change.ADDED: ("plus-circle-fill", "success"),
    Change.CHANGED: ("pencil-simple", "accent_text"),
    Change.REMOVED: ("minus-circle-fill", "danger"),
    Change.UNCHANGED: ("check-circle", "text2"),
    Change.LEFT_OUT: ("prohibit-bold", "warning"),
}


def tr(words: str) -> str:
    """Words of this page in the person's language."""
    return QCoreApplication.translate("PlanPage", words)


@dataclass(frozen=True)
class Row:
    """One member in the list."""

    line: PlanLine

    @property
    def key(self) -> str:
        """What the line is known by."""
        return self.line.id


def change_words(change: Change) -> str:
    """A change in one word."""
    return {
        Change.ADDED: tr("Added"),
        Change.CHANGED: tr("Changed"),
        Change.REMOVED: tr("Removed"),
        Change.UNCHANGED: tr("Unchanged"),
        Change.LEFT_OUT: tr("Left out"),
    }[change]


def columns(known_as: str, *, segments: bool) -> list[Column[Row]]:
    """The list's columns; `known_as` names what identifies members, the segment stands there only when there are several."""

    def change(row: Row) -> TextCell:
        icon, role = _LOOKS[row.line.member.change]
        return TextCell(change_words(row.line.member.change), icon=icon, icon_role=role)

    def known(row: Row) -> TextCell:
        value = next((value for value in row.line.member.values.values() if value), "")
        return TextCell(value or tr("None"), role="mono", ink="text2" if value else "text3")

    found = [
        Column[Row](
            "member", tr("Member"), lambda r: TextCell(r.line.member.member or NOTHING, role="body-medium"), width=112
        ),
        Column[Row]("change", tr("Change"), change, width=112),
        Column[Row]("value", known_as, known, width=150),
        Column[Row](
            "reason",
            tr("Reason"),
            lambda r: TextCell(reason_words(r.line.member.reason) or NOTHING),
            tooltip=lambda r: reason_words(r.line.member.reason),
            width=160,
            stretch=True,
        ),
    ]
    if segments:
        found.insert(3, Column("segment", tr("Segment"), lambda r: TextCell(r.line.member.segment), width=120))
    return found


def left_out_words(plan: Plan, formats: Formats) -> str:
    """Why members are left out, with numbers, the most first."""
    words = {
        LeftOut.NO_IDENTIFIER: tr("without a usable key {n}"),
        LeftOut.TWICE: tr("twice in the segment {n}"),
        LeftOut.NO_CONSENT: tr("no marketing consent {n}"),
        LeftOut.SUPPRESSED: tr("on the suppression list {n}"),
    }
    most_first = sorted(plan.left_out.items(), key=lambda item: -item[1])
    return ", ".join(words[reason].format(n=formats.number(count)) for reason, count in most_first)


def note_words(plan: Plan, formats: Formats) -> Sequence[str]:
    """What else is to be known before it is sent."""
    notes = []
    for each in plan.segments:
        if each.skipped is not None:
            notes.append(tr("{segment} is skipped. {reason}").format(segment=each.segment, reason=said(each.skipped)))
        if each.basis is not None:
            notes.append(_basis_words(each.basis).format(segment=each.segment))
    if plan.changes.in_doubt:
        members = formats.counted(plan.changes.in_doubt, "members")
        notes.append(
            tr("Told again, as an earlier run stopped while they were on their way: {members}.").format(members=members)
        )
    if plan.changes.strangers:
        members = formats.counted(plan.changes.strangers, "members")
        notes.append(tr("Also removes {members} Sendoff never sent.").format(members=members))
    if not plan.changes.to_send and not notes:
        notes.append(tr("The destination holds everybody as they are. A run sends nobody."))
    return notes


def _basis_words(basis: Basis) -> str:
    return {
        Basis.MATCH: tr("{segment}: other fields are matched than at the last run, so everybody there is changed."),
        Basis.SOURCE: tr(
            "{segment}: fields are filled from other columns than at the last run; members may count as changed or as others."
        ),
        Basis.FORMAT: tr(
            "{segment}: this version of Sendoff compares values in another way, so everybody there is changed once."
        ),
        Basis.ENGINE: tr(
            "{segment}: DuckDB is another version than at the last run; a value that it writes in another way is changed."
        ),
    }[basis]


def forecast_words(plan: Plan, formats: Formats) -> str:
    """How many requests sending takes, and how many the account may still make; empty when nobody is sent."""
    forecast = plan.forecast
    if forecast is None or not plan.changes.to_send:
        return ""
    requests = formats.counted(forecast.calls, "requests")
    if forecast.quota is None:
        return tr("About {requests}").format(requests=requests)
    left, limit = formats.number(forecast.quota.left), formats.number(forecast.quota.limit)
    return tr("About {requests}, {left} of {limit} are left today").format(requests=requests, left=left, limit=limit)


def send_words(plan: Plan, formats: Formats) -> str:
    """What sending does, and how long it takes, in one line."""
    changes, forecast = plan.changes, plan.forecast
    words = tr("{members} added or changed, {removed} removed").format(
        members=formats.counted(changes.added + changes.changed, "members"), removed=formats.number(changes.removed)
    )
    if forecast is None or not changes.to_send:
        return words
    return tr("{what}, about {time}").format(what=words, time=formats.duration(forecast.about))


def pretty(body: str) -> str:
    """A body with its structure on lines of its own, when it has one."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
