"""One segment on its way into one audience.

LinkedIn takes entries with what identifies them and what helps to match them; adding one that is there already changes
nobody else, so that a batch can be sent twice without harm. Making an audience can't: names need not be unique at LinkedIn,
so that after a lost answer the audience is looked for before it is made once more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.core.errors import FixSettings, NotAllowed, TellUs
from app.core.exports import SyncMode
from app.core.identifiers import SHA256_HEX
from app.destinations.answers import Answer
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.linkedin_ads.answers import BatchResult, DmpSegment, DmpSegments, EntryResult
from app.destinations.refusals import explained
from app.jobs import JobContext

READY_AFTER = 5.0
"""Seconds between making an audience and filling it (DMP Segment Users)."""
UNKNOWN_WAITS = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds waited when an audience just made is not known yet; open connectors report a minute or two."""

_PAGE = 100
_ENDED = frozenset({"ARCHIVED", "EXPIRED"})
_USER_IDS = {"email": "SHA256_EMAIL", "google_aid": "GOOGLE_AID", "apple_idfa": "APPLE_IDFA"}
_USER_DETAILS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "title": "title",
    "company": "company",
    "country": "country",
}
_COMPANY_IDS = {
    "website_domain": "companyWebsiteDomain",
    "company_name": "companyName",
    "email_domain": "companyEmailDomain",
    "page_url": "companyPageUrl",
    "stock_symbol": "stockSymbol",
}
_COMPANY_DETAILS = {"city": "city", "state": "state", "postal_code": "postalCode", "country": "country"}


def account_urn(account_id: str) -> str:
    """LinkedIn's long name of an ad account."""
    return f"urn:li:sponsoredAccount:{account_id}"


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `audience_id` is empty for an audience named after the segment."""

    account_id: str
    companies: bool
    name: str
    audience_id: str = ""

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings when no ad account is chosen, or for numbers that are none."""
        account = target.get("account_id", "").strip()
        if not account.isascii() or not account.isdigit():
            raise FixSettings(
                "No ad account is chosen.",
                "Audiences need a LinkedIn ad account to go to.",
                "Choose the ad account in the export.",
                code="no_account",
            )
        audience = target.get("audience_id", "").strip()
        if audience and not (audience.isascii() and audience.isdigit()):
            raise not_an_audience("audience", "LinkedIn", "numbers")
        return cls(account, target.get("targeting") == "company", audience_name(target, segment), audience)

    @property
    def type(self) -> str:
        """LinkedIn's word for what the audience holds."""
        return "COMPANY" if self.companies else "USER"

    @property
    def entries(self) -> str:
        """The last part of the address that takes entries."""
        return "companies" if self.companies else "users"


@dataclass(slots=True)
class _Audience:
    """The audience of all sessions to it; `made_at` is a moment of the monotonic clock until it is known to take entries."""

    id: str
    made_at: float | None = None


class LinkedInSession(AudienceSession[DmpSegment]):
    """A `SegmentSession`; leaving the block closes the client."""

    def __init__(
        self, client: HttpClient, target: ExportTarget, mode: SyncMode, source_platform: str, ctx: JobContext
    ) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._mode = mode
        self._source_platform = source_platform
        self._audience = _Audience("AUDIENCE-ID")

    def _open(self) -> None:
        self._audience = self.opened.once(self.place_name(None), self._found_or_made)

    def _found_or_made(self) -> _Audience:
        found = self.find()
        return _Audience(str(found.id)) if found is not None else self._make()

    def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        """See `SegmentSession.send`."""
        ctx.check()
        batch = _Batch(members, companies=self._target.companies)
        if batch.entries:
            self._wait_until_ready(ctx)
            batch.take(self._post(self._change("ADD", batch.entries), ctx), self._mode)
        return batch.outcomes()

    def remove(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        """See `RemovingSession.remove`."""
        ctx.check()
        batch = _Batch(members, companies=self._target.companies)
        if batch.entries:
            batch.take_removal(self._post(self._change("REMOVE", batch.entries), ctx))
        return batch.outcomes()

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`."""
        found = self.find(ctx)
        if found is None:
            return Confirmation()
        status, size = found.told
        reach = "has not matched anybody yet" if not size else f"reaches {size:,} members of LinkedIn"
        return Confirmation(
            f"LinkedIn says that the audience “{self._target.name}” is {status.lower() or 'there'} and {reach}; "
            "matching takes up to 48 hours."
        )

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """See `AudienceSession.calls`."""
        batch = _Batch(members, companies=self._target.companies)
        if batch.entries:
            yield self._change("REMOVE" if removing else "ADD", batch.entries)

    def _change(self, action: str, entries: Sequence[Mapping[str, Any]]) -> Call:
        return Call(
            "POST",
            f"dmpSegments/{self._audience.id}/{self._target.entries}",
            json={"elements": [{"action": action, **entry} for entry in entries]},
            headers={"X-RestLi-Method": "BATCH_CREATE"},
            repeatable=True,
        )

    def _wait_until_ready(self, ctx: JobContext) -> None:
        made_at = self._audience.made_at
        if made_at is not None:
            ctx.token.sleep(max(0.0, made_at + READY_AFTER - time.monotonic()))

    def _post(self, call: Call, ctx: JobContext) -> BatchResult:
        """Send a batch; an audience that was just made may not be known for a while."""
        made_at = self._audience.made_at
        answer = self.client.send(call, ctx)
        for wait in UNKNOWN_WAITS:
            if answer.status != 404 or made_at is None:
                break
            ctx.token.sleep(wait)
            answer = self.client.send(call, ctx)
        if not answer.ok:
            raise self.client.failure(answer)
        self._audience.made_at = None
        return self._read(answer, call)

    def _read(self, answer: Answer, call: Call) -> BatchResult:
        try:
            result = msgspec.convert(answer.json(self.client.target), BatchResult)
        except msgspec.ValidationError:
            result = BatchResult([])
        if len(result.elements) != len(call.json["elements"]):
            raise TellUs(
                "LinkedIn answered in a way we do not understand.",
                f"{len(call.json['elements']):,} entries were sent, the answer tells of {len(result.elements):,}.",
                "Look for a newer Sendoff; when there is none, send us the log.",
                code="unexpected_answer",
            )
        return result

    def find(self, ctx: JobContext | None = None) -> DmpSegment | None:
        """The audience; None when one named after the segment is not there yet.

        Raises FixSettings when a chosen one can't be filled, and as `read_audiences`.
        """
        target = self._target
        for each in read_audiences(self.client, target.account_id, ctx or self._ctx):
            if target.audience_id and str(each.id) == target.audience_id:
                _demand_fillable(each, target)
                return each
            if not target.audience_id and each.name == target.name and each.holds == target.type:
                return each
        if target.audience_id:
            raise audience_is_gone("audience", "ad account at LinkedIn")
        return None

    def place_name(self, found: DmpSegment | None) -> str:
        """See `AudienceSession.place_name`."""
        del found
        return f"{self._target.account_id} {self._target.type} {self._target.audience_id or self._target.name}"

    def _make(self) -> _Audience:
        """Make the audience. A lost answer is followed by a look, so that there are not two of them."""
        body = {
            "name": self._target.name,
            "type": self._target.type,
            "account": account_urn(self._target.account_id),
            "accessPolicy": "PRIVATE",
            "sourcePlatform": self._source_platform,
            "destinations": [{"destination": "LINKEDIN"}],
        }
        call = Call("POST", "dmpSegments", json=body)

        def make() -> _Audience:
            answer = self.client.send(call, self._ctx)
            if not answer.ok:
                raise self.client.failure(answer)
            made_at = time.monotonic()
            return _Audience(self._id_of(answer), made_at)

        def find() -> _Audience | None:
            found = self.find()
            return None if found is None else _Audience(str(found.id), time.monotonic())

        return made_once(make, find)

    def _id_of(self, answer: Answer) -> str:
        """The new audience's id, which stands in a header; which one differs between LinkedIn's own pages."""
        for name in ("x-restli-id", "x-linkedin-id"):
            if number := answer.headers.get(name, ""):
                return number
        found = self.find()
        if found is None:
            raise TellUs(
                "LinkedIn made the audience, but did not say under which number.",
                "Its answer has no number, and the audience is not in the list yet.",
                "Run the export again in a minute.",
                code="unexpected_answer",
            )
        return str(found.id)


def read_audiences(client: HttpClient, account_id: str, ctx: JobContext) -> Iterator[DmpSegment]:
    """All audiences of an ad account; raises FixSettings when it is not there, NotAllowed without the right to them."""
    start = 0
    while True:
        query = {"q": "account", "account": account_urn(account_id)}
        if start:
            query |= {"start": str(start), "count": str(_PAGE)}
        try:
            page = client.read(Call("GET", "dmpSegments", query), DmpSegments, ctx)
        except FixSettings as error:
            if error.code != "http_404":
                raise
            raise FixSettings(
                "This ad account is not there.",
                "It was closed at LinkedIn, or belongs to somebody else than the one of this connection.",
                "Choose the ad account again in the export.",
                code="no_account",
            ) from None
        except NotAllowed as error:
            raise NotAllowed(
                "LinkedIn does not let this connection manage audiences.",
                error.why,
                "Make a token with the right rw_dmp_segments, as somebody who is more than a viewer of the ad account.",
                code="http_403",
            ) from None
        yield from page.elements
        start += len(page.elements)
        if not page.elements or start >= page.paging.total:
            return


def _demand_fillable(found: DmpSegment, target: ExportTarget) -> None:
    if found.holds != target.type:
        kinds = {"USER": "people", "COMPANY": "companies"}
        raise FixSettings(
            f"The audience “{found.name}” takes other members.",
            f"It holds {kinds.get(found.holds, found.type.replace('_', ' ').lower())}; this export sends {kinds[target.type]}.",
            "Choose another audience in the export, or another targeting.",
            code="wrong_audience",
        )
    if found.told[0] in _ENDED:
        raise FixSettings(
            f"The audience “{found.name}” can't be filled any more.",
            f"LinkedIn says that it is {found.told[0].lower()}.",
            "Choose another audience in the export, or none to have one made.",
            code="audience_ended",
        )


class _Batch:
    """The members of one `send`: an entry for each that can be one, and what became of each member."""

    def __init__(self, members: Sequence[Member], *, companies: bool) -> None:
        self._members = members
        self._outcomes: dict[int, Outcome] = {}
        self._places: list[int] = []
        self.entries: list[dict[str, Any]] = []
        seen: set[str] = set()
        for index, member in enumerate(members):
            made = _company(member) if companies else _user(member)
            if isinstance(made, Outcome):
                self._outcomes[index] = made
                continue
            identity, entry = made
            if identity in seen:
                self._outcomes[index] = _invalid(
                    member,
                    identity.partition(" ")[0],
                    "Another member of this batch has the same identifier.",
                    "Join the two in your data.",
                )
                continue
            seen.add(identity)
            self._places.append(index)
            self.entries.append(entry)

    def take(self, result: BatchResult, mode: SyncMode) -> None:
        """Take over an answer: 201 is new, another success was there already."""
        there = OutcomeKind.UNCHANGED if mode is SyncMode.ADD else OutcomeKind.UPDATED
        for index, each in zip(self._places, result.elements, strict=True):
            member = self._members[index]
            if each.ok:
                self._outcomes[index] = Outcome(member.key, OutcomeKind.ADDED if each.status == 201 else there)
            else:
                self._outcomes[index] = _refused(member, each)

    def take_removal(self, result: BatchResult) -> None:
        """Take over an answer to a removal; who is not there is gone."""
        for index, each in zip(self._places, result.elements, strict=True):
            member = self._members[index]
            gone = each.ok or each.status == 404
            self._outcomes[index] = Outcome(member.key, OutcomeKind.REMOVED) if gone else _refused(member, each)

    def outcomes(self) -> list[Outcome]:
        """One outcome per member, in order."""
        return [self._outcomes[index] for index in range(len(self._members))]


def _user(member: Member) -> tuple[str, dict[str, Any]] | Outcome:
    """A person as LinkedIn takes one, known by the first identifier there is; an address that is not hashed never leaves."""
    values = member.values
    email = values.get("email") or ""
    if email and not re.fullmatch(SHA256_HEX, email):
        return _invalid(
            member,
            "email",
            "The e-mail address is not hashed.",
            "Match the e-mail address again; it is hashed on its way.",
        )
    ids = [{"idType": kind, "idValue": value} for field, kind in _USER_IDS.items() if (value := values.get(field))]
    if not ids:
        return _invalid(
            member,
            "email",
            "The member has neither an e-mail address nor an advertising ID.",
            "Enter the address in your data, or leave the member out.",
        )
    return _identity(values, _USER_IDS), {"userIds": ids, **_named(values, _USER_DETAILS)}


def _company(member: Member) -> tuple[str, dict[str, Any]] | Outcome:
    ids = _named(member.values, _COMPANY_IDS)
    if not ids:
        return _invalid(
            member,
            "website_domain",
            "The company has no domain, name, page or stock symbol.",
            "Enter one of them in your data, or leave the company out.",
        )
    return _identity(member.values, _COMPANY_IDS), {**ids, **_named(member.values, _COMPANY_DETAILS)}


def _identity(values: Mapping[str, str | None], fields: Mapping[str, str]) -> str:
    """What tells members apart, as counts and plans do: the first identifier there is."""
    return next(f"{field} {value}" for field in fields if (value := values.get(field)))


def _named(values: Mapping[str, str | None], names: Mapping[str, str]) -> dict[str, str]:
    return {name: value for field, name in names.items() if (value := values.get(field))}


def _invalid(member: Member, field: str, reason: str, fix: str) -> Outcome:
    return Outcome(member.key, OutcomeKind.INVALID, field, reason, fix)


def _refused(member: Member, result: EntryResult) -> Outcome:
    said = result.words or f"status {result.status}"
    if result.status == 429 or result.status >= 500:
        why = "LinkedIn could not take this member at that moment.", "Run the export again."
        return Outcome(member.key, OutcomeKind.REJECTED, "", f"{why[0]} LinkedIn says: {said}", why[1])
    fix = "Correct the value in your data, or match another field."
    return Outcome(member.key, OutcomeKind.REJECTED, "", *explained("LinkedIn", said, fix=fix))
