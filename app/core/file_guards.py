"""Guards of files: what is not in them is gone at the other side, so their rows are held against those of the run before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.evidence import Cause, Measured, Seen, likely_cause
from app.core.exports import Guard
from app.core.guards import FEWEST, Approval, Fewer, GuardKind, Held, counted, strayed
from app.core.plans import Changes
from app.core.row_deltas import RowChanges

NAMED = 3
"""So many tables are told of in a sentence; the others are counted."""


@dataclass(frozen=True, slots=True)
class FileItem:
    """A table or segment about to be written; `now.members` and `before.members` are all its rows that go, or went.

    `key` is what it is remembered by. `changes` is how its rows came about, where they were compared by their key: only
    changed ones may be written then, and all of them are judged.
    """

    name: str
    key: str
    now: Seen
    before: Seen | None = None
    changes: RowChanges | None = None

    @property
    def compared(self) -> RowChanges | None:
        """How its rows came about, None when that is not known."""
        return self.changes if self.changes is not None and self.changes.whole is None else None

    @property
    def fewer(self) -> Fewer | None:
        """What it lost since the last run that was published; None when that was nothing, or there was none."""
        if self.before is None:
            return None
        was, now = self.before.members, self.now.members
        gone = max(was - now, 0) if self.compared is None else self.compared.removed
        return Fewer(self.name, was, now, gone) if was and gone else None


def judge_files(guard: Guard, items: Sequence[FileItem], approval: Approval | None = None) -> Held | None:
    """What holds these files, None when they may go; of a first run nothing is known that could be lost."""
    held = _tripped(guard, items)
    if held is not None and not (approval is not None and approval.anyway and _covers(approval, held)):
        return held
    if approval is None or approval.anyway or approval.members is None:
        return None
    rows = sum(each.now.members for each in items)
    if not strayed(approval.members, rows):
        return None
    sentence = f"{counted(rows, 'row')} would be written; when the export was reviewed, it was {approval.members:,}."
    changes = Changes(added=rows)
    return Held(GuardKind.MOVED, sentence, changes, 0, before=approval.members, now=rows, moved="rows")


def by_loss(fewer: Iterable[Fewer]) -> list[Fewer]:
    """Those that are empty first, then those that lost the largest share."""
    return sorted(fewer, key=lambda each: (each.now > 0, -each.share))


def file_guard_words(guard: Guard, *, compared: bool) -> str:
    """What holds a run that writes files, in a few words; empty when nothing does."""
    shares = [(guard.removed_percent, "of the rows gone"), (guard.changed_percent if compared else None, "changed")]
    found = [f"above {share:g}% {word}" for share, word in shares if share is not None]
    if guard.empty_source:
        found.append("when nothing is left or less than half")
    return f"Hold {', '.join(found)}" if found else ""


def _tripped(guard: Guard, items: Sequence[FileItem]) -> Held | None:
    limit = guard.removed_percent
    odd = [fewer for each in items if (fewer := each.fewer) is not None and _is_odd(fewer, guard)]
    changes = _changes(items, odd)
    if odd:
        worst = by_loss(odd)[0]
        (item,) = (each for each in items if each.name == worst.name)
        above = limit if limit is not None and any(each.now and each.share > limit for each in odd) else None
        return Held(
            GuardKind.SHRANK if worst.now else GuardKind.EMPTY,
            _sentence(odd, above),
            changes,
            worst.before,
            worst.share,
            above,
            worst.name,
            cause=_cause(item),
            fewer=tuple(odd),
        )
    for each in items if guard.changed_percent is not None else ():
        compared = each.compared
        was = 0 if compared is None else compared.removed + compared.changed + compared.unchanged
        share = 100 * compared.changed / was if compared is not None and was else 0.0
        if guard.changed_percent is not None and share > guard.changed_percent:
            sentence = f"{share:.1f}% of “{each.name}” would be changed; your limit is {guard.changed_percent:g}%."
            return Held(GuardKind.CHANGED, sentence, changes, was, share, guard.changed_percent, each.name)
    return None


def _is_odd(fewer: Fewer, guard: Guard) -> bool:
    if guard.empty_source and not fewer.now:
        return True
    if fewer.before < FEWEST:
        return False
    above = guard.removed_percent is not None and fewer.share > guard.removed_percent
    return above or (guard.empty_source and fewer.now < fewer.before / 2)


def _changes(items: Sequence[FileItem], odd: Sequence[Fewer]) -> Changes:
    """What a person agrees to: the rows that are missing where that is odd, those changed, and all that are written."""
    changed = sum(each.compared.changed for each in items if each.compared is not None)
    return Changes(sum(each.now.members for each in items), changed, sum(each.gone for each in odd))


def _covers(approval: Approval, held: Held) -> bool:
    """Whether what was agreed to covers what is asked for now: no other table lost rows, and none more of them."""
    if approval.changes is None:
        return True
    agreed = {each.name: each for each in approval.fewer}
    return held.changes.changed <= approval.changes.changed and all(
        each.name in agreed and each.gone <= agreed[each.name].gone for each in held.fewer
    )


def _sentence(odd: Sequence[Fewer], limit: float | None) -> str:
    told = by_loss(odd)
    words = [
        f"“{each.name}” is empty now; the last run wrote {counted(each.before, 'row')}."
        if not each.now
        else f"“{each.name}” lost {each.gone:,} of the {each.before:,} rows that the last run wrote, {each.share:.1f}%."
        for each in told[:NAMED]
    ]
    if len(told) > NAMED:
        words.append(f"{len(told) - NAMED:,} more lost rows too.")
    if limit is not None:
        words.append(f"Your limit is {limit:g}%.")
    return " ".join(words)


def _cause(item: FileItem) -> Cause | None:
    found = likely_cause(Measured(item.name, Changes(), item.now, item.before))
    if found is not None and found.table == item.name:
        return Cause.of("refreshed", *found.parts, table=item.name)
    before, now = item.before, item.now
    if found is not None or before is None or item.name not in now.rows or item.name not in before.rows:
        return found
    kept, kept_before = now.rows[item.name] - now.members, before.rows[item.name] - before.members
    if kept <= kept_before:
        return None
    return Cause.of("left_out", item.name, kept, max(kept_before, 0), table=item.name)
