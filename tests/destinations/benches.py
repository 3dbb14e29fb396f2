"""What the benches of emulated audiences share: members known by an e-mail address, slow-downs noted, sign-in by browser."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

from app.core.exports import SyncMode
from app.destinations.batches import Member, Outcome
from app.destinations.browser_signin import sign_in
from app.destinations.contract import Settings
from app.destinations.description import Description
from app.jobs import JobContext
from tests.vendors.oauth import agree


def hashed(text: str) -> str:
    """As advertising systems want it."""
    return hashlib.sha256(text.encode()).hexdigest()


class AudienceBench:
    """A `SegmentBench` but for what only one vendor knows; `emulator.refused` holds the addresses it refuses."""

    description: Description

    def __init__(self, emulator: Any, **target: str) -> None:
        self.emulator = emulator
        self.target = target
        self.slowed: list[float] = []

    def settings(self, values: Mapping[str, str], secrets: Mapping[str, str], changes: Mapping[str, Any]) -> Settings:
        """A connection that notes for how long it was asked to wait, with other `changes`."""
        details = {"on_slow": lambda seconds, _words: self.slowed.append(seconds), **changes}
        return Settings(values, secrets, **details)

    def signed_in(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> str:
        """What the keyring holds after a person agreed in the browser."""

        def browse(page: str) -> None:
            threading.Thread(target=agree, args=(page,), daemon=True).start()

        return sign_in(self.description, values, secrets, browse, JobContext()).written()

    def gone_audience(self) -> dict[str, str]:
        return {**self.target, "audience_id": "404"}

    def refused_member(self, number: int) -> Member:
        member = self.member(number)
        self.emulator.refused.add(self.identifier(member))
        return member

    def member(self, number: int, **values: str | None) -> Member:
        return Member(str(number), {"email": f"person{number}@shop.example", "first_name": "P", **values})

    def identifier(self, member: Member) -> str:
        return member.values["email"] or ""


def send(
    bench: Any, *members: Member, segment: str = "VIP", mode: SyncMode = SyncMode.UPDATE, **target: str
) -> list[Outcome]:
    """Send these members in one batch; `target` adds to what the export of the bench says."""
    with bench.destination().session({**bench.target, **target}, segment, mode) as session:
        return list(session.send(members, JobContext()))
