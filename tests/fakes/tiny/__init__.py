"""A marketing system in memory, found by the registry's plug-in mechanism; `script` tells what it answers to a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint

from app.core.connections import TestResult
from app.core.exports import SyncMode
from app.destinations import registry
from app.destinations.batches import Member
from app.destinations.contract import Choice, Place, PreparedRequest, SegmentSession, Settings, TargetField
from app.destinations.description import Description
from app.jobs import JobContext

ENTRY_POINT = EntryPoint("tiny", "tests.fakes.tiny", registry.GROUP)


class Script:
    """What the fake answers, and what it was given."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.seen: list[Settings] = []


script = Script()


def description() -> Description:
    """Read as the registry reads a plug-in."""
    [found] = registry.plug_ins([ENTRY_POINT])
    return found


def create(settings: Settings) -> Tiny:
    script.seen.append(settings)
    return Tiny(settings)


class Tiny:
    """Fulfils `SegmentDestination`, all but sending."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def test(self, ctx: JobContext) -> TestResult:
        if script.error is not None:
            raise script.error
        return TestResult(f"Tiny at {self._settings.values['host']}:{self._settings.values['port']}", 5)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        return [Choice("l1", f"{field_id} one")]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        return [*description().fields, TargetField("extra", f"Extra of {target.get('list')}")]

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        raise NotImplementedError

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> SegmentSession:
        raise NotImplementedError

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        body = json.dumps([dict(member.values) for member in members], ensure_ascii=False)
        return [PreparedRequest("POST", f"https://tiny.example/{target['list']}", {"Authorization": "•••"}, body)]
