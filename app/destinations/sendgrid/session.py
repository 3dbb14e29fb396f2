"""One segment on its way onto one list.

Contacts are added and updated by jobs that also put them on the list; sending one twice changes nothing, which is what makes a
lost answer repeatable. Taking somebody off needs the contact's number, so that it is asked for first. Contacts themselves are
never deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from app.core.errors import SendoffError, TellUs, TryAgain
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.jobs import Patience, after_taking, wait_for
from app.destinations.refusals import explained, unnamed_rejects
from app.destinations.sendgrid.answers import (
    Accepted,
    ContactCount,
    FoundContacts,
    Job,
    KnownContact,
    Lists,
    Results,
    SendGridList,
    lines_naming,
    refused_places,
)
from app.jobs import JobContext

PATIENCE = Patience(first=2.0, longest=30.0, altogether=3_600.0)
CUSTOM = "custom."
EMAIL = "email"
_PAGE = 1_000
_AT_ONCE = 100
"""As many addresses as one question takes, and as many numbers as fit into an address of a removal."""


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is empty for a list named after the segment."""

    list_id: str
    name: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list that is not one (its id becomes part of an address)."""
        list_id = target.get("audience_id", "").strip()
        if list_id and not _is_uuid(list_id):
            raise not_an_audience(
                "list", "Twilio SendGrid", "36 signs, digits and letters from a to f with dashes between"
            )
        name = audience_name(target, segment)
        return cls(list_id, name)


class SendGridSession(AudienceSession[SendGridList]):
    """A `SegmentSession` that can remove; leaving the block closes the client.

    `reader` opens a client without our key for the host that keeps a file of errors.
    """

    def __init__(
        self, client: HttpClient, target: ExportTarget, reader: Callable[[str], HttpClient], ctx: JobContext
    ) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._reader = reader
        self._id = target.list_id or "LIST-ID"

    def _open(self) -> None:
        found = self.opened.once(self.place_name(None), lambda: self.find(self._ctx) or self._make())
        self._id = found.id

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        ctx.check()
        batch = Batch.of(members)
        places, others = told_apart(batch, (EMAIL,))
        if places:
            self._await_left(lambda job: self._wait(job, ctx))
        while places:
            answer = self.client.send(self._upsert(batch, places), ctx)
            if answer.ok:
                job_id = self._job_of(answer.read(self.client.target, Accepted, self.client.redact))
                with self._working(job_id):
                    job = self._wait(job_id, ctx)
                others |= self._refused(job, batch, places, ctx)
                break
            told = answer.json(self.client.target) if answer.status == 400 and answer.is_json else {}
            named = refused_places(told, len(places))
            if not named:
                raise self.client.failure(answer)
            for at, words in named.items():
                others[places[at]] = _rejected(batch.keys[places[at]], self.client.redact(words))
            places = [place for at, place in enumerate(places) if at not in named]
        return Outcomes(batch.keys, OutcomeKind.TAKEN, others)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; who is no contact (any more) is on no list."""
        ctx.check()
        batch = Batch.of(members)
        self._await_left(lambda job: self._wait(job, ctx))
        for part in _parts([each for each in batch.column(EMAIL) if each]):
            found = list(dict.fromkeys(each.id for each in self._looked_up(part, ctx).values()))
            if found:
                answer = self.client.send(self._removal(found), ctx)
                if not answer.ok:
                    raise self.client.failure(answer)
        return Outcomes(batch.keys, OutcomeKind.REMOVED)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; SendGrid counts some time later, so that its number is not ours."""
        answer = self.client.send(Call("GET", f"v3/marketing/lists/{self._id}/contacts/count"), ctx)
        if not answer.ok:
            return Confirmation()
        number = answer.read(self.client.target, ContactCount, self.client.redact).contact_count
        return Confirmation(
            f"SendGrid counts {number:,} contacts on the list “{self._target.name}” so far; it counts some time later."
        )

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        if removing:
            for part in _parts([each for each in batch.column(EMAIL) if each]):
                yield _question(part)
                yield self._removal(["CONTACT-ID"])
            return
        places, _invalid = told_apart(batch, (EMAIL,))
        if places:
            yield self._upsert(batch, places)

    def find(self, ctx: JobContext) -> SendGridList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when a chosen one is gone."""
        if not self._target.list_id:
            return next((each for each in read_lists(self.client, ctx) if each.name == self._target.name), None)
        answer = self.client.send(Call("GET", f"v3/marketing/lists/{self._target.list_id}"), ctx)
        if answer.status == 404:
            raise audience_is_gone("list", "Twilio SendGrid account")
        if not answer.ok:
            raise self.client.failure(answer)
        return answer.read(self.client.target, SendGridList, self.client.redact)

    def place_name(self, found: SendGridList | None) -> str:
        """See `AudienceSession.place_name`."""
        return self._target.name if found is None else found.name

    def _make(self) -> SendGridList:
        call = Call("POST", "v3/marketing/lists", json={"name": self._target.name}, repeatable=False)
        return made_once(lambda: self.client.read(call, SendGridList, self._ctx), lambda: self.find(self._ctx))

    def _upsert(self, batch: Batch, places: Sequence[int]) -> Call:
        picked = batch.picked(places)
        contacts: list[dict[str, Any]] = [
            *picked.objects({name: name for name in picked.columns if not name.startswith(CUSTOM)})
        ]
        own = {name: name.removeprefix(CUSTOM) for name in picked.columns if name.startswith(CUSTOM)}
        for contact, values in zip(contacts, picked.objects(own), strict=True):
            if values:
                contact["custom_fields"] = values
        return Call("PUT", "v3/marketing/contacts", json={"list_ids": [self._id], "contacts": contacts})

    def _job_of(self, accepted: Accepted) -> str:
        if not _is_uuid(accepted.job_id):
            raise TellUs(
                "Twilio SendGrid answered in a way we do not understand.",
                "It took the members, but gave no number to ask for them by.",
                "Look at the list there before you run the export again, and send us the log.",
                code="no_job",
            )
        return accepted.job_id

    def _wait(self, job_id: str, ctx: JobContext) -> Job:
        call = Call("GET", f"v3/marketing/contacts/imports/{job_id}")

        def ask() -> Job | None:
            told = self.client.read(call, Job, ctx)
            return told if told.done else None

        return wait_for("Twilio SendGrid", ask, PATIENCE, ctx)

    def _refused(self, job: Job, batch: Batch, places: Sequence[int], ctx: JobContext) -> dict[int, Outcome]:
        """Whom a job did not take: by its file of errors, and by asking for those that file does not name."""
        results = job.results or Results()
        counted = results.errored_count
        if job.done_well and not counted:
            return {}
        column = batch.column(EMAIL)
        left = {(column[place] or "").lower(): place for place in places}
        found: dict[int, Outcome] = {}
        for address, words in lines_naming(self._errors(results.errors_url or "", ctx), left.keys()):
            if address in left:
                place = left.pop(address)
                found[place] = _rejected(batch.keys[place], words)
        if not counted or len(found) < counted:
            with after_taking("Twilio SendGrid"):
                found |= {place: _rejected(batch.keys[place], "") for place in self._not_there(left, ctx)}
        if len(found) == len(places) or 0 < counted <= len(found):
            return found
        if job.status == "failed" and not counted:
            raise TryAgain(
                "Twilio SendGrid could not work on what was sent.",
                f"It names {len(found):,} of {len(places):,} members, and does not say what was wrong.",
                "Look at the import in SendGrid under Marketing, Contacts, then run the export again.",
                code="import_failed",
            )
        if counted < len(places) != 1:
            said = f"Its file of errors and its answers tell of only {len(found):,} of them."
            raise unnamed_rejects("Twilio SendGrid", counted or len(found) + 1, len(places), said)
        return {place: _rejected(batch.keys[place], "") for place in places} | found

    def _errors(self, address: str, ctx: JobContext) -> str:
        """The file of errors; empty when there is none or it can't be read, for then the contacts are asked for."""
        parts = urlsplit(address)
        if not parts.netloc:
            return ""
        try:
            with self._reader(f"{parts.scheme}://{parts.netloc}") as reader:
                answer = reader.send(Call("GET", parts.path, dict(parse_qsl(parts.query))), ctx)
        except SendoffError:
            return ""
        return answer.body.decode("utf-8", "replace") if answer.ok else ""

    def _not_there(self, left: Mapping[str, int], ctx: JobContext) -> Iterator[int]:
        """The places of those who are not on the list, by e-mail address in lower case."""
        for part in _parts(list(left)):
            there = self._looked_up(part, ctx)
            yield from (left[each] for each in part if each not in there or self._id not in there[each].list_ids)

    def _looked_up(self, addresses: Sequence[str], ctx: JobContext) -> dict[str, KnownContact]:
        answer = self.client.send(_question(addresses), ctx)
        if answer.status == 404:  # none of them is there
            return {}
        if not answer.ok:
            raise self.client.failure(answer)
        return answer.read(self.client.target, FoundContacts, self.client.redact).contacts

    def _removal(self, numbers: Sequence[str]) -> Call:
        return Call("DELETE", f"v3/marketing/lists/{self._id}/contacts", {"contact_ids": ",".join(numbers)})


def read_lists(client: HttpClient, ctx: JobContext) -> Iterator[SendGridList]:
    """All lists; of the next page's address only the query is taken, so that the key goes to no other host."""
    query = {"page_size": str(_PAGE)}
    while True:
        page = client.read(Call("GET", "v3/marketing/lists", query), Lists, ctx)
        yield from page.result
        token = dict(parse_qsl(urlsplit(page.metadata.next or "").query)).get("page_token")
        if not token:
            return
        query = {"page_size": str(_PAGE), "page_token": token}


def _question(addresses: Sequence[str]) -> Call:
    body = {"emails": list(addresses)}
    return Call("POST", "v3/marketing/contacts/search/emails", json=body, repeatable=True)


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False


def _rejected(key: str, words: str) -> Outcome:
    return Outcome(key, OutcomeKind.REJECTED, EMAIL, *explained("SendGrid", words))
