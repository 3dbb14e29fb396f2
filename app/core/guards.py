"""Guards: what keeps a run from sending, and what was agreed to all the same.

A guard looks at what a run is about to do with each segment and at what the last finished run saw of it. Whoever approves, or
has looked at a plan before it was sent, approves numbers: a plan that asks for more than those is held again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from app.core.evidence import Cause, Measured, Seen, likely_cause
from app.core.exports import REMOVING, Guard, SyncMode
from app.core.plans import Changes

MOVED_BY = 1.1
"""A plan that was looked at may ask for a tenth more, and for ten members in any case, before it has to be looked at again."""
MOVED_FROM = 10
SENT, NEWER = "sent", "newer"
FEWEST = 10
"""Of fewer members, half is no sign of anything."""


class GuardKind(StrEnum):
    """What holds a run."""

    EMPTY = "empty"
    REMOVED = "removed"
    CHANGED = "changed"
    SHRANK = "shrank"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Fewer:
    """A table or segment written as files that lost rows: `gone` of those that the last published run wrote, at least."""

    name: str
    before: int
    now: int
    gone: int

    @property
    def share(self) -> float:
        """How many are gone, in percent."""
        return 100 * self.gone / self.before


@dataclass(frozen=True, slots=True)
class Approval:
    """Who agreed to what. Without numbers to anything; `anyway` passes guards, else it was reviewed before it was sent.

    `changes` are those of a plan that was looked at, `members` how many were to be sent when the export was reviewed, of
    tables their rows. `each` are the changes of a held run by segment, `fewer` its files that may have lost so many rows.
    """

    by: str
    at: datetime
    changes: Changes | None = None
    anyway: bool = False
    members: int | None = None
    fewer: tuple[Fewer, ...] = ()
    each: Mapping[str, Changes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """Why nothing was sent. `share` and `limit` are in percent of the `audience`, `changes` those of the whole run, by segment `each`.

    `now` is the number that is compared with `before`, and `moved` which of the plan's it is when it is one of a plan that was
    looked at. `answer` is what became of it: empty while it waits, SENT when somebody agreed to a later run, NEWER when one began.
    `fewer` are the tables or segments of files that hold it, and share, limit and segment those of the worst of them.
    """

    guard: GuardKind
    sentence: str
    changes: Changes
    audience: int
    share: float | None = None
    limit: float | None = None
    segment: str = ""
    before: int | None = None
    cause: Cause | None = None
    answer: str = ""
    now: int | None = None
    moved: str = ""
    fewer: tuple[Fewer, ...] = ()
    each: Mapping[str, Changes] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """What a person types who sends it anyway."""
        if self.guard in {GuardKind.REMOVED, GuardKind.EMPTY} or self.fewer:
            return self.changes.removed
        return self.changes.changed if self.guard is GuardKind.CHANGED else self.changes.to_send

    @property
    def waits(self) -> bool:
        """Whether somebody still has to answer."""
        return not self.answer


def judge(guard: Guard, sync: SyncMode, planned: Sequence[Measured], approval: Approval | None = None) -> Held | None:
    """What holds this plan, None when it may go."""
    total = sum((each.changes for each in planned), Changes())
    found = _tripped(guard, sync, planned, total) or _moved(planned, total, approval)
    if found is None:
        return None
    found = replace(found, each={each.segment: each.changes for each in planned})
    covered = approval is not None and approval.anyway and _within(found, approval)
    return None if covered else found


def guard_words(guard: Guard, sync: SyncMode) -> str:
    """What holds a run of an export, in a few words; empty when nothing does."""
    shares = [
        (guard.removed_percent if sync in REMOVING else None, "removed"),
        (guard.changed_percent, "changed"),
    ]
    found = [f"above {share:g}% {word}" for share, word in shares if share is not None]
    if guard.empty_source:
        found.append("when a segment is empty or shrank")
    return f"Hold {', '.join(found)}" if found else ""


def strayed(reviewed: int, now: int) -> bool:
    """Whether a number is so far from the one that was reviewed, above or below, that it has to be looked at again."""
    return _grew(reviewed, now) or _grew(now, reviewed)


def counted(number: int, one: str) -> str:
    """So many of a thing, as the command line and records say it: "1 member", "1,234 members"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def _tripped(guard: Guard, sync: SyncMode, planned: Sequence[Measured], total: Changes) -> Held | None:
    if guard.empty_source:
        for each in planned:
            if not each.now.members and each.changes.removed:
                everybody = counted(each.changes.removed, "member")
                return Held(
                    GuardKind.EMPTY,
                    f"“{each.segment}” is empty now; {'all ' * (each.changes.removed > 1)}{everybody} sent there would be removed.",
                    total,
                    _audience(each.changes),
                    100.0,
                    segment=each.segment,
                    cause=likely_cause(each),
                )
    whole = Measured("", total, Seen(0))
    scopes = [whole, *planned] if len(planned) > 1 else list(planned)
    for kind, limit in ((GuardKind.REMOVED, guard.removed_percent), (GuardKind.CHANGED, guard.changed_percent)):
        if limit is None or (kind is GuardKind.REMOVED and sync not in REMOVING):
            continue
        for each in scopes:
            number = each.changes.removed if kind is GuardKind.REMOVED else each.changes.changed
            audience = _audience(each.changes)
            share = 100 * number / audience if audience else 0.0
            if share > limit:
                of = f"“{each.segment}”" if each.segment and len(planned) > 1 else "the audience"
                return Held(
                    kind,
                    f"{share:.1f}% of {of} would be {kind.value}; your limit is {limit:g}%.",
                    total,
                    audience,
                    share,
                    limit,
                    each.segment if len(planned) > 1 else "",
                    cause=_cause_of(planned if each is whole else [each], kind),
                )
    return _shrank(guard, planned, total)


def _shrank(guard: Guard, planned: Sequence[Measured], total: Changes) -> Held | None:
    for each in planned if guard.empty_source else ():
        was = each.before.members if each.before is not None else 0
        if was >= FEWEST and each.now.members < was / 2:
            return Held(
                GuardKind.SHRANK,
                f"“{each.segment}” has {counted(each.now.members, 'member')}; the last run found {was:,}.",
                total,
                _audience(each.changes),
                segment=each.segment,
                before=was,
                now=each.now.members,
                cause=likely_cause(each),
            )
    return None


def _moved(planned: Sequence[Measured], total: Changes, approval: Approval | None) -> Held | None:
    """Whether others are to be sent than were reviewed, or more is to be done than a plan had that was looked at."""
    if approval is None or approval.anyway:
        return None
    members, reviewed = sum(each.now.members for each in planned), approval.members
    if reviewed is not None and strayed(reviewed, members):
        sentence = f"{counted(members, 'member')} would be sent; when the export was reviewed, it was {reviewed:,}."
        return Held(GuardKind.MOVED, sentence, total, _audience(total), before=reviewed, now=members)
    for word in ("removed", "changed", "added") if approval.changes is not None else ():
        looked, now = getattr(approval.changes, word), getattr(total, word)
        if _grew(looked, now):
            sentence = f"{counted(now, 'member')} would be {word}; when the plan was looked at, it was {looked:,}."
            return Held(GuardKind.MOVED, sentence, total, _audience(total), before=looked, now=now, moved=word)
    return None


def _grew(reviewed: int, now: int) -> bool:
    return now > max(reviewed * MOVED_BY, reviewed + MOVED_FROM)


def _within(held: Held, approval: Approval) -> bool:
    """Whether what was agreed to covers what is asked for now."""
    agreed = approval.changes
    if agreed is None:
        return True
    none = Changes()
    for segment, asked in held.each.items() if approval.each else ():
        allowed = approval.each.get(segment, none)
        if asked.removed > allowed.removed or asked.changed > allowed.changed:
            return False
    return (
        held.changes.removed <= agreed.removed
        and held.changes.changed <= agreed.changed
        and (held.guard not in {GuardKind.SHRANK, GuardKind.MOVED} or held.changes.to_send <= agreed.to_send)
    )


def _audience(changes: Changes) -> int:
    """How many are there now, as far as we know."""
    return changes.removed + changes.changed + changes.unchanged


def _cause_of(planned: Sequence[Measured], kind: GuardKind) -> Cause | None:
    return next(
        (cause for each in planned if (cause := likely_cause(each, changes=kind is GuardKind.CHANGED)) is not None),
        None,
    )
