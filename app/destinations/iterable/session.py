"""One segment on its way onto one static list.

Putting a user on a list adds or updates the user too; doing it twice changes nothing, which is what makes a lost answer
repeatable. Taking somebody off says `channelUnsubscribe: false`: true would unsubscribe them from everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import FixSettings
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.iterable.answers import IterableList, Lists, MadeList, Subscribed
from app.destinations.refusals import explained, unnamed_rejects
from app.jobs import JobContext

KEYS = ("email", "userId")


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is 0 for a list named after the segment."""

    list_id: int
    name: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list that is not a number."""
        list_id = target.get("audience_id", "").strip()
        if list_id and not (list_id.isascii() and list_id.isdecimal()):
            raise not_an_audience("list", "Iterable", "numbers")
        name = audience_name(target, segment)
        return cls(int(list_id or 0), name)


class IterableSession(AudienceSession[IterableList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.list_id

    def _open(self) -> None:
        self._id = self.opened.once(self.place_name(None), self._found_or_made)

    def _found_or_made(self) -> int:
        found = self.find(self._ctx)
        return self._make() if found is None else found.id

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        return self._change(Batch.of(members), ctx, removing=False)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; who is not known there is on no list."""
        return self._change(Batch.of(members), ctx, removing=True)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; users that others put there count too."""
        answer = self.client.send(Call("GET", f"api/lists/{self._id}/size"), ctx)
        text = answer.body.decode("ascii", "replace").strip()
        if not answer.ok or not text.isdecimal():
            return Confirmation()
        return Confirmation(f"Iterable counts {int(text):,} users on the list “{self._target.name}”.", int(text))

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The request `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        places, _invalid = told_apart(batch, KEYS)
        if places:
            yield self._call(batch, places, removing=removing)

    def find(self, ctx: JobContext) -> IterableList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when it can't be filled."""
        for each in self.client.read(Call("GET", "api/lists"), Lists, ctx).lists:
            if each.id == self._target.list_id if self._target.list_id else each.name == self._target.name:
                if not each.static:
                    raise FixSettings(
                        f"The list “{each.name}” can't be filled.",
                        f"It is of the kind {each.list_type.lower()}: Iterable itself decides who is on it.",
                        "Choose a static list in the export.",
                        code="wrong_audience",
                    )
                return each
        if self._target.list_id:
            raise audience_is_gone("list", "Iterable project")
        return None

    def place_name(self, found: IterableList | None) -> str:
        """See `AudienceSession.place_name`."""
        return self._target.name if found is None else found.name

    def _make(self) -> int:
        call = Call("POST", "api/lists", json={"name": self._target.name}, repeatable=False)

        def found() -> int | None:
            known = self.find(self._ctx)
            return None if known is None else known.id

        return made_once(lambda: self.client.read(call, MadeList, self._ctx).list_id, found)

    def _change(self, batch: Batch, ctx: JobContext, *, removing: bool) -> Outcomes:
        ctx.check()
        done = OutcomeKind.REMOVED if removing else OutcomeKind.TAKEN
        places, others = told_apart(batch, KEYS)
        if not places:
            return Outcomes(batch.keys, done, others)
        told = self.client.read(self._call(batch, places, removing=removing), Subscribed, ctx)
        others |= self._refused(told, batch, places, removing=removing)
        return Outcomes(batch.keys, done, others)

    def _refused(self, told: Subscribed, batch: Batch, places: Sequence[int], *, removing: bool) -> dict[int, Outcome]:
        """Whom Iterable did not take. Who is not known there (any more) is on no list, and it need not say whom it did not find."""
        exact: dict[str, int] = {}
        folded: dict[str, int] = {}
        for column in (batch.column(name) for name in KEYS):
            for place in places:
                if value := column[place]:
                    exact.setdefault(value, place)
                    folded.setdefault(value.lower(), place)
        found: dict[int, Outcome] = {}
        for each in told.refused():
            at = exact.get(each.user, folded.get(each.user.lower()))
            if at is not None and not (removing and each.is_nobody):
                found[at] = Outcome(batch.keys[at], OutcomeKind.REJECTED, reason=each.reason, fix=each.fix)
        if removing or len(found) >= told.fail_count:
            return found
        if told.fail_count < len(places):
            raise unnamed_rejects("Iterable", told.fail_count, len(places), f"It names only {len(found):,} of them.")
        why = explained("Iterable", "")
        return {place: Outcome(batch.keys[place], OutcomeKind.REJECTED, "", *why) for place in places} | found

    def _call(self, batch: Batch, places: Sequence[int], *, removing: bool) -> Call:
        picked = batch.picked(places)
        users: list[dict[str, Any]] = [*picked.objects({name: name for name in KEYS if name in picked.columns})]
        if removing:
            body = {"listId": self._id, "subscribers": users, "channelUnsubscribe": False}
            return Call("POST", "api/lists/unsubscribe", json=body, repeatable=True)
        values = picked.objects({name: name for name in picked.columns if name not in KEYS})
        for user, fields in zip(users, values, strict=True):
            if fields:
                user["dataFields"] = fields
            if "email" not in user:
                user["preferUserId"] = True
        body = {"listId": self._id, "subscribers": users, "updateExistingUsersOnly": False}
        return Call("POST", "api/lists/subscribe", json=body, repeatable=True)
