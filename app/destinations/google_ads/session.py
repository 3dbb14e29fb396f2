"""One segment on its way into one customer list.

Google answers a request with a number and works on it later, so that each batch is asked for until it has ended. Adding
who is there already and removing who is not changes nothing, which is what makes a lost answer repeatable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import FixSettings, TellUs
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.google_ads.answers import (
    Accepted,
    DestinationStatus,
    RequestStatus,
    UserList,
    UserLists,
    reason_words,
    refused_members,
)
from app.destinations.http import HttpClient
from app.destinations.jobs import Patience, wait_for
from app.destinations.refusals import Meaning, explained, unnamed_rejects
from app.jobs import JobContext

PATIENCE = Patience(first=2.0, longest=60.0, altogether=3_600.0)
KEY_TYPES: Mapping[str, str] = {"contact": "CONTACT_ID", "mobile": "MOBILE_ID", "user": "USER_ID"}

_PAGE = 1_000
_KEY_FIELDS = {"contact": ("email", "phone"), "mobile": ("mobile_id",), "user": ("user_id",)}
_ADDRESS = ("first_name", "last_name", "country", "postal_code")
_ADDRESS_NAMES = ("givenName", "familyName", "regionCode", "postalCode")
_CONSENT = {"granted": "CONSENT_GRANTED", "denied": "CONSENT_DENIED"}


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is empty for a list named after the segment."""

    kind: str
    list_id: str
    name: str
    consent: Mapping[str, str]
    accepts_terms: bool
    app_id: str
    key_space: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list that is not one (its number becomes part of an address)."""
        kind = target.get("list_kind") or "contact"
        list_id = target.get("audience_id", "").strip()
        if list_id and not (list_id.isascii() and list_id.isdecimal()):
            raise not_an_audience("customer list", "Google Ads", "numbers")
        asked = {"adUserData": target.get("ad_user_data"), "adPersonalization": target.get("ad_personalization")}
        consent = {name: _CONSENT[value] for name, value in asked.items() if value in _CONSENT}
        return cls(
            kind,
            list_id,
            audience_name(target, segment),
            consent,
            target.get("terms") == "accepted",
            target.get("app_id", "").strip(),
            target.get("key_space") or "ANDROID",
        )


@dataclass(frozen=True, slots=True)
class Account:
    """The Google Ads account, and the manager account it is reached through."""

    customer: str
    manager: str

    @property
    def lists(self) -> str:
        """The address of its customer lists."""
        return f"accountTypes/GOOGLE_ADS/accounts/{self.customer}/userLists"

    def destination(self, list_id: str) -> dict[str, Any]:
        """Google's words for one of its lists."""
        found: dict[str, Any] = {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": self.customer},
            "productDestinationId": list_id,
        }
        if self.manager:
            found["loginAccount"] = {"accountType": "GOOGLE_ADS", "accountId": self.manager}
        return found


class GoogleAdsSession(AudienceSession[UserList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, account: Account, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._account = account
        self._target = target
        self._id = target.list_id or "LIST-ID"

    def _open(self) -> None:
        found = self.opened.once(self.place_name(None), lambda: self.find(self._ctx) or self._make())
        self._id = found.id

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`."""
        return self._change("ingest", Batch.of(members), OutcomeKind.TAKEN, ctx)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`."""
        return self._change("remove", Batch.of(members), OutcomeKind.REMOVED, ctx)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; Google counts who it matched, and rounds, so that its number is not ours."""
        found = self.find(ctx)
        if found is None:
            return Confirmation()
        size = f"reaches {found.size:,} people so far" if found.size else "has not been matched yet"
        return Confirmation(f"The customer list “{found.display_name}” {size}; matching takes up to 48 hours.")

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        entries, _places, _invalid = self._entries(Batch.of(members))
        if entries:
            yield self._call("remove" if removing else "ingest", entries)

    def find(self, ctx: JobContext) -> UserList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when it can't be filled."""
        target = self._target
        for each in read_lists(self.client, self._account, ctx):
            chosen = each.id == target.list_id if target.list_id else each.display_name == target.name
            if not chosen:
                continue
            if KEY_TYPES[target.kind] not in each.takes:
                raise FixSettings(
                    f"The customer list “{each.display_name}” takes other identifiers.",
                    f"It takes {_kinds(each.takes)}; this export sends {_kinds({KEY_TYPES[target.kind]})}.",
                    "Choose another list in the export, or what members are known by.",
                    code="wrong_audience",
                )
            return each
        if target.list_id:
            raise audience_is_gone("customer list", "Google Ads account")
        return None

    def place_name(self, found: UserList | None) -> str:
        """See `AudienceSession.place_name`."""
        name = self._target.name if found is None else found.display_name
        return f"{self._account.customer} {self._target.kind} {name}"

    def _make(self) -> UserList:
        kind = KEY_TYPES[self._target.kind]
        info: dict[str, Any] = {"uploadKeyTypes": [kind]}
        if self._target.kind == "mobile":
            if not self._target.app_id:
                raise FixSettings(
                    "The app of the mobile advertising IDs is missing.",
                    "Google wants to know it for a new list.",
                    "Enter it in the export under Advanced, or choose a list that is there.",
                    code="no_app",
                )
            info["mobileIdInfo"] = {"keySpace": self._target.key_space, "appId": self._target.app_id}
        body = {"displayName": self._target.name, "membershipStatus": "OPEN", "ingestedUserListInfo": info}
        call = Call("POST", self._account.lists, json=body, repeatable=False)
        return made_once(lambda: self.client.read(call, UserList, self._ctx), lambda: self.find(self._ctx))

    def _change(self, verb: str, members: Batch, done: OutcomeKind, ctx: JobContext) -> Outcomes:
        ctx.check()
        entries, places, others = self._entries(members)
        if entries:
            self._await_left(lambda job: self._wait(job, ctx))
        while entries:
            answer = self.client.send(self._call(verb, entries), ctx)
            if answer.ok:
                refused = self._results(
                    answer.read(self.client.target, Accepted, self.client.redact), len(entries), ctx
                )
                others |= {places[at]: _rejected(members.keys[places[at]], *why) for at, why in refused.items()}
                break
            named = refused_members(answer.json(self.client.target)) if answer.status == 400 and answer.is_json else {}
            named = {at: words for at, words in named.items() if at < len(entries)}
            if not named:
                raise self.client.failure(answer)
            for at, words in named.items():
                why = explained("Google", self.client.redact(words), _UNREADABLE, "Correct the values at the source.")
                others[places[at]] = _rejected(members.keys[places[at]], *why)
            kept = [at for at in range(len(entries)) if at not in named]
            entries, places = [entries[at] for at in kept], [places[at] for at in kept]
        return Outcomes(members.keys, done, others)

    def _results(self, accepted: Accepted, number: int, ctx: JobContext) -> dict[int, tuple[str, str]]:
        """Wait until Google is done with a request; which of its records failed, and why."""
        if not accepted.request_id:
            raise TellUs(
                "Google Ads answered in a way we do not understand.",
                "It took the members, but gave no number to ask for them by.",
                "Look at the list there before you run the export again, and send us the log.",
                code="no_request_id",
            )
        with self._working(accepted.request_id):
            status = self._wait(accepted.request_id, ctx)
        found: dict[int, tuple[str, str]] = {}
        for each in status.error_info.error_counts:
            found |= {at: reason_words(each.reason) for at in each.record_indices if at < number}
        if status.request_status == "FAILED":
            why = reason_words(status.error_info.error_counts[0].reason) if status.error_info.error_counts else _FAILED
            return {at: found.get(at, why) for at in range(number)}
        unnamed = [each for each in status.error_info.error_counts if each.unnamed]
        if unnamed:
            failed = len(found) + sum(each.unnamed for each in unnamed)
            why = reason_words(unnamed[0].reason)
            if failed < number:
                raise unnamed_rejects(
                    "Google Ads", failed, number, f"{why[0]} It does not say which ones all of them are."
                )
            return {at: found.get(at, why) for at in range(number)}
        return found

    def _wait(self, request_id: str, ctx: JobContext) -> DestinationStatus:
        call = Call("GET", "requestStatus:retrieve", {"requestId": request_id})

        def ask() -> DestinationStatus | None:
            told = self.client.read(call, RequestStatus, ctx).request_status_per_destination
            status = told[0] if told else DestinationStatus()
            return status if status.request_status in {"SUCCESS", "PARTIAL_SUCCESS", "FAILED"} else None

        return wait_for("Google Ads", ask, PATIENCE, ctx)

    def _call(self, verb: str, entries: Sequence[Mapping[str, Any]]) -> Call:
        body: dict[str, Any] = {
            "destinations": [self._account.destination(self._id)],
            "audienceMembers": list(entries),
        }
        if self._target.kind == "contact":
            body["encoding"] = "HEX"
        if verb == "ingest":
            if self._target.consent:
                body["consent"] = dict(self._target.consent)
            if self._target.accepts_terms:
                body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        return Call("POST", f"audienceMembers:{verb}", json=body, repeatable=True)

    def _entries(self, members: Batch) -> tuple[list[dict[str, Any]], list[int], dict[int, Outcome]]:
        """What is sent of each member, their places, and who can't be sent and why."""
        keys = _KEY_FIELDS[self._target.kind]
        places, invalid = told_apart(members, keys)
        picked = members.picked(places)
        if self._target.kind == "mobile":
            return [{"mobileData": {"mobileIds": [each]}} for each in picked.column(keys[0])], places, invalid
        if self._target.kind == "user":
            return [{"userIdData": {"userId": each}} for each in picked.column(keys[0])], places, invalid
        columns = (picked.column(name) for name in ("email", "phone", *_ADDRESS))
        people = zip(*columns, strict=True)
        return [{"userData": {"userIdentifiers": _identifiers(*each)}} for each in people], places, invalid


def _identifiers(email: str | None, phone: str | None, *address: str | None) -> list[dict[str, Any]]:
    """What is known of one person; an address counts only when it is whole."""
    found: list[dict[str, Any]] = [{"emailAddress": email}] if email else []
    if phone:
        found.append({"phoneNumber": phone})
    if all(address):
        found.append({"address": dict(zip(_ADDRESS_NAMES, address, strict=True))})
    return found


def read_lists(client: HttpClient, account: Account, ctx: JobContext) -> Iterator[UserList]:
    """All customer lists of the account."""
    token = ""
    while True:
        query = {"pageSize": str(_PAGE), **({"pageToken": token} if token else {})}
        page = client.read(Call("GET", account.lists, query), UserLists, ctx)
        yield from page.user_lists
        token = page.next_page_token
        if not token:
            return


def _rejected(key: str, reason: str, fix: str) -> Outcome:
    return Outcome(key, OutcomeKind.REJECTED, reason=reason, fix=fix)


def _kinds(types: frozenset[str] | set[str]) -> str:
    words = {"CONTACT_ID": "contact data", "MOBILE_ID": "mobile advertising IDs", "USER_ID": "user IDs"}
    return " and ".join(sorted(words.get(each, each.replace("_", " ").lower()) for each in types)) or "none of ours"


_FAILED = ("Google did not take this member and does not say why.", "Run the export again.")
_UNREADABLE = (
    Meaning(
        r"sha|hash|hex|base64|encod", "Google can't read this member's values.", "Correct the values at the source."
    ),
)
