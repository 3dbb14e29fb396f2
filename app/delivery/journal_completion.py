"""Completing the journal of a run that died by what is known of its members besides.

That a batch is about to leave is noted in the journal first and beside the plan after, what became of it beside the plan
first, which is what counts, and in the journal after; each is on the drive before the other begins. A process that dies in
between, or a computer, leaves a batch in doubt that never left, or that was answered, and numbers that are not true.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from app.core.batches import Batch, BatchKind
from app.core.runs import Run, Totals
from app.data.told_outcomes import ON_THE_WAY, ToldOutcomes, told_outcomes
from app.delivery.files import RunFolder
from app.delivery.journal import Left, Returned, Settled, left_lines, read_journal

logger = logging.getLogger(__name__)

_WORDS = ("added", "updated", "unchanged", "removed", "rejected", "invalid")


def complete_journal(workspace: Path, run: Run) -> tuple[Batch, ...]:
    """Settle the batches of a run that has ended as far as their outcomes are known, take back those that never left, give all.

    Doing it twice, or by two processes at once, changes nothing. Where the notes can't be read or the drive is full they stay
    in doubt, as they are treated then.
    """
    folder = RunFolder(workspace, run.id)
    batches = read_journal(folder, ended=True)
    if not any(batch.in_doubt for batch in batches):
        return batches
    left = {line.number: line for line in left_lines(folder)}
    try:
        lines = [
            line
            for told in told_outcomes(workspace / "sent" / run.export_id, run.id)
            for line in _missing(told, batches, left)
        ]
        with folder.journal_writer() as journal:
            journal.write(lines)
    except Exception:  # whatever is wrong with files that a dead process left
        logger.exception("The journal of run %s could not be completed", run.id)
    return read_journal(folder, ended=True)


def _missing(told: ToldOutcomes, batches: tuple[Batch, ...], left: Mapping[int, Left]) -> Iterator[Settled | Returned]:
    for removal in (False, True):
        theirs = [
            each for each in batches if each.segment == told.segment and (each.kind is BatchKind.REMOVE) is removal
        ]
        doubtful = [each for each in theirs if each.in_doubt]
        if not doubtful:
            continue
        unsettled = told.of(removal=removal)
        for batch in theirs:
            unsettled.subtract(_counted(batch.totals))
        for batch in doubtful:
            line = left[batch.number]
            found = _share(unsettled, told.of(removal=removal, first=line.first, last=line.last), batch.in_doubt)
            unsettled.subtract(found)
            never_left = batch.in_doubt - found.total()
            found.pop(ON_THE_WAY, None)
            if found:
                counted = found + _counted(batch.totals)
                at = max(line.at, told.at)
                yield Settled(
                    batch.number, at, **counted, requests=batch.requests, sha256=batch.sha256, halved=batch.halved
                )
            if never_left:
                yield Returned(batch.number, batch.members - never_left)


def _counted(totals: Totals) -> Counter[str]:
    counted = Counter({word: getattr(totals, word) for word in _WORDS})
    counted["rejected"] -= totals.invalid  # which a run counts among them
    return counted


def _share(unsettled: Counter[str], within: Counter[str], room: int) -> Counter[str]:
    """How many of what nobody settled belong to a batch of so many, given what was told of its rows."""
    found: Counter[str] = Counter()
    for word in (*_WORDS, ON_THE_WAY):
        number = min(unsettled[word], within[word], room)
        if number > 0:
            found[word] = number
            room -= number
    return found


def by_journal(run: Run, batches: tuple[Batch, ...]) -> Run:
    """The run with the numbers of its journal: the record of a run that died is up to a second older."""
    if run.unit != "members" or not batches:
        return run

    def added_up(name: str) -> int:
        return sum(getattr(batch.totals, name) for batch in batches)

    kept = run.totals
    outcomes = ("added", "updated", "removed", "rejected")
    # Of the unchanged some were never to be sent, others are outcomes: of these the record knows as many as are done besides.
    never_to_be_sent = kept.unchanged - (run.done - sum(getattr(kept, name) for name in outcomes))
    found = {name: added_up(name) for name in (*outcomes, "invalid")}
    totals = replace(kept, **found, unchanged=never_to_be_sent + added_up("unchanged"))
    return replace(run, totals=totals, done=sum(batch.answered for batch in batches))
