"""Practice: the road to a vendor, with one inside the program at its end.

Everything but the network is real: requests, pace, retries, waits, jobs, answers that are lost. The one HTTP client makes
the requests and a `Vendor` answers them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from app.core.connections import TestResult
from app.core.errors import FixSettings
from app.core.exports import SyncMode
from app.destinations.batches import Member
from app.destinations.calls import Call, Local
from app.destinations.contract import Choice, Place, PreparedRequest, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.opening import needed_secret
from app.destinations.practice.answers import Account, Audiences
from app.destinations.practice.rules import Rules
from app.destinations.practice.session import PLACEHOLDER, ExportTarget, PracticeSession
from app.destinations.practice.shelf import Shelf
from app.destinations.practice.vendor import Vendor
from app.destinations.registry import description
from app.jobs import JobContext

_URL = "https://practice.invalid"  # a name that can never exist (RFC 2606), should anything ever try to reach it
_FOLDER = "~/Sendoff practice"


def create(settings: Settings) -> Practice:
    """Open the destination; raises FixSettings for a folder that is not complete, SignInAgain without an access code."""
    return Practice(settings)


class Practice:
    """A `SegmentDestination`; thread safe. `between` may stand in for the vendor, with the real one at hand."""

    def __init__(self, settings: Settings, between: Callable[[Local], Local] = lambda vendor: vendor) -> None:
        self._settings = settings
        self._rules = Rules.read(settings.values)
        wants_code = self._rules.needs_code
        self._code = needed_secret(settings, "access_code", "access code of the practice account") if wants_code else ""
        self._shelf = Shelf(_folder(settings.values.get("folder", "")))
        self._vendor = between(Vendor(self._shelf, self._rules))
        self._description = description("practice").for_connection(settings.values)

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`."""
        began = time.monotonic()
        with self._client() as client:
            account = client.read(Call("GET", "account"), Account, ctx)
        milliseconds = round((time.monotonic() - began) * 1000)
        see = "see 1 audience" if account.audiences == 1 else f"see {account.audiences:,} audiences"
        return TestResult(account.name, milliseconds, (see, "add, update and remove members"))

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`: one audience for each segment, or one of those that are there."""
        if field_id != "audience":
            return []
        with self._client() as client:
            found = client.read(Call("GET", "audiences"), Audiences, ctx).audiences
        named = [Choice(each.name, each.name, _words(each.kind), each.members) for each in found]
        return [Choice(PLACEHOLDER, "One for each segment, named after it"), *named]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; raises FixSettings when an audience was chosen that is gone."""
        read = ExportTarget.read(target, "")
        if not read.made:
            with closing(self._client()) as client:
                self._session(client, read, SyncMode.ADD, ctx).find(ctx)
        return list(self._description.for_target(target).fields)

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        """See `SegmentDestination.place`: the audience."""
        read = ExportTarget.read(target, segment)
        with self._client() as client:
            there = self._session(client, read, SyncMode.ADD, ctx).find(ctx) is not None
        return Place(f"{self._shelf.folder} {read.kind} {read.name}", there)

    def read_members(
        self, target: Mapping[str, str], segment: str, ctx: JobContext
    ) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """See `ReadingDestination.read_members`."""
        with self._client() as client:
            yield from self._session(client, ExportTarget.read(target, segment), SyncMode.ADD, ctx).pages(ctx)

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> PracticeSession:
        """See `SegmentDestination.session`."""
        return self._session(self._client(), ExportTarget.read(target, segment), mode, JobContext())

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        """See `SegmentDestination.preview`; the audience is shown as if it was there already."""
        with self._client() as client:
            session = self._session(client, ExportTarget.read(target, segment), mode, JobContext())
            return [client.prepared(call) for call in session.calls(members, removed=removed)]

    def _session(self, client: HttpClient, target: ExportTarget, mode: SyncMode, ctx: JobContext) -> PracticeSession:
        return PracticeSession(client, target, mode, self._shelf, self._rules.minimum, ctx)

    def _client(self) -> HttpClient:
        return HttpClient(
            self._description.name,
            _URL,
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Bearer {self._code}"} if self._rules.needs_code else {},
            local=self._vendor,
        )


def _words(kind: str) -> str:
    return "Companies" if kind == "company" else "People"


def _folder(text: str) -> Path:
    folder = Path(text.strip() or _FOLDER).expanduser()
    if not folder.is_absolute():
        raise FixSettings(
            "The folder of the practice account is not complete.",
            f"“{folder}” does not say where it begins.",
            "Choose the folder with Browse, or enter its whole path.",
            code="relative_folder",
        )
    return folder
