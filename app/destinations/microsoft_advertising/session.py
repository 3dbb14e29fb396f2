"""One segment on its way into one customer list.

Each request adds or removes up to a thousand hashes; adding who is there and removing who is not changes nothing, which is
what makes a lost answer repeatable. What is wrong with an item is told by its place. Its own way to replace a list takes one
request, so that it is no help for more than a thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import FixData, FixSettings, TellUs
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.hashes import not_hashed
from app.destinations.http import HttpClient
from app.destinations.microsoft_advertising.answers import (
    Applied,
    AudienceList,
    AudienceLists,
    BatchError,
    Made,
    as_text,
    known_failure,
)
from app.destinations.refusals import explained
from app.jobs import JobContext

KEY = "email"
TYPE = "CustomerList"


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is empty for a list named after the segment."""

    account_id: str
    list_id: str
    name: str
    accepts_terms: bool

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings without an account, or for numbers that are none."""
        account, list_id = target.get("account_id", "").strip(), target.get("audience_id", "").strip()
        if not (account.isascii() and account.isdecimal()):
            raise FixSettings(
                "No account is chosen.",
                "Customer lists belong to an account of Microsoft Advertising.",
                "Choose the account in the export.",
                code="no_account",
            )
        if list_id and not (list_id.isascii() and list_id.isdecimal()):
            raise not_an_audience("customer list", "Microsoft Advertising", "numbers")
        return cls(account, list_id, audience_name(target, segment), target.get("terms") == "accepted")


class MicrosoftSession(AudienceSession[AudienceList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.list_id or "LIST-ID"

    def _open(self) -> None:
        self._id = self.opened.once(self.place_name(None), self._found_or_made)

    def _found_or_made(self) -> str:
        found = self.find(self._ctx)
        return as_text(found.id) if found is not None else self._make()

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        return self._change("Add", Batch.of(members), OutcomeKind.TAKEN, ctx)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`."""
        return self._change("Remove", Batch.of(members), OutcomeKind.REMOVED, ctx)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; Microsoft counts who it matched, so that its number is not ours."""
        found = next((each for each in read_lists(self.client, ctx) if as_text(each.id) == self._id), None)
        if found is None:
            return Confirmation()
        size = f"reaches {found.size:,} people so far" if found.size else "has not been matched yet"
        return Confirmation(f"The customer list “{found.name}” {size}; matching takes up to 48 hours.")

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        places, _invalid = _sendable(batch)
        if places:
            yield self._call("Remove" if removing else "Add", batch.picked(places))

    def find(self, ctx: JobContext) -> AudienceList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when a chosen one can't be filled."""
        target = self._target
        for each in read_lists(self.client, ctx):
            if as_text(each.id) == target.list_id if target.list_id else each.name == target.name:
                return each
        if target.list_id:
            raise FixSettings(
                "The audience is not a customer list of this account.",
                "It was removed there, belongs to another account, or is of a type that takes no members, such as remarketing.",
                "Choose the customer list again in the export.",
                code="no_audience",
            )
        return None

    def place_name(self, found: AudienceList | None) -> str:
        """See `AudienceSession.place_name`."""
        del found
        return f"{self._target.account_id} {self._target.list_id or self._target.name}"

    def _make(self) -> str:
        audience = {"Name": self._target.name, "Type": TYPE, "Description": "Filled by Sendoff"}
        call = Call("POST", "Audiences", json={"Audiences": [audience]}, repeatable=False)

        def make() -> str:
            made = self.client.read(call, Made, self._ctx)
            if made.partial_errors:
                raise self._failure(made.partial_errors[0])
            found = as_text((made.audience_ids or [None])[0])
            if not found:
                raise TellUs(
                    "Microsoft Advertising answered in a way we do not understand.",
                    "It made the customer list, but did not say under which number.",
                    "Run the export again in a minute; when it comes back, send us the log.",
                    code="unexpected_answer",
                )
            return found

        def find() -> str | None:
            found = self.find(self._ctx)
            return None if found is None else as_text(found.id)

        return made_once(make, find)

    def _failure(self, error: BatchError) -> Exception:
        said = f"Microsoft says: {self.client.redact(error.words)}"
        return known_failure(error, said) or FixSettings(
            "Microsoft Advertising does not make this customer list.",
            said,
            "Give it another name in the export, or choose one that is there.",
            code="not_made",
        )

    def _change(self, action: str, members: Batch, done: OutcomeKind, ctx: JobContext) -> Outcomes:
        ctx.check()
        places, others = _sendable(members)
        if places:
            told = self.client.read(self._call(action, members.picked(places)), Applied, ctx)
            for error in told.partial_errors or []:
                known = known_failure(error, f"Microsoft says: {self.client.redact(error.words)}")
                if known is not None:
                    raise known
                said = f"Microsoft says: {self.client.redact(error.words)}"
                if not 0 <= error.index < len(places):
                    raise FixData(
                        f"Microsoft Advertising did not take some of {len(places):,} members.",
                        f"{said} It does not say who they are.",
                        "Correct the values at the source, then run the export again.",
                        code="unnamed_rejects",
                    )
                place = places[error.index]
                why = explained("Microsoft", self.client.redact(error.words), fix=_AT_SOURCE)
                others[place] = Outcome(members.keys[place], OutcomeKind.REJECTED, KEY, *why)
        return Outcomes(members.keys, done, others)

    def _call(self, action: str, batch: Batch) -> Call:
        data: dict[str, Any] = {
            "ActionType": action,
            "AudienceId": self._id,
            "CustomerListItemSubType": "Email",
            "CustomerListItems": list(batch.column(KEY)),
        }
        if self._target.accepts_terms:
            data["AcceptCustomerMatchTerm"] = True
        body = {"CustomerListUserData": data}
        return Call("POST", "CustomerListUserData/Apply", json=body, repeatable=True)


def read_lists(client: HttpClient, ctx: JobContext) -> list[AudienceList]:
    """All customer lists of the client's account, those its customer shares included; audiences of other types are not."""
    body = {"AudienceIds": None, "Type": TYPE}
    told = client.read(
        Call("POST", "Audiences/QueryByIds", json=body, repeatable=True, abortable=True), AudienceLists, ctx
    )
    return [each for each in told.audiences or [] if each is not None]


def _sendable(batch: Batch) -> tuple[list[int], dict[int, Outcome]]:
    """The places of the members that may leave: with an e-mail address, and that one hashed."""
    places, others = told_apart(batch, (KEY,))
    others |= {place: why for place, why in not_hashed(batch, (KEY,)).items() if place not in others}
    return [place for place in places if place not in others], others


_AT_SOURCE = "Correct the value at the source."
