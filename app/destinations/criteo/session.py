"""One segment on its way into one contact list.

Each request adds or removes up to 50,000 hashes; adding who is there and removing who is not changes nothing, which is what
makes a lost answer repeatable. Criteo tells how many it could not read and shows some of them, but not who was there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import FixData, FixSettings, TellUs
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.criteo.answers import (
    CONTACT_LIST,
    Amended,
    Amendment,
    AudienceSegment,
    AudienceSegments,
    ContactListStatistics,
)
from app.destinations.hashes import not_hashed
from app.destinations.http import HttpClient
from app.jobs import JobContext

KEY = "email"

_SEGMENTS = "marketing-solutions/audience-segments"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `segment_id` is empty for one named after the segment."""

    advertiser_id: str
    segment_id: str
    name: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings without an advertiser, or for numbers that are none (one becomes part of an address)."""
        advertiser, segment_id = target.get("account_id", "").strip(), target.get("audience_id", "").strip()
        if not (advertiser.isascii() and advertiser.isdecimal()):
            raise FixSettings(
                "No advertiser is chosen.",
                "Contact lists belong to an advertiser at Criteo.",
                "Choose the advertiser in the export.",
                code="no_account",
            )
        if segment_id and not (segment_id.isascii() and segment_id.isdecimal()):
            raise not_an_audience("contact list", "Criteo", "numbers")
        return cls(advertiser, segment_id, audience_name(target, segment))


class CriteoSession(AudienceSession[AudienceSegment]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.segment_id or "SEGMENT-ID"

    def _open(self) -> None:
        found = self.opened.once(self.place_name(None), lambda: self.find(self._ctx) or self._make())
        self._id = found.number

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`; raises FixData when Criteo does not name whom it could not read, so that halves are tried."""
        return self._change("add", Batch.of(members), OutcomeKind.TAKEN, ctx)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`."""
        return self._change("remove", Batch.of(members), OutcomeKind.REMOVED, ctx)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; how soon Criteo counts what was sent is not known, so that its number is not ours."""
        call = Call("GET", f"{_SEGMENTS}/{self._id}/contact-list/statistics")
        told = self.client.read(call, ContactListStatistics, ctx).data
        counted = told.attributes if told is not None else None
        if counted is None or counted.number_of_identifiers is None:
            return Confirmation("Criteo has not counted the contact list yet.")
        words = f"Criteo counts {counted.number_of_identifiers:,} addresses on the contact list"
        if counted.number_of_matches is not None:
            words = f"{words} and knows {counted.number_of_matches:,} of them"
        return Confirmation(f"{words}; its numbers may be behind.")

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        places, _invalid = _sendable(batch)
        if places:
            yield self._call("remove" if removing else "add", batch.picked(places))

    def find(self, ctx: JobContext) -> AudienceSegment | None:
        """The audience segment; None when one named after ours is not there yet. Raises FixSettings when it can't be filled."""
        target = self._target
        if not target.segment_id:
            every = read_segments(self.client, [target.advertiser_id], ctx)
            found = next((each for each in every if each.name == target.name), None)
        else:
            wanted = {"audienceSegmentIds": [target.segment_id], "advertiserIds": [target.advertiser_id]}
            found = next(_search(self.client, wanted, ctx), None)
            if found is None:
                raise audience_is_gone("contact list", "advertiser at Criteo")
        if found is not None:
            _demand_fillable(found)
        return found

    def place_name(self, found: AudienceSegment | None) -> str:
        """See `AudienceSession.place_name`."""
        del found
        return f"{self._target.advertiser_id} {self._target.segment_id or self._target.name}"

    def _make(self) -> AudienceSegment:
        attributes = {
            "advertiserId": self._target.advertiser_id,
            "name": self._target.name,
            "description": "Filled by Sendoff",
            "contactList": {},
        }
        body = {"data": [{"type": "AudienceSegment", "attributes": attributes}]}
        call = Call("POST", f"{_SEGMENTS}/create", json=body, repeatable=False)

        def make() -> AudienceSegment:
            made = self.client.read(call, AudienceSegments, self._ctx).data
            if not made or not made[0].number:
                raise TellUs(
                    "Criteo answered in a way we do not understand.",
                    "It made the contact list, but did not say under which number.",
                    "Run the export again in a minute; when it comes back, send us the log.",
                    code="unexpected_answer",
                )
            return made[0]

        return made_once(make, lambda: self.find(self._ctx))

    def _change(self, operation: str, members: Batch, done: OutcomeKind, ctx: JobContext) -> Outcomes:
        ctx.check()
        places, others = _sendable(members)
        if places:
            sent = members.picked(places)
            told = self.client.read(self._call(operation, sent), Amended, ctx).data.attributes
            for at in _unread(told, sent):
                others[places[at]] = Outcome(sent.keys[at], OutcomeKind.REJECTED, KEY, *_UNREADABLE)
        return Outcomes(members.keys, done, others)

    def _call(self, operation: str, batch: Batch) -> Call:
        attributes = {"operation": operation, "identifierType": "email", "identifiers": list(batch.column(KEY))}
        body = {"data": {"type": "ContactlistAmendment", "attributes": attributes}}
        return Call("PATCH", f"{_SEGMENTS}/{self._id}/contact-list", json=body, repeatable=True)


def read_segments(client: HttpClient, advertisers: Sequence[str], ctx: JobContext) -> Iterator[AudienceSegment]:
    """All contact lists of these advertisers."""
    yield from _search(client, {"advertiserIds": list(advertisers), "audienceSegmentTypes": [CONTACT_LIST]}, ctx)


def _search(client: HttpClient, wanted: Mapping[str, Sequence[str]], ctx: JobContext) -> Iterator[AudienceSegment]:
    body = {"data": {"type": "AudienceSegment", "attributes": dict(wanted)}}
    start = 0
    while True:
        query = {"limit": str(_PAGE), "offset": str(start)}
        call = Call("POST", f"{_SEGMENTS}/search", query, json=body, repeatable=True, abortable=True)
        page = client.read(call, AudienceSegments, ctx)
        found = page.data or []
        yield from found
        start += len(found)
        total = page.meta.total_items if page.meta is not None else None
        if not found or (len(found) < _PAGE if total is None else start >= total):
            return


def _demand_fillable(found: AudienceSegment) -> None:
    if found.attributes.type not in {CONTACT_LIST, "", None}:
        raise FixSettings(
            f"The audience segment “{found.name}” can't be filled.",
            f"It is of the type {found.attributes.type}; only contact lists take members.",
            "Choose a contact list in the export, or none to have one made.",
            code="wrong_audience",
        )
    if found.attributes.contact_list is not None and found.attributes.contact_list.is_read_only:
        raise FixSettings(
            f"The contact list “{found.name}” can't be changed.",
            "Criteo says that it can only be read.",
            "Choose another contact list in the export, or none to have one made.",
            code="wrong_audience",
        )


def _sendable(batch: Batch) -> tuple[list[int], dict[int, Outcome]]:
    """The places of the members that may leave: with an e-mail address, and that one hashed."""
    places, others = told_apart(batch, (KEY,))
    others |= {place: why for place, why in not_hashed(batch, (KEY,)).items() if place not in others}
    return [place for place in places if place not in others], others


def _unread(told: Amendment, sent: Batch) -> list[int]:
    """The places of the addresses Criteo could not read."""
    number = told.nb_invalid_identifiers or 0
    if not number:
        return []
    if number >= len(sent):
        return list(range(len(sent)))
    named = frozenset(told.sample_invalid_identifiers or ())
    found = [place for place, key in enumerate(sent.column(KEY)) if key in named]
    if len(found) == number:
        return found
    raise FixData(
        f"Criteo could not read {number:,} of {len(sent):,} members.",
        "It does not name all of them.",
        "Correct the values at the source, then run the export again.",
        code="unnamed_rejects",
    )


_UNREADABLE = ("Criteo could not read this e-mail address.", "Correct it at the source.")
