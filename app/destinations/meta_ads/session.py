"""One segment on its way into one custom audience.

Meta takes rows of hashes under a heading; who is there already stays, and who is not there can be removed, which is what makes
a lost answer repeatable. It tells how many rows it could not read and shows some of them, but not who was matched. Its own way
to replace an audience needs everybody in one upload, while a run sends only what changed, so that it is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import FixData, FixSettings
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.hashes import not_hashed
from app.destinations.http import HttpClient
from app.destinations.meta_ads.answers import CUSTOMER_LIST, FLAGGED, Audience, Audiences, Made, Taken, flagged
from app.jobs import JobContext

KEYS: Mapping[str, str] = {"email": "email", "phone": "phone", "name_address": "external_id"}
"""What members are known by, for each choice of the export."""
COLUMNS: Mapping[str, str] = {
    "email": "EMAIL",
    "phone": "PHONE",
    "external_id": "EXTERN_ID",
    "first_name": "FN",
    "last_name": "LN",
    "first_initial": "FI",
    "gender": "GEN",
    "birth_year": "DOBY",
    "birth_month": "DOBM",
    "birth_day": "DOBD",
    "city": "CT",
    "state": "ST",
    "postal_code": "ZIP",
    "country": "COUNTRY",
}
"""Our fields and Meta's headings for them."""

_PAGE = "100"
_FIELDS = "id,name,account_id,subtype,operation_status,approximate_count_lower_bound,approximate_count_upper_bound"
_SOURCES = {
    "customers": "USER_PROVIDED_ONLY",
    "partners": "PARTNER_PROVIDED_ONLY",
    "both": "BOTH_USER_AND_PARTNER_PROVIDED",
}


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `audience_id` is empty for an audience named after the segment."""

    key: str
    account_id: str
    audience_id: str
    name: str
    source: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings without an ad account, or for numbers that are none (they become part of an address)."""
        account = target.get("account_id", "").strip().removeprefix("act_")
        if not (account.isascii() and account.isdecimal()):
            raise FixSettings(
                "No ad account is chosen.",
                "Audiences need an ad account at Meta to go to.",
                "Choose the ad account in the export.",
                code="no_account",
            )
        audience = target.get("audience_id", "").strip()
        if audience and not (audience.isascii() and audience.isdecimal()):
            raise not_an_audience("audience", "Meta", "numbers")
        key = KEYS[target.get("key_identifier") or "email"]
        return cls(
            key, account, audience, audience_name(target, segment), _SOURCES[target.get("source") or "customers"]
        )

    @property
    def audiences(self) -> str:
        """The address of the ad account's audiences."""
        return f"act_{self.account_id}/customaudiences"


class MetaSession(AudienceSession[Audience]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.audience_id or "AUDIENCE-ID"

    def _open(self) -> None:
        self._id = self.opened.once(self.place_name(None), self._found_or_made)

    def _found_or_made(self) -> str:
        found = self.find(self._ctx)
        return found.id if found is not None else self._make()

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`; raises FixData when Meta does not name whom it could not read, so that halves are tried."""
        return self._change("POST", Batch.of(members), OutcomeKind.TAKEN, ctx)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`."""
        return self._change("DELETE", Batch.of(members), OutcomeKind.REMOVED, ctx)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; Meta estimates whom it matched, so that its number is not ours."""
        found = self._read(self._id, ctx)
        low, high = found.approximate_count_lower_bound, found.approximate_count_upper_bound
        size = f"holds between {low:,} and {high:,} people" if high > 0 else "has not been matched yet"
        return Confirmation(f"The audience “{found.name}” {size}; changes take up to 24 hours.")

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        places, _invalid = self._sendable(batch)
        if places:
            yield self._call("DELETE" if removing else "POST", batch.picked(places))

    def find(self, ctx: JobContext) -> Audience | None:
        """The audience; None when one named after the segment is not there yet. Raises FixSettings when it can't be filled."""
        target = self._target
        found = self._chosen(ctx) if target.audience_id else self._named(ctx)
        if found is not None and found.operation_status.code == FLAGGED:
            raise flagged(f"Meta says: {found.operation_status.description or 'status 471'}")
        return found

    def place_name(self, found: Audience | None) -> str:
        """See `AudienceSession.place_name`."""
        del found
        return f"{self._target.account_id} {self._target.audience_id or self._target.name}"

    def _named(self, ctx: JobContext) -> Audience | None:
        every = read_audiences(self.client, self._target.account_id, ctx)
        return next((each for each in every if each.name == self._target.name and each.subtype == CUSTOMER_LIST), None)

    def _chosen(self, ctx: JobContext) -> Audience:
        try:
            found = self._read(self._target.audience_id, ctx)
        except FixSettings as error:
            if error.code != "http_404":
                raise
            raise audience_is_gone("audience", "ad account at Meta") from None
        if found.account_id != self._target.account_id:
            raise FixSettings(
                f"The audience “{found.name}” belongs to another ad account.",
                f"It is in the ad account {found.account_id}; the export goes to {self._target.account_id}.",
                "Choose audience and ad account of the export so that they fit.",
                code="wrong_account",
            )
        if found.subtype != CUSTOMER_LIST:
            raise FixSettings(
                f"The audience “{found.name}” can't be filled.",
                f"It is of the type {found.subtype.replace('_', ' ').lower()}; only customer lists take members.",
                "Choose a custom audience made from a customer list in the export, or none to have one made.",
                code="wrong_audience",
            )
        return found

    def _read(self, audience_id: str, ctx: JobContext) -> Audience:
        return self.client.read(Call("GET", audience_id, {"fields": _FIELDS}), Audience, ctx)

    def _make(self) -> str:
        body = {
            "name": self._target.name,
            "subtype": CUSTOMER_LIST,
            "customer_file_source": self._target.source,
            "description": "Filled by Sendoff",
        }
        call = Call("POST", self._target.audiences, json=body, repeatable=False)

        def find() -> str | None:
            found = self.find(self._ctx)
            return None if found is None else found.id

        return made_once(lambda: self.client.read(call, Made, self._ctx).id, find)

    def _change(self, method: str, members: Batch, done: OutcomeKind, ctx: JobContext) -> Outcomes:
        ctx.check()
        places, others = self._sendable(members)
        if places:
            sent = members.picked(places)
            taken = self.client.read(self._call(method, sent), Taken, ctx)
            if taken.num_invalid_entries:
                others |= {places[at]: self._refused(sent.keys[at]) for at in self._unread(taken, sent)}
        return Outcomes(members.keys, done, others)

    def _call(self, method: str, batch: Batch) -> Call:
        """The rows of these members under the headings that are filled at all; what one of them lacks stays blank."""
        columns = {name: batch.column(field) for field, name in COLUMNS.items() if any(batch.column(field))}
        rows = [[value or "" for value in row] for row in zip(*columns.values(), strict=True)]
        body = {"payload": {"schema": list(columns), "data": rows}}
        return Call(method, f"{self._id}/users", json=body, repeatable=True)

    def _sendable(self, batch: Batch) -> tuple[list[int], dict[int, Outcome]]:
        """The places of the members that may leave: known by something, and hashed through and through."""
        places, others = told_apart(batch, (self._target.key,))
        others |= {place: why for place, why in not_hashed(batch, COLUMNS).items() if place not in others}
        return [place for place in places if place not in others], others

    def _unread(self, taken: Taken, sent: Batch) -> list[int]:
        """The places of the rows Meta could not read."""
        if taken.num_invalid_entries >= len(sent):
            return list(range(len(sent)))
        keys, named = sent.column(self._target.key), taken.sampled
        found = [place for place, key in enumerate(keys) if key in named]
        if len(found) == taken.num_invalid_entries:
            return found
        raise FixData(
            f"Meta could not read {taken.num_invalid_entries:,} of {len(sent):,} members.",
            "It does not name all of them.",
            "Correct the values at the source, then run the export again.",
            code="unnamed_rejects",
        )

    def _refused(self, key: str) -> Outcome:
        return Outcome(
            key, OutcomeKind.REJECTED, self._target.key, "Meta could not read this member's values.", _AT_SOURCE
        )


def read_audiences(client: HttpClient, account_id: str, ctx: JobContext) -> Iterator[Audience]:
    """All audiences of an ad account; raises FixSettings when the account is not there."""
    call = Call("GET", f"act_{account_id}/customaudiences", {"fields": _FIELDS, "limit": _PAGE})
    while True:
        try:
            page = client.read(call, Audiences, ctx)
        except FixSettings as error:
            if error.code != "http_404":
                raise
            raise FixSettings(
                "This ad account is not there.",
                "It was closed at Meta, or the person of this connection may not see it.",
                "Choose the ad account again in the export.",
                code="no_account",
            ) from None
        yield from page.data
        if not page.paging.following:
            return
        call = Call("GET", call.path, {**call.query, "after": page.paging.following})


_AT_SOURCE = "Correct the values at the source."
