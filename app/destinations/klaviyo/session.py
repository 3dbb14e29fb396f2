"""One segment on its way onto one list.

Profiles are added and updated by import jobs that also put them on the list; sending one twice changes nothing, which is what
makes a lost answer repeatable. Taking somebody off the list needs their numbers at Klaviyo, so that these are asked for first.
Nobody is unsubscribed: Klaviyo's own call for that would do so everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from app.core.errors import TryAgain
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.jobs import Patience, after_taking, wait_for
from app.destinations.klaviyo.answers import (
    ImportErrors,
    JobAttributes,
    KlaviyoList,
    Lists,
    OneJob,
    OneList,
    Profiles,
    RefusedProfile,
)
from app.destinations.refusals import explained, unnamed_rejects
from app.jobs import JobContext

T = TypeVar("T", Lists, ImportErrors, Profiles)

PATIENCE = Patience(first=1.0, longest=20.0, altogether=3_600.0)
KEYS = ("email", "phone_number", "external_id")
PROPERTY = "properties."
_JSON_API = {"Content-Type": "application/vnd.api+json"}
_ASKED_AT_ONCE = 100
_REMOVED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is empty for a list named after the segment."""

    list_id: str
    name: str
    properties: tuple[str, ...]

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list that is not one (its id becomes part of an address)."""
        list_id = target.get("audience_id", "").strip()
        if list_id and not (list_id.isascii() and list_id.isalnum()):
            raise not_an_audience("list", "Klaviyo", "letters and digits")
        name = audience_name(target, segment)
        own = (each.strip() for each in target.get("properties", "").split(","))
        return cls(list_id, name, tuple(dict.fromkeys(each for each in own if each)))


class KlaviyoSession(AudienceSession[KlaviyoList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.list_id or "LIST-ID"

    def _open(self) -> None:
        found = self.opened.once(self.place_name(None), lambda: self.find(self._ctx) or self._make())
        self._id = found.id

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        ctx.check()
        batch = Batch.of(members)
        places, others = told_apart(batch, KEYS)
        if places:
            self._await_left(lambda job: self._wait(job, ctx))
            job = self.client.read(self._import(batch, places), OneJob, ctx).data.id
            with self._working(job):
                told = self._wait(job, ctx)
            others |= self._refused(_failed(told), job, batch, places, ctx)
        return Outcomes(batch.keys, OutcomeKind.TAKEN, others)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; who has no profile (any more) is on no list."""
        ctx.check()
        batch = Batch.of(members)
        self._await_left(lambda job: self._wait(job, ctx))
        found = list(dict.fromkeys(self._numbers(batch, ctx)))
        for start in range(0, len(found), _REMOVED_AT_ONCE):
            answer = self.client.send(self._removal(found[start : start + _REMOVED_AT_ONCE]), ctx)
            if not answer.ok:
                raise self.client.failure(answer)
        return Outcomes(batch.keys, OutcomeKind.REMOVED)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; profiles that others put there count too."""
        query = {"additional-fields[list]": "profile_count"}
        answer = self.client.send(Call("GET", f"api/lists/{self._id}", query), ctx)
        if not answer.ok:
            return Confirmation()
        found = answer.read(self.client.target, OneList, self.client.redact).data
        if found.attributes.profile_count is None:
            return Confirmation(f"The list “{found.name}” is there; Klaviyo does not say how many it holds.")
        number = found.attributes.profile_count
        return Confirmation(f"Klaviyo counts {number:,} profiles on the list “{found.name}”.", number)

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        if removing:
            yield from self._questions(batch)
            yield self._removal(["PROFILE-ID"] * len(batch))
            return
        places, _invalid = told_apart(batch, KEYS)
        if places:
            yield self._import(batch, places)

    def find(self, ctx: JobContext) -> KlaviyoList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when a chosen one is gone."""
        if self._target.list_id:
            answer = self.client.send(Call("GET", f"api/lists/{self._target.list_id}"), ctx)
            if answer.status == 404:
                raise audience_is_gone("list", "Klaviyo account")
            if not answer.ok:
                raise self.client.failure(answer)
            return answer.read(self.client.target, OneList, self.client.redact).data
        query = {"filter": f"equals(name,{json.dumps(self._target.name, ensure_ascii=False)})"}
        page = self.client.read(Call("GET", "api/lists", query), Lists, ctx)
        return next((each for each in page.data if each.name == self._target.name), None)

    def place_name(self, found: KlaviyoList | None) -> str:
        """See `AudienceSession.place_name`."""
        return self._target.name if found is None else found.name

    def _make(self) -> KlaviyoList:
        body = {"data": {"type": "list", "attributes": {"name": self._target.name}}}
        call = Call("POST", "api/lists", json=body, headers=_JSON_API, repeatable=False)
        return made_once(lambda: self.client.read(call, OneList, self._ctx).data, lambda: self.find(self._ctx))

    def _import(self, batch: Batch, places: Sequence[int]) -> Call:
        profiles = [{"type": "profile", "attributes": each} for each in _attributes(batch.picked(places))]
        body = {
            "data": {
                "type": "profile-bulk-import-job",
                "attributes": {"profiles": {"data": profiles}},
                "relationships": {"lists": {"data": [{"type": "list", "id": self._id}]}},
            }
        }
        return Call("POST", "api/profile-bulk-import-jobs", json=body, headers=_JSON_API, repeatable=True)

    def _wait(self, job_id: str, ctx: JobContext) -> JobAttributes:
        """Wait until an import has ended, well or not."""

        def ask() -> JobAttributes | None:
            told = self.client.read(Call("GET", f"api/profile-bulk-import-jobs/{job_id}"), OneJob, ctx).data.attributes
            return told if told.status in {"complete", "cancelled"} else None

        return wait_for("Klaviyo", ask, PATIENCE, ctx)

    def _refused(
        self, failed: int, job_id: str, batch: Batch, places: Sequence[int], ctx: JobContext
    ) -> dict[int, Outcome]:
        if not failed:
            return {}
        columns = [batch.column(name) for name in KEYS]
        known = {value: place for column in columns for place in places if (value := column[place])}
        words: dict[int, str] = {}
        unplaced = ""
        call = Call("GET", f"api/profile-bulk-import-jobs/{job_id}/import-errors")
        with after_taking("Klaviyo"):
            for each in (each for page in self._pages(call, ImportErrors, ctx) for each in page.data):
                place = _place_of(each, known, places)
                if place is None:
                    unplaced = unplaced or each.words
                else:
                    words.setdefault(place, each.words)
        if len(words) < failed < len(places):
            raise unnamed_rejects("Klaviyo", failed, len(places), f"It names only {len(words):,} of them.")
        if len(words) < failed:
            words = dict.fromkeys(places, unplaced) | words
        return {
            place: Outcome(batch.keys[place], OutcomeKind.REJECTED, "", *explained("Klaviyo", self.client.redact(said)))
            for place, said in words.items()
        }

    def _numbers(self, batch: Batch, ctx: JobContext) -> Iterator[str]:
        for call in self._questions(batch):
            for page in self._pages(call, Profiles, ctx):
                yield from (each.id for each in page.data)

    def _questions(self, batch: Batch) -> Iterator[Call]:
        """Asks for the numbers of members at Klaviyo, by the first thing each is known by."""
        left = set(range(len(batch)))
        for name in KEYS:
            column = batch.column(name)
            values = {place: value for place in sorted(left) if (value := column[place])}
            left -= values.keys()
            every = list(values.values())
            for start in range(0, len(every), _ASKED_AT_ONCE):
                asked = json.dumps(every[start : start + _ASKED_AT_ONCE], ensure_ascii=False, separators=(",", ":"))
                query = {"filter": f"any({name},{asked})", "fields[profile]": name, "page[size]": str(_ASKED_AT_ONCE)}
                yield Call("GET", "api/profiles", query)

    def _removal(self, numbers: Sequence[str]) -> Call:
        body = {"data": [{"type": "profile", "id": number} for number in numbers]}
        return Call("DELETE", f"api/lists/{self._id}/relationships/profiles", json=body, headers=_JSON_API)

    def _pages(self, call: Call, shape: type[T], ctx: JobContext) -> Iterator[T]:
        yield from read_pages(self.client, call, shape, ctx)


def read_pages(client: HttpClient, call: Call, shape: type[T], ctx: JobContext) -> Iterator[T]:
    """Page after page; of the next page's address only the query is taken, so that a key goes to no other host."""
    while True:
        page = client.read(call, shape, ctx)
        yield page
        if not page.links.next:
            return
        call = Call("GET", call.path, dict(parse_qsl(urlsplit(page.links.next).query)))


def _attributes(batch: Batch) -> list[dict[str, Any]]:
    """What is sent of each member; a field with a dot lies one level deeper."""
    plain: list[dict[str, Any]] = [*batch.objects({name: name for name in batch.columns if "." not in name})]
    for part in ("location", "properties"):
        names = {name: name.partition(".")[2] for name in batch.columns if name.startswith(f"{part}.")}
        if names:
            for each, inner in zip(plain, batch.objects(names), strict=True):
                if inner:
                    each[part] = inner
    return plain


def _failed(told: JobAttributes) -> int:
    """How many profiles an import did not take; raises TryAgain when somebody cancelled it."""
    if told.status == "cancelled":
        raise TryAgain(
            "The import was cancelled in Klaviyo.",
            "Some of its members may have arrived.",
            "Run the export again; it goes on where it stopped.",
            code="job_cancelled",
        )
    return told.failed_count or 0


def _place_of(refused: RefusedProfile, known: Mapping[str, int], places: Sequence[int]) -> int | None:
    for identifier in refused.identifiers:
        if identifier in known:
            return known[identifier]
    at = refused.place
    return places[at] if at is not None and at < len(places) else None
