"""One segment on its way into one audience.

Nobody is ever subscribed again. `update_existing` is described as changing the *status* of existing contacts, so a batch
that holds a status never sets it: contacts already there come back as ERROR_CONTACT_EXISTS, untouched. In all modes but ADD those
go into a second batch that sets `update_existing` and holds no status at all, so that there is nothing to subscribe
anybody with. All requests, those for tags too, can be sent twice without harm, which is what makes a lost answer repeatable.

Who leaves the segment loses the tag and nothing else: contacts are never unsubscribed, archived or deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec

from app.core.errors import FixData, FixSettings, SendoffError, TryAgain
from app.core.exports import SyncMode
from app.destinations.audiences import audience_is_gone, not_an_audience
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.mailchimp import merge_fields
from app.destinations.mailchimp.answers import (
    STATIC,
    BatchResult,
    Refusal,
    TaggedMembers,
    TagMembers,
    TagResult,
    TagSegment,
    TagSegments,
    refusal,
    tag_refusal,
    untag_refusal,
)
from app.destinations.mailchimp.merge_fields import BadValue, MergeField
from app.jobs import JobContext

PAGE = 500
MEMBERS_PAGE = 1_000  # the most Mailchimp gives at once
TAG_PLACEHOLDER = "{segment}"
_PENDING = "pending"
_WHOEVER = {"include_cleaned": "true", "include_transactional": "true", "include_unsubscribed": "true"}
"""Mailchimp gives and counts the subscribed alone unless it is asked for the others."""
_UNKNOWN_ID = 0  # stands in a preview for a tag that is not made yet


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `tag_id` is empty for a tag that is known by its name."""

    audience_id: str
    tag: str
    status: str
    skip_merge_validation: bool
    tag_id: str = ""

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings when no audience is chosen, or an id is not one (it becomes part of an address)."""
        audience = target.get("audience_id", "").strip()
        if not audience.isascii() or not audience.isalnum():
            raise FixSettings(
                "No audience is chosen.",
                "Members need a Mailchimp audience to go to.",
                "Choose the audience in the export.",
                code="no_audience",
            )
        tag_id = target.get("tag_id", "").strip()
        if tag_id and not (tag_id.isascii() and tag_id.isdecimal()):
            raise not_an_audience("tag", "Mailchimp", "numbers")
        tag = (target.get("tag", "").strip() or TAG_PLACEHOLDER).replace(TAG_PLACEHOLDER, segment)
        return cls(
            audience,
            tag,
            target.get("status") or "subscribed",
            target.get("skip_merge_validation", "no") == "yes",
            tag_id,
        )


class MailchimpSession:
    """A `SegmentSession`; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, mode: SyncMode, ctx: JobContext) -> None:
        self._client = client
        self._target = target
        self._mode = mode
        self._ctx = ctx
        self._fields: dict[str, MergeField] = {}
        self._tag_id = int(target.tag_id or _UNKNOWN_ID)
        self._checked: set[str] = set()

    def __enter__(self) -> Self:
        try:
            found = read_merge_fields(self._client, self._target.audience_id, self._ctx)
            self._fields = {each.tag: each for each in found}
            self._tag_id = self._find_or_make_tag().id
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        ctx.check()
        members = Batch.of(members)
        self._check_fields(members)
        batch = _Contacts(members, self._fields, self._target.status)
        if batch.bodies:
            result = self._post(self.add_call(batch), ctx)
            batch.take(result)
            existing = [error.email_address.lower() for error in result.errors if error.exists]
            batch.mark(existing, OutcomeKind.UNCHANGED)
            if existing and self._mode is not SyncMode.ADD:
                batch.take(self._post(self.update_call(batch, existing), ctx))
            if accepted := batch.accepted():
                tagged = self._client.read(self.tag_call(accepted), TagResult, ctx)
                batch.refuse_untagged(tagged)
        return batch.outcomes()

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; Mailchimp ignores addresses that are not there."""
        ctx.check()
        batch = Batch.of(members)
        addresses = [address or "" for address in batch.column(merge_fields.EMAIL)]
        if not addresses:
            return Outcomes([], OutcomeKind.REMOVED)
        told = self._client.read(self.untag_call(addresses), TagResult, ctx)
        told.demand_named(len(addresses))
        refusals = {address.lower(): untag_refusal(error) for error in told.errors for address in error.email_addresses}
        refused = {place: why for place, each in enumerate(addresses) if (why := refusals.get(each.lower()))}
        others = {place: _refused(batch.keys[place], OutcomeKind.REJECTED, why) for place, why in refused.items()}
        return Outcomes(batch.keys, OutcomeKind.REMOVED, others)

    def holds(self, members: Sequence[Member], ctx: JobContext) -> list[bool]:
        """See `AskingSession.holds`: reads who has the tag, and with which values; in the mode ADD any values will do."""
        batch = _Contacts(Batch.of(members), self._fields, self._target.status)
        missing = dict(batch.bodies)
        there: set[str] = set()
        offset = 0
        while missing:
            page = self._client.read(self.tagged_call(offset), TaggedMembers, ctx)
            for each in page.members:
                body = missing.pop(each.email_address.lower(), None)
                if body is not None and (self._mode is SyncMode.ADD or _same(body["merge_fields"], each.merge_fields)):
                    there.add(each.email_address.lower())
            offset += len(page.members)
            if not page.members or offset >= page.total_items:
                break
        return [place not in batch.invalid and address in there for place, address in enumerate(batch.addresses)]

    def tagged_call(self, offset: int) -> Call:
        """One page of the contacts that have the tag, whatever their status."""
        query = {
            "fields": "members.email_address,members.merge_fields,total_items",
            "count": str(MEMBERS_PAGE),
            "offset": str(offset),
            **_WHOEVER,
        }
        return Call("GET", f"{self._segments}/{self._tag_id}/members", query)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`."""
        call = Call("GET", f"{self._segments}/{self._tag_id}", {"fields": "id,name,member_count", **_WHOEVER})
        found = self._client.read(call, TagSegment, ctx)
        sentence = f"Mailchimp counts {found.member_count:,} contacts with the tag “{found.name}”."
        if self._target.status == _PENDING:  # who has not confirmed yet is in no count
            return Confirmation(f"{sentence} Who has not confirmed yet is not among them.")
        return Confirmation(sentence, found.member_count)

    def calls(self, members: Sequence[Member], *, removed: bool = False) -> Iterator[Call]:
        """The requests `send` makes when all members are new, and those for all existing ones, or `remove`; without any network."""
        if removed:
            yield self.untag_call([address or "" for address in Batch.of(members).column(merge_fields.EMAIL)])
            return
        batch = _Contacts(Batch.of(members), self._fields, self._target.status)
        if not batch.bodies:
            return
        yield self.add_call(batch)
        if self._mode is not SyncMode.ADD:
            yield self.update_call(batch, list(batch.bodies))
        yield self.tag_call([body["email_address"] for body in batch.bodies.values()])

    def add_call(self, batch: _Contacts) -> Call:
        """Add who is not there, touch nobody else."""
        return self._batch_call({"members": list(batch.bodies.values()), "update_existing": False})

    def update_call(self, batch: _Contacts, addresses: Sequence[str]) -> Call:
        """Update who is there, without a status."""
        found = (batch.bodies[address] for address in addresses if address in batch.bodies)
        members = [{name: value for name, value in body.items() if name != "status"} for body in found]
        return self._batch_call({"members": members, "update_existing": True})

    def tag_call(self, addresses: Sequence[str]) -> Call:
        """Tag contacts of the audience."""
        return self._tagging({"members_to_add": list(addresses)})

    def untag_call(self, addresses: Sequence[str]) -> Call:
        """Take the tag off contacts."""
        return self._tagging({"members_to_remove": list(addresses)})

    def _tagging(self, body: Mapping[str, Any]) -> Call:
        """A preview asks nobody for the tag's id."""
        return Call("POST", f"{self._segments}/{self._tag_id or 'TAG-ID'}", json=body, repeatable=True)

    @property
    def _segments(self) -> str:
        return f"lists/{self._target.audience_id}/segments"

    def _batch_call(self, body: dict[str, Any]) -> Call:
        query = {"skip_merge_validation": "true"} if self._target.skip_merge_validation else {}
        return Call("POST", f"lists/{self._target.audience_id}", query, body, repeatable=True)

    def _post(self, call: Call, ctx: JobContext) -> BatchResult:
        return self._client.read(call, BatchResult, ctx)

    def _check_fields(self, members: Batch) -> None:
        """A matched field the audience does not have would be ignored by Mailchimp without a word."""
        for field_id in members.columns.keys() - self._checked - {merge_fields.EMAIL}:
            tag = merge_fields.Target.parse(field_id).tag
            if tag not in self._fields:
                raise FixSettings(
                    f"The audience has no field “{tag}”.",
                    "It was removed or renamed in Mailchimp since it was matched.",
                    "Match the fields of this export again.",
                    code="no_such_field",
                )
            self._checked.add(field_id)

    def _find_or_make_tag(self) -> TagSegment:
        found = self.find_tag()
        if found is not None:
            return found
        try:
            # Sent twice, the second is refused because the name is taken; then the tag is found below.
            body = {"name": self._target.tag, "static_segment": []}
            call = Call("POST", self._segments, json=body, repeatable=True)
            return self._client.read(call, TagSegment, self._ctx)
        except (TryAgain, FixData) as error:
            # An answer was lost after the tag was made, or somebody else made it meanwhile: look once more.
            again = self._look_again(error)
            if again is None:
                raise
            return again

    def _look_again(self, error: SendoffError) -> TagSegment | None:
        try:
            return self.find_tag()
        except SendoffError:
            raise error from None

    def tagged(self, ctx: JobContext) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """Everybody with the tag, whatever their status, by address in lower case; nobody when there is no tag."""
        tag = self.find_tag()
        offset = 0
        while tag is not None:
            query = {
                "fields": "members.email_address,total_items",
                "count": str(MEMBERS_PAGE),
                "offset": str(offset),
                **_WHOEVER,
            }
            page = self._client.read(Call("GET", f"{self._segments}/{tag.id}/members", query), TagMembers, ctx)
            yield [{merge_fields.EMAIL: each.email_address.strip().lower()} for each in page.members]
            offset += len(page.members)
            if not page.members or offset >= page.total_items:
                return

    def find_tag(self) -> TagSegment | None:
        """The tag; None when there is none of that name. Raises FixSettings when a chosen one can't be given to anybody."""
        if not self._target.tag_id:
            tags = read_tags(self._client, self._target.audience_id, self._ctx)
            return next((each for each in tags if each.name == self._target.tag), None)
        call = Call("GET", f"{self._segments}/{self._target.tag_id}", {"fields": "id,name,member_count,type"})
        answer = self._client.send(call, self._ctx)
        if answer.status == 404:
            raise audience_is_gone("tag", "audience of Mailchimp")
        if not answer.ok:
            raise self._client.failure(answer)
        found = answer.read(self._client.target, TagSegment, self._client.redact)
        if found.type != STATIC:
            raise FixSettings(
                f"“{found.name}” is no tag of Mailchimp.",
                "It is a segment there, and Mailchimp itself decides by rules who is in it.",
                "Choose a tag in the export, or none to have one made.",
                code="wrong_audience",
            )
        return found


def read_tags(client: HttpClient, audience_id: str, ctx: JobContext) -> Iterator[TagSegment]:
    """All tags of an audience."""
    offset = 0
    while True:
        query = {
            "type": STATIC,
            "fields": "segments.id,segments.name,segments.member_count,total_items",
            "count": str(PAGE),
            "offset": str(offset),
        }
        page = client.read(Call("GET", f"lists/{audience_id}/segments", query), TagSegments, ctx)
        yield from page.segments
        offset += len(page.segments)
        if not page.segments or offset >= page.total_items:
            return


def _refused(key: str, kind: OutcomeKind, why: Refusal) -> Outcome:
    return Outcome(key, kind, why.field, why.reason, why.fix)


def _same(sent: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether a contact has the values that were sent; of an address Mailchimp keeps more parts than it is sent."""
    return all(
        all(held.get(tag, {}).get(part) == text for part, text in value.items())
        if isinstance(value, dict) and isinstance(held.get(tag), dict)
        else held.get(tag) == value
        for tag, value in sent.items()
    )


class _MergeFieldsPage(msgspec.Struct):
    merge_fields: list[MergeField]
    total_items: int = 0


def read_merge_fields(client: HttpClient, audience_id: str, ctx: JobContext) -> list[MergeField]:
    """All merge fields of an audience; raises FixSettings when there is no such audience."""
    found: list[MergeField] = []
    while True:
        call = Call("GET", f"lists/{audience_id}/merge-fields", {"count": str(PAGE), "offset": str(len(found))})
        try:
            page = client.read(call, _MergeFieldsPage, ctx)
        except FixSettings as error:
            if error.code != "http_404":
                raise
            raise FixSettings(
                "This audience is not in the Mailchimp account.",
                "It was deleted there, or belongs to another account than the one of this connection.",
                "Choose the audience again in the export.",
                code="no_audience",
            ) from None
        found += page.merge_fields
        if not page.merge_fields or len(found) >= page.total_items:
            return found


class _Contacts:
    """The members of one `send`: request bodies by address in lower case, and what became of each member."""

    def __init__(self, members: Batch, known: Mapping[str, MergeField], status: str) -> None:
        self._keys = members.keys
        emails = [(email or "").strip() for email in members.column(merge_fields.EMAIL)]
        self.addresses = [email.lower() for email in emails]
        self._kinds: dict[str, OutcomeKind] = {}
        self._refusals: dict[str, Refusal] = {}
        fields, faults = merge_fields.bodies(members.columns, known, len(members))
        plain = not faults and all(emails) and len(set(self.addresses)) == len(emails)
        self.invalid = {} if plain else _invalid(self.addresses, faults)
        self.bodies: dict[str, dict[str, Any]] = {
            address: {"email_address": email, "merge_fields": values, "status": status}
            for place, (address, email, values) in enumerate(zip(self.addresses, emails, fields, strict=True))
            if place not in self.invalid
        }

    def mark(self, addresses: Sequence[str], kind: OutcomeKind) -> None:
        """Set what became of these addresses."""
        self._kinds.update(dict.fromkeys(addresses, kind))
        for address in self._refusals.keys() & set(addresses) if self._refusals else ():
            del self._refusals[address]

    def take(self, result: BatchResult) -> None:
        """Take over an answer to a batch."""
        self.mark([each.email_address.lower() for each in result.new_members], OutcomeKind.ADDED)
        self.mark([each.email_address.lower() for each in result.updated_members], OutcomeKind.UPDATED)
        for error in result.errors:
            address = error.email_address.lower()
            self._kinds.pop(address, None)
            self._refusals[address] = refusal(error)

    def accepted(self) -> list[str]:
        """The addresses that are in the audience now, as they were written."""
        return [body["email_address"] for address, body in self.bodies.items() if address in self._kinds]

    def refuse_untagged(self, result: TagResult) -> None:
        """Take over an answer to the tagging; who has the tag already is fine."""
        result.demand_named(len(self.bodies))
        for error in result.errors:
            if error.already:
                continue
            for address in error.email_addresses:
                self._kinds.pop(address.lower(), None)
                self._refusals[address.lower()] = tag_refusal(error)

    def outcomes(self) -> Outcomes:
        """One outcome per member, in order."""
        kinds = list(map(self._kinds.get, self.addresses))
        for place in self.invalid:
            kinds[place] = None  # its address may be that of another member
        return Outcomes.made(self._keys, kinds, self._refusal)

    def _refusal(self, place: int) -> Outcome:
        invalid = self.invalid.get(place)
        if invalid is not None:
            return _refused(self._keys[place], OutcomeKind.INVALID, invalid)
        why = self._refusals.get(self.addresses[place]) or self._refusals.get(_NOBODY) or _SILENCE
        return _refused(self._keys[place], OutcomeKind.REJECTED, why)


def _invalid(addresses: Sequence[str], faults: Mapping[int, tuple[str, BadValue]]) -> dict[int, Refusal]:
    """Who can't be sent, by place; of several with one address the first can."""
    found: dict[int, Refusal] = {}
    taken: set[str] = set()
    for place, address in enumerate(addresses):
        if not address:
            found[place] = _NO_ADDRESS
        elif address in taken:
            found[place] = _TWICE
        elif place in faults:
            field, error = faults[place]
            found[place] = Refusal(field, error.reason, error.fix)
        else:
            taken.add(address)
    return found


_NOBODY = ""
"""Errors that name no address: they are about somebody of whom nothing else is said."""
_NO_ADDRESS = Refusal(
    "email", "The member has no e-mail address.", "Enter the address in your data, or leave the member out."
)
_TWICE = Refusal(
    "email", "Another member of this batch has the same e-mail address.", "Join the two customers in your data."
)
_SILENCE = Refusal(
    "email", "Mailchimp did not say what became of this contact.", "Look the contact up in Mailchimp, then run again."
)
