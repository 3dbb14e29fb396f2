"""Members as JSON to any address, signed.

`Sendoff-Signature: t=1764172800,v1=…` is the HMAC-SHA256, in hexadecimal, of the moment, a dot and the body under the signing
secret; receivers compare it and refuse moments that lie too far back (as with Stripe's and others' webhooks).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

from app.core.connections import TestResult
from app.core.errors import FixSettings
from app.core.exports import SyncMode
from app.destinations.audiences import told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Choice, Confirmation, Place, PreparedRequest, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.opening import needed_secret
from app.destinations.refusals import explained, unnamed_rejects
from app.destinations.registry import description
from app.destinations.webhook.body import filled, read_template
from app.jobs import JobContext

SIGNATURE = "Sendoff-Signature"
_KEYS = ("id", "email", "phone")
_TEST = "test"


class Rejected(msgspec.Struct):
    """A member the receiver refuses, by its place in the request or by one of its key fields."""

    index: int | None = None
    id: str | int | None = ""
    email: str | None = ""
    phone: str | int | None = ""
    reason: str | None = ""

    def value(self, name: str) -> str:
        """One of its key fields as it was sent: receivers make numbers of texts that look like one, and write addresses anew."""
        found = str(getattr(self, name) or "").strip()
        return found.lower() if name == "email" else found


class Answered(msgspec.Struct):
    """What a receiver may answer; nothing at all, or anything without this, means that everybody was taken."""

    rejected: list[Rejected] | None = None


def create(settings: Settings) -> Webhook:
    """Open the destination; raises SignInAgain without a signing secret."""
    return Webhook(settings)


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read."""

    fields: tuple[str, ...]
    template: Any

    @classmethod
    def read(cls, target: Mapping[str, str]) -> ExportTarget:
        """Raises FixSettings for a body that can't be sent, or fields that can't tell members apart."""
        defaults = {field.id: field.default for field in description("webhook").export_fields}
        names = (target.get("fields") or defaults["fields"]).split(",")
        fields = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if not set(fields) & set(_KEYS):
            raise FixSettings(
                "The fields of the webhook can't tell members apart.",
                "One of them has to be called id, email or phone.",
                "Add it to the fields in the export.",
                code="no_key",
            )
        return cls(fields, read_template(target.get("body") or defaults["body"]))


class Webhook:
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._description = description("webhook")
        self._clock = clock
        self._secret = needed_secret(settings, "signing_secret", "signing secret of the webhook")
        parts = urlsplit(settings.values.get("url", "").strip())
        self._base, self._path = f"{parts.scheme}://{parts.netloc}", parts.path or "/"
        self._query = parts.query

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: posts an event “test” without members; raises what the receiver answers."""
        began = time.monotonic()
        with self._client() as client:
            answer = client.send(replace(self._call({"event": _TEST, "members": []}), abortable=True), ctx)
            if not answer.ok:
                raise client.failure(answer)
        return TestResult(
            urlsplit(self._base).hostname or "", round((time.monotonic() - began) * 1000), ("take requests",)
        )

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; there is nothing to pick."""
        del field_id, ctx
        return []

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; those the person named in the export."""
        ctx.check()
        known = {field.id: field for field in self._description.fields}
        return [known.get(name) or TargetField(name, name) for name in ExportTarget.read(target).fields]

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        """See `SegmentDestination.place`; the address can't be asked, so what we know of it counts."""
        del target, ctx
        return Place(f"{self._base}{self._path} {segment}", there=True)

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> WebhookSession:
        """See `SegmentDestination.session`; raises FixSettings for a body that can't be sent."""
        del mode
        return WebhookSession(self._client(), self._call, ExportTarget.read(target), segment)

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        """See `SegmentDestination.preview`."""
        session = self.session(target, segment, mode)
        with session.client as client:
            return [client.prepared(call) for call in session.calls(members, removing=removed)]

    def _call(self, body: Any) -> Call:  # noqa: ANN401 - a person's JSON can be anything
        key = hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()
        query = dict(parse_qsl(self._query, keep_blank_values=True))
        return Call("POST", self._path, query, body, {"Idempotency-Key": key}, repeatable=True)

    def _client(self) -> HttpClient:
        rate = self._settings.values.get("requests_per_minute", "").strip()
        pace = self._description.pace
        if rate.isdecimal() and int(rate):
            pace = replace(pace, requests_per_second=int(rate) / 60)
        name = self._settings.values.get("header_name", "").strip()
        value = self._settings.secrets.get("header_value", "").strip()
        own = {name: value} if name and value else {}
        return HttpClient(
            self._description.name, self._base, self._settings, pace=pace, sign_in=lambda: own, seal=self._seal
        )

    def _seal(self, body: bytes) -> Mapping[str, str]:
        moment = str(int(self._clock()))
        signed = hmac.new(self._secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        return {SIGNATURE: f"t={moment},v1={signed}"}


class WebhookSession:
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, call: Callable[[Any], Call], target: ExportTarget, segment: str) -> None:
        self.client = client
        self._call = call
        self._target = target
        self._segment = segment

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        return self._post("members.sent", Batch.of(members), OutcomeKind.TAKEN, ctx)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`."""
        return self._post("members.removed", Batch.of(members), OutcomeKind.REMOVED, ctx)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; the address can't be asked."""
        del ctx
        return Confirmation()

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The request `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        places, _invalid = told_apart(batch, _KEYS)
        if places:
            yield self._request("members.removed" if removing else "members.sent", batch, places)

    def _request(self, event: str, batch: Batch, places: Sequence[int]) -> Call:
        rows = batch.picked(places).objects({name: name for name in batch.columns})
        return self._call(filled(self._target.template, {"event": event, "segment": self._segment}, rows))

    def _post(self, event: str, batch: Batch, done: OutcomeKind, ctx: JobContext) -> Outcomes:
        ctx.check()
        places, others = told_apart(batch, _KEYS)
        if places:
            answer = self.client.send(self._request(event, batch, places), ctx)
            if not answer.ok:
                raise self.client.failure(answer)
            if answer.is_json and answer.body and isinstance(answer.json(self.client.target), dict):
                told = answer.read(self.client.target, Answered, self.client.redact)
                others |= self._rejected(told.rejected or [], batch, places)
        return Outcomes(batch.keys, done, others)

    def _rejected(self, told: Sequence[Rejected], batch: Batch, places: Sequence[int]) -> dict[int, Outcome]:
        found: dict[int, Outcome] = {}
        columns = [(name, batch.column(name)) for name in _KEYS]
        by_key = {
            (name, value.lower() if name == "email" else value): place
            for name, column in columns
            for place in places
            if (value := column[place])
        }
        for each in told:
            place = places[each.index] if each.index is not None and 0 <= each.index < len(places) else None
            for name in _KEYS:
                place = by_key.get((name, each.value(name))) if place is None else place
            if place is None and len(places) > 1:
                raise unnamed_rejects("The receiver", len(told), len(places), "It does not say who all of them are.")
            place = places[0] if place is None else place
            why = explained("The receiver", self.client.redact(each.reason or ""), fix=_FIX)
            found[place] = Outcome(batch.keys[place], OutcomeKind.REJECTED, "", *why)
        return found


_FIX = "Correct the member at the source, or ask the owner of the address."
