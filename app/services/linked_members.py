"""Accounts behind contacts, and contacts of accounts, as far as the tables' links tell."""

from __future__ import annotations

from types import MappingProxyType

from app.core.counts import Linked
from app.core.errors import SendoffError
from app.core.phrases import Phrase
from app.core.segments import Rule, Segment, SegmentOf, SegmentRef, SetOperator
from app.data.counting import Counter, CountSpec
from app.data.links import paths
from app.data.workspace_rows import Scope
from app.jobs import JobContext

_OTHER_KIND = MappingProxyType({SegmentOf.CONTACTS: SegmentOf.ACCOUNTS, SegmentOf.ACCOUNTS: SegmentOf.CONTACTS})


def linked_members(counter: Counter, scope: Scope, segment: Segment, ctx: JobContext) -> Linked | None:
    """The members of the other kind behind a segment of the scope; None where there is no other kind.

    What can't be counted has a reason in place of a number; raises Cancelled. It is asked as a segment of the other table
    that names this one, so that it counts as such a rule does.
    """
    of = _OTHER_KIND.get(segment.of)
    ours, theirs = scope.catalog.by_role(segment.of.role), scope.catalog.by_role(of.role) if of else None
    if of is None or ours is None or theirs is None or theirs.key is None:
        return None
    ways = paths(scope.catalog, theirs.name, ours.name)
    if len(ways) != 1:
        why = Phrase("linked_often" if ways else "not_linked", (ours.name, theirs.name))
        return Linked(of, None, str(why), why)
    behind = Segment("", "", of, (Rule(SetOperator.UNION, SegmentRef(segment.name)),))
    try:
        return Linked(of, counter.count(scope, behind, CountSpec(), ctx).members)
    except SendoffError as error:  # such as a server out of reach, which keeps no member of ours from counting
        return Linked(of, None, error.what)
