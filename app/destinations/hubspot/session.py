"""One segment on its way onto one static list.

Contacts are written by their e-mail address, and those that were are put on the list by their numbers; doing either twice
changes nothing, which is what makes a lost answer repeatable. Taking somebody off needs their number, so that it is asked
for first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.core.errors import FixData, FixSettings
from app.core.exports import SyncMode
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.hubspot.answers import CONTACTS, FILLABLE, HubSpotList, Memberships, OneList, Problem, Written
from app.destinations.refusals import explained
from app.jobs import JobContext

EMAIL = "email"


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is empty for a list named after the segment."""

    list_id: str
    name: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list that is not a number (it becomes part of an address)."""
        list_id = target.get("audience_id", "").strip()
        if list_id and not (list_id.isascii() and list_id.isdecimal()):
            raise not_an_audience("list", "HubSpot", "numbers")
        name = audience_name(target, segment)
        return cls(list_id, name)


class HubSpotSession(AudienceSession[HubSpotList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, mode: SyncMode, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._mode = mode
        self._id = target.list_id or "LIST-ID"

    def _open(self) -> None:
        found = self.opened.once(self.place_name(None), lambda: self.find(self._ctx) or self._make())
        self._id = found.list_id

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        ctx.check()
        batch = Batch.of(members)
        places, others = told_apart(batch, (EMAIL,))
        if not places:
            return Outcomes(batch.keys, OutcomeKind.UPDATED, others)
        numbers: dict[int, str] = {}
        kinds: list[OutcomeKind | None] = [None] * len(batch)
        if self._mode is SyncMode.ADD:
            numbers = self._there(batch, places, ctx)
            for place in numbers:
                kinds[place] = OutcomeKind.UNCHANGED
        wanted = [place for place in places if place not in numbers]
        if wanted:
            written, new, refused = self._written(batch, wanted, ctx)
            numbers |= written
            others |= refused
            for place in written:
                kinds[place] = OutcomeKind.ADDED if place in new else OutcomeKind.UPDATED
        if numbers:
            told = self.client.read(self._membership("add", list(numbers.values())), Memberships, ctx)
            added, missing = set(told.added), set(told.missing)
            for place, number in numbers.items():
                if number in missing:
                    kinds[place] = None
                    others[place] = Outcome(batch.keys[place], OutcomeKind.REJECTED, reason=_NOT_YET, fix="Run again.")
                elif number in added:
                    kinds[place] = OutcomeKind.ADDED
        return Outcomes.made(batch.keys, kinds, others.__getitem__)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; who is no contact (any more) is on no list."""
        ctx.check()
        batch = Batch.of(members)
        places, _invalid = told_apart(batch, (EMAIL,))
        if places:
            found = [each.id for each in self._read(batch, places, ctx).results]
            if found:
                self.client.read(self._membership("remove", found), Memberships, ctx)
        return Outcomes(batch.keys, OutcomeKind.REMOVED)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; contacts that others put there count too."""
        answer = self.client.send(Call("GET", f"crm/v3/lists/{self._id}"), ctx)
        if not answer.ok:
            return Confirmation()
        found = answer.read(self.client.target, OneList, self.client.redact).list
        if found.members is None:
            return Confirmation(f"The list “{found.name}” is there; HubSpot does not say how many it holds.")
        return Confirmation(
            f"HubSpot counts {found.members:,} contacts on the list “{found.name}”; it counts some time after a change."
        )

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        places, _invalid = told_apart(batch, (EMAIL,))
        if not places:
            return
        if removing or self._mode is SyncMode.ADD:
            yield self._question(batch, places)
        if not removing:
            yield self._writing(batch, places)
        yield self._membership("remove" if removing else "add", ["CONTACT-ID"])

    def find(self, ctx: JobContext) -> HubSpotList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when it can't be filled."""
        target = self._target
        path = target.list_id or f"object-type-id/{CONTACTS}/name/{quote(target.name, safe='')}"
        answer = self.client.send(Call("GET", f"crm/v3/lists/{path}"), ctx)
        if answer.status == 404 and not target.list_id:
            return None
        if answer.status == 404:
            raise audience_is_gone("list", "HubSpot account")
        if not answer.ok:
            raise self.client.failure(answer)
        found = answer.read(self.client.target, OneList, self.client.redact).list
        if found.processing_type not in FILLABLE or found.object_type_id != CONTACTS:
            active = found.processing_type not in FILLABLE
            raise FixSettings(
                f"The list “{found.name}” can't be filled.",
                "It is an active list: HubSpot itself decides who is on it."
                if active
                else "It does not hold contacts.",
                "Choose a static list of contacts in the export, or another name.",
                code="wrong_audience",
            )
        return found

    def place_name(self, found: HubSpotList | None) -> str:
        """See `AudienceSession.place_name`."""
        return self._target.name if found is None else found.name

    def _make(self) -> HubSpotList:
        body = {"name": self._target.name, "objectTypeId": CONTACTS, "processingType": "MANUAL"}
        call = Call("POST", "crm/v3/lists", json=body, repeatable=False)
        return made_once(lambda: self.client.read(call, OneList, self._ctx).list, lambda: self.find(self._ctx))

    def _there(self, batch: Batch, places: Sequence[int], ctx: JobContext) -> dict[int, str]:
        """The numbers of those HubSpot knows already, by their places."""
        emails = _by_address(batch, places)
        found = self._read(batch, places, ctx).results
        return {emails[address]: each.id for each in found for address in each.addresses if address in emails}

    def _read(self, batch: Batch, places: Sequence[int], ctx: JobContext) -> Written:
        """Who of these members is a contact; of the others HubSpot says that they are not there."""
        told = self.client.read(self._question(batch, places), Written, ctx)
        unread = [each for each in told.errors if each.category != "OBJECT_NOT_FOUND"]
        if unread:
            raise FixData(
                "HubSpot could not look up all contacts.",
                f"HubSpot says: {unread[0].message}" if unread[0].message else "HubSpot does not say why.",
                "Run the export again.",
                code="unread",
            )
        return told

    def _written(
        self, batch: Batch, places: Sequence[int], ctx: JobContext
    ) -> tuple[dict[int, str], set[int], dict[int, Outcome]]:
        """Write these members: the numbers of those that were, who of them is new, and who was refused."""
        told = self.client.read(self._writing(batch, places), Written, ctx)
        emails = _by_address(batch, places)
        known = set(places)
        numbers: dict[int, str] = {}
        new: set[int] = set()
        for each in told.results:
            place = _traced(each.object_write_trace_id, known)
            if place is None:
                place = next((emails[address] for address in each.addresses if address in emails), None)
            if place is not None:
                numbers[place] = each.id
                if each.new:
                    new.add(place)
        left = [place for place in places if place not in numbers]
        if left and not told.errors:
            raise FixData(
                f"HubSpot did not say what became of {len(left):,} of {len(places):,} members.",
                "Its answer names fewer contacts than it was sent.",
                "Run the export again; when it comes back, look the contacts up in HubSpot.",
                code="unnamed_rejects",
            )
        return numbers, new, _refused(batch, left, emails, told.errors)

    def _writing(self, batch: Batch, places: Sequence[int]) -> Call:
        picked = batch.picked(places)
        values = picked.objects({name: name for name in picked.columns})
        inputs = [
            {"id": each[EMAIL], "idProperty": EMAIL, "objectWriteTraceId": str(place), "properties": each}
            for place, each in zip(places, values, strict=True)
        ]
        return Call("POST", "crm/v3/objects/contacts/batch/upsert", json={"inputs": inputs}, repeatable=True)

    def _question(self, batch: Batch, places: Sequence[int]) -> Call:
        column = batch.column(EMAIL)
        body: dict[str, Any] = {
            "idProperty": EMAIL,
            "inputs": [{"id": column[place]} for place in places],
            "properties": [EMAIL, "hs_additional_emails"],
            "propertiesWithHistory": [],
        }
        return Call("POST", "crm/v3/objects/contacts/batch/read", json=body, repeatable=True)

    def _membership(self, verb: str, numbers: Sequence[str]) -> Call:
        return Call("PUT", f"crm/v3/lists/{self._id}/memberships/{verb}", json=list(dict.fromkeys(numbers)))


def _by_address(batch: Batch, places: Sequence[int]) -> dict[str, int]:
    column = batch.column(EMAIL)
    return {(column[place] or "").lower(): place for place in places}


def _traced(trace: str, known: set[int]) -> int | None:
    return int(trace) if trace.isdecimal() and int(trace) in known else None


def _refused(
    batch: Batch, left: Sequence[int], emails: Mapping[str, int], errors: Sequence[Problem]
) -> dict[int, Outcome]:
    """Why each of those that were not written was refused: by the error that names it, else by the first that names nobody."""
    named: dict[int, str] = {}
    unnamed = ""
    for each in errors:
        told = [value for values in each.context.values() for value in values]
        found = {_traced(value, set(left)) for value in each.context.get("objectWriteTraceId", [])}
        found |= {emails.get(value.lower()) for value in told}
        named |= {place: each.message for place in found if place is not None}
        if found <= {None}:
            unnamed = unnamed or each.message
    return {
        place: Outcome(
            batch.keys[place], OutcomeKind.REJECTED, EMAIL, *explained("HubSpot", named.get(place) or unnamed)
        )
        for place in left
    }


_NOT_YET = "HubSpot took the contact, but its lists do not know it yet."
