"""Runs in words, as list and details show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.core.run_progress import seconds_left
from app.core.runs import PhaseName, Run, Status, Trigger
from app.destinations.description import Badge
from app.ui.formats import Formats, seconds_between
from app.ui.undo_words import kept_values_words

if TYPE_CHECKING:
    from app.bootstrap import Services


@dataclass(frozen=True)
class RunRow:
    """A run with its destination's name and badge."""

    run: Run
    destination: str
    badge: Badge

    @property
    def key(self) -> str:
        """The run's id."""
        return self.run.id


UNKNOWN_BADGE = Badge("?", "#636C7B")


def badge_of(services: Services, destination: str) -> Badge:
    """The badge of a destination by its id; of one that is not there any more a question mark."""
    looks = {each.id: each.badge for each in services.destinations.all()}
    return looks.get(destination, UNKNOWN_BADGE)


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("RunWords", text)


def took(run: Run, formats: Formats) -> str:
    """How long the run took, or has been going; empty before it began."""
    seconds = seconds_between(run.started_at, run.ended_at or (formats.now() if run.started_at else None))
    return formats.duration(seconds) if seconds is not None else ""


def time_left(run: Run, formats: Formats) -> str:
    """What is left at the speed so far; empty while nobody can know."""
    seconds = seconds_left(run, formats.now())
    return "" if seconds is None else formats.time_left(seconds)


def list_detail(run: Run, formats: Formats) -> str:
    """Second line of a run in the list: "05:02 · 3 min 41 s", while running "05:52 · 62%, 3 min left"."""
    begun = formats.clock(run.started_at or run.queued_at)
    if run.status is Status.RUNNING:
        percent = formats.percent(run.done / run.total, 0) if run.total else ""
        parts = ", ".join(part for part in (percent, time_left(run, formats)) if part)
        return f"{begun} · {parts}" if parts else begun
    if run.status is Status.QUEUED:
        return tr("{time} · after {name}").format(time=begun, name=run.waits_for) if run.waits_for else begun
    if run.status is Status.INTERRUPTED and run.ended_at is not None:
        return tr("{time} · stopped at {end}").format(time=begun, end=formats.clock(run.ended_at))
    length = took(run, formats)
    return f"{begun} · {length}" if length else begun


def list_result(run: Run, formats: Formats) -> str:
    """What stands at the right of a run in the list: what was delivered, or the state."""
    if run.status is Status.SUCCESSFUL:
        totals = run.totals
        if totals.unchanged and not totals.delivered and not totals.removed:
            return tr("No changes")
        if totals.removed and not totals.delivered:
            return tr("{n} removed").format(n=formats.number(totals.removed))
        return formats.compact(totals.delivered)
    if run.status is Status.COMPLETED_WITH_REJECTS:
        return tr("{n} rejected").format(n=formats.number(run.totals.rejected))
    if run.status is Status.RUNNING:
        phase = next((p.name for p in reversed(run.phases) if p.started_at is not None), None)
        return tr("Sending") if phase is PhaseName.SEND else formats.status(run.status).word
    if run.status in {Status.SKIPPED_TOO_LARGE, Status.SKIPPED_TOO_SMALL}:
        return tr("Skipped")
    return formats.status(run.status).word


def trigger_sentence(run: Run, formats: Formats) -> str:
    """Who or what started it."""
    words = {
        Trigger.PERSON: tr("Started by hand."),
        Trigger.SCHEDULE: tr("Started by schedule."),
        Trigger.COMMAND_LINE: tr("Started on the command line."),
    }[run.trigger]
    if not run.undoes:
        return words
    kept = kept_values_words(run.kept_values, formats)
    return " ".join(filter(None, (words, tr("It takes back an earlier run."), kept)))


def day_title(run: Run, formats: Formats) -> str:
    """The day a run belongs to: Today, Yesterday, or the date."""
    when = run.started_at or run.queued_at
    days = (formats.local(formats.now()).date() - formats.local(when).date()).days
    return {0: tr("Today"), 1: tr("Yesterday")}.get(days) or formats.day_date(when)
