"""One segment on its way into one audience; every request can be sent twice without harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from app.core.errors import FixSettings, TellUs
from app.core.exports import SyncMode
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.practice.answers import (
    Audience,
    Audiences,
    BatchAnswer,
    JobAnswer,
    MembersPage,
    Result,
    outcome,
)
from app.destinations.practice.shelf import Shelf
from app.destinations.practice.vendor import KEYS
from app.jobs import JobContext

PLACEHOLDER = "{segment}"
JOB_GLANCE_SECONDS = 0.25
"""How often the end of a job is asked for."""


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `made` tells whether the audience is made when there is none."""

    name: str
    kind: str
    made: bool

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Every target can be read."""
        name = target.get("audience", "").strip() or PLACEHOLDER
        kind = target.get("kind") or "contact"
        return cls(name.replace(PLACEHOLDER, segment), kind if kind in KEYS else "contact", PLACEHOLDER in name)


class PracticeSession:
    """A `RemovingSession`; leaving the block writes the audience down and closes the client."""

    def __init__(
        self, client: HttpClient, target: ExportTarget, mode: SyncMode, shelf: Shelf, minimum: int, ctx: JobContext
    ) -> None:
        self.client = client
        self._target = target
        self._mode = mode
        self._shelf = shelf
        self._minimum = minimum
        self._ctx = ctx
        self._id = 0

    def __enter__(self) -> Self:
        try:
            found = self.find(self._ctx)
            self._id = (found or self._make()).id
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._shelf.write_down(self._target.name, self._target.kind)

    def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        """See `SegmentSession.send`."""
        ctx.check()
        batch = _Batch(members, self._target.kind)
        if batch.bodies:
            batch.take(self._results(self._send_call(batch), ctx))
        return batch.outcomes()

    def remove(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        """See `RemovingSession.remove`."""
        ctx.check()
        batch = _Batch(members, self._target.kind)
        if batch.bodies:
            batch.take(self._results(self._removal_call(batch), ctx))
        return batch.outcomes()

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`."""
        found = self.find(ctx)
        if found is None:
            return Confirmation()
        few = f" It is used from {self._minimum:,} members on." if found.members < self._minimum else ""
        sentence = f"The practice audience “{found.name}” holds {found.members:,} members.{few}"
        return Confirmation(sentence, found.members)

    def calls(self, members: Sequence[Member], *, removed: bool = False) -> Iterator[Call]:
        """The requests `send` makes, or `remove`, without asking anybody."""
        batch = _Batch(members, self._target.kind)
        if batch.bodies:
            yield self._removal_call(batch) if removed else self._send_call(batch)

    def _removal_call(self, batch: _Batch) -> Call:
        return Call("POST", self._path("removals"), json={"members": batch.bodies}, repeatable=True)

    def find(self, ctx: JobContext) -> Audience | None:
        """The audience, None when there is none yet; raises FixSettings when one was chosen that is gone."""
        for each in self.client.read(Call("GET", "audiences"), Audiences, ctx).audiences:
            if (each.name, each.kind) == (self._target.name, self._target.kind):
                return each
        if self._target.made:
            return None
        raise FixSettings(
            f"There is no practice audience “{self._target.name}”.",
            "It was removed, or holds another kind of members.",
            "Choose the audience again in the export.",
            code="no_audience",
        )

    def pages(self, ctx: JobContext) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """What identifies everybody in the audience, page by page."""
        found = self.find(ctx)
        after: str | None = ""
        while found is not None and after is not None:
            query = {"after": after} if after else {}
            page = self.client.read(Call("GET", f"audiences/{found.id}/members", query), MembersPage, ctx)
            yield page.members
            after = page.next

    def _make(self) -> Audience:
        body = {"name": self._target.name, "kind": self._target.kind}
        return self.client.read(Call("POST", "audiences", json=body, repeatable=True), Audience, self._ctx)

    def _send_call(self, batch: _Batch) -> Call:
        mode = "add" if self._mode is SyncMode.ADD else "update"
        body = {"mode": mode, "members": batch.bodies}
        return Call("POST", self._path("members"), json=body, repeatable=True)

    def _path(self, what: str) -> str:
        return f"audiences/{self._id or 'AUDIENCE-ID'}/{what}"

    def _results(self, call: Call, ctx: JobContext) -> list[Result]:
        """Send a batch; a job is asked for until it ends."""
        answer = self.client.read(call, BatchAnswer, ctx)
        results = answer.results
        while answer.job is not None:
            job = self.client.read(Call("GET", f"jobs/{answer.job}"), JobAnswer, ctx)
            if job.state == "done":
                results = job.results
                break
            ctx.token.sleep(JOB_GLANCE_SECONDS)
        if len(results) != len(call.json["members"]):
            raise TellUs(
                "Practice answered in a way we do not understand.",
                f"{len(call.json['members']):,} members were sent, the answer tells of {len(results):,}.",
                "Look for a newer Sendoff; when there is none, send us the log.",
                code="unexpected_answer",
            )
        return results


class _Batch:
    """The members of one request, and what became of each."""

    def __init__(self, members: Sequence[Member], kind: str) -> None:
        self._members = members
        self._outcomes: dict[int, Outcome] = {}
        self._places: list[tuple[int, str]] = []
        self.bodies: list[dict[str, Any]] = []
        keys = KEYS[kind]
        seen: set[str] = set()
        for index, member in enumerate(members):
            key = next((key for key in keys if member.values.get(key)), "")
            identifier = f"{key}:{member.values.get(key)}"
            if not key:
                self._refuse(index, keys[0], "The member has nothing that identifies it.", "Enter it in your data.")
            elif identifier in seen:
                self._refuse(
                    index, key, "Another member of this batch has the same identifier.", "Join the two in your data."
                )
            else:
                seen.add(identifier)
                self._places.append((index, key))
                self.bodies.append(dict(member.values))

    def take(self, results: Sequence[Result]) -> None:
        """Take over the answer."""
        for (index, key), result in zip(self._places, results, strict=True):
            self._outcomes[index] = outcome(self._members[index], result, key)

    def outcomes(self) -> list[Outcome]:
        """One outcome per member, in order."""
        return [self._outcomes[index] for index in range(len(self._members))]

    def _refuse(self, index: int, field: str, reason: str, fix: str) -> None:
        self._outcomes[index] = Outcome(self._members[index].key, OutcomeKind.INVALID, field, reason, fix)
