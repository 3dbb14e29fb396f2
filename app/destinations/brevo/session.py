"""One segment on its way onto one list.

Contacts are added and updated by imports that also put them on the list; sending one twice changes nothing, which is what makes
a lost answer repeatable. Brevo works on an import after its answer, so that it is asked for until it has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.errors import FixSettings
from app.destinations.answers import Answer
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.brevo.answers import (
    Accepted,
    Attributes,
    BrevoList,
    Contact,
    Contacts,
    Folder,
    Folders,
    Lists,
    Made,
    Process,
    Removed,
    typed,
)
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.jobs import Patience, wait_for
from app.jobs import JobContext

T = TypeVar("T", Lists, Folders, Contacts)

PATIENCE = Patience(first=5.0, longest=90.0, altogether=7_200.0)
"""The state of imports may be asked for only some 100 times an hour."""
EMAIL = "email"
_PAGE = 50
_CONTACTS_PAGE = 500
_REMOVED_AT_ONCE = 150


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is 0 for a list named after the segment, `folder_id` for the oldest folder."""

    list_id: int
    name: str
    folder_id: int
    reports: bool

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list or folder that is not a number."""
        numbers = {}
        for field_id, word in (("audience_id", "list"), ("folder_id", "folder")):
            text = target.get(field_id, "").strip()
            if text and not (text.isascii() and text.isdecimal()):
                raise not_an_audience(word, "Brevo", "numbers")
            numbers[field_id] = int(text or 0)
        name = audience_name(target, segment)
        return cls(numbers["audience_id"], name, numbers["folder_id"], target.get("report") == "mail")


class BrevoSession(AudienceSession[BrevoList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.list_id
        self._types: dict[str, str] = {}

    def _open(self) -> None:
        self._id, self._types = self.opened.once(self.place_name(None), self._found_or_made)

    def _found_or_made(self) -> tuple[int, dict[str, str]]:
        """The list's number, and the types of the attributes that can be filled."""
        found = self.find(self._ctx)
        list_id = self._make() if found is None else found.id
        told = self.client.read(Call("GET", "contacts/attributes"), Attributes, self._ctx).attributes
        return list_id, {each.name: each.type for each in told if each.fillable}

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`; whom Brevo itself did not take it does not tell."""
        ctx.check()
        batch = Batch.of(members)
        self._refuse_unknown(batch)
        places, others = told_apart(batch, (EMAIL,))
        contacts, wrong = self._contacts(batch, places)
        others |= wrong
        if contacts:
            self._await_left(lambda job: self._wait(job, ctx))
            process = str(self.client.read(self._import(contacts), Accepted, ctx).process_id)
            with self._working(process):
                self._wait(process, ctx)
        return Outcomes(batch.keys, OutcomeKind.TAKEN, others)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; who is not there (any more) Brevo names as failed, which is fine."""
        ctx.check()
        batch = Batch.of(members)
        self._await_left(lambda job: self._wait(job, ctx))
        for call in self._removals(batch):
            answer = self.client.send(call, ctx)
            if answer.ok:
                answer.read(self.client.target, Removed, self.client.redact)  # it says so, or it did not do it
            elif not self._nobody_was_there(answer):
                raise self.client.failure(answer)
        return Outcomes(batch.keys, OutcomeKind.REMOVED)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; contacts that others put there count too."""
        answer = self.client.send(Call("GET", f"contacts/lists/{self._id}/contacts", {"limit": "1"}), ctx)
        if not answer.ok:
            return Confirmation()
        number = answer.read(self.client.target, Contacts, self.client.redact).count
        return Confirmation(f"Brevo counts {number:,} contacts on the list “{self._target.name}”.", number)

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        if removing:
            yield from self._removals(batch)
            return
        places, _invalid = told_apart(batch, (EMAIL,))
        contacts, _wrong = self._contacts(batch, places)
        if contacts:
            yield self._import(contacts)

    def find(self, ctx: JobContext) -> BrevoList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when it can't be filled."""
        list_id = self._target.list_id
        if not list_id:
            named = (each.id for each in read_lists(self.client, ctx) if each.name == self._target.name)
            list_id = next(named, 0)
            if not list_id:
                return None
        answer = self.client.send(Call("GET", f"contacts/lists/{list_id}"), ctx)
        if answer.status == 404:
            raise audience_is_gone("list", "Brevo account")
        if not answer.ok:
            raise self.client.failure(answer)
        found = answer.read(self.client.target, BrevoList, self.client.redact)
        if found.dynamic_list:
            raise FixSettings(
                f"The list “{found.name}” can't be filled.",
                "It is a dynamic list: Brevo itself decides who is on it.",
                "Choose another list in the export, or another name.",
                code="wrong_audience",
            )
        return found

    def place_name(self, found: BrevoList | None) -> str:
        """See `AudienceSession.place_name`."""
        return self._target.name if found is None else found.name

    def members(self, list_id: int, ctx: JobContext) -> Iterator[list[Contact]]:
        """Everybody on a list, page by page."""
        path = f"contacts/lists/{list_id}/contacts"
        return (page.contacts for page in read_pages(self.client, path, _CONTACTS_PAGE, Contacts, ctx))

    def _make(self) -> int:
        folder = self._target.folder_id or next((each.id for each in read_folders(self.client, self._ctx)), 0)
        if not folder:
            raise FixSettings(
                "There is no folder for a new list.",
                "Brevo keeps lists in folders, and this account has none.",
                "Make a folder in Brevo under Contacts, Lists, or choose a list in the export.",
                code="no_folder",
            )
        call = Call("POST", "contacts/lists", json={"name": self._target.name, "folderId": folder}, repeatable=False)

        def found() -> int | None:
            known = self.find(self._ctx)
            return None if known is None else known.id

        return made_once(lambda: self.client.read(call, Made, self._ctx).id, found)

    def _refuse_unknown(self, batch: Batch) -> None:
        unknown = sorted(set(batch.columns) - {EMAIL} - self._types.keys())
        if unknown:
            raise FixSettings(
                f"The attribute {unknown[0]} can't be filled in this Brevo account.",
                "It is not there, or Brevo fills it itself. Brevo would ignore its values without a word.",
                "Make the attribute in Brevo under Contacts, Settings, or match another field in the export.",
                code="no_attribute",
            )

    def _contacts(self, batch: Batch, places: Sequence[int]) -> tuple[list[dict[str, Any]], dict[int, Outcome]]:
        """What is sent of these members, and whose values can't be sent and why."""
        picked = batch.picked(places)
        values = picked.objects({name: name for name in picked.columns if name != EMAIL})
        special = {name: kind for name, kind in self._types.items() if kind in {"float", "boolean"}}
        contacts: list[dict[str, Any]] = []
        wrong: dict[int, Outcome] = {}
        for place, email, attributes in zip(places, picked.column(EMAIL), values, strict=True):
            kept: dict[str, Any] = dict(attributes)
            for name in special.keys() & attributes.keys():
                try:
                    kept[name] = typed(special[name], attributes[name])
                except ValueError:
                    holds = "a number" if special[name] == "float" else "yes or no"
                    reason = f"The attribute {name} of Brevo wants {holds}, and this is something else."
                    wrong[place] = Outcome(batch.keys[place], OutcomeKind.INVALID, name, reason, "Correct the value.")
            if place not in wrong:
                contacts.append({"email": email, "attributes": kept})
        return contacts, wrong

    def _import(self, contacts: Sequence[Mapping[str, Any]]) -> Call:
        body = {
            "jsonBody": contacts,
            "listIds": [self._id],
            "updateExistingContacts": True,
            "emptyContactsAttributes": False,
            "disableNotification": not self._target.reports,
        }
        return Call("POST", "contacts/import", json=body, repeatable=True)

    def _wait(self, process: str, ctx: JobContext) -> None:
        def ask() -> bool | None:
            answer = self.client.send(Call("GET", f"processes/{process}"), ctx)
            if answer.status == 429:
                return None  # asked too often: it is worked on all the same
            if not answer.ok:
                raise self.client.failure(answer)
            told = answer.read(self.client.target, Process, self.client.redact)
            return True if told.status == "completed" else None

        wait_for("Brevo", ask, PATIENCE, ctx)

    def _removals(self, batch: Batch) -> Iterator[Call]:
        emails = [each for each in batch.column(EMAIL) if each]
        for start in range(0, len(emails), _REMOVED_AT_ONCE):
            body = {"emails": emails[start : start + _REMOVED_AT_ONCE]}
            yield Call("POST", f"contacts/lists/{self._id}/contacts/remove", json=body, repeatable=True)

    def _nobody_was_there(self, answer: Answer) -> bool:
        """Whether Brevo refused a removal only because all of them are off the list already."""
        words = self.client.words(answer).lower()
        return answer.status == 400 and "already removed" in words


def read_pages(client: HttpClient, path: str, size: int, shape: type[T], ctx: JobContext) -> Iterator[T]:
    """Page after page, the oldest first, so that what comes meanwhile stands at the end."""
    done = 0
    while True:
        query = {"limit": str(size), "offset": str(done), "sort": "asc"}
        page = client.read(Call("GET", path, query), shape, ctx)
        done += len(page.entries)
        if page.entries:
            yield page
        if not page.entries or done >= page.count:
            return


def read_lists(client: HttpClient, ctx: JobContext) -> Iterator[BrevoList]:
    """All lists of the account."""
    for page in read_pages(client, "contacts/lists", _PAGE, Lists, ctx):
        yield from page.lists


def read_folders(client: HttpClient, ctx: JobContext) -> Iterator[Folder]:
    """All folders of the account."""
    for page in read_pages(client, "contacts/folders", _PAGE, Folders, ctx):
        yield from page.folders
