"""One segment on its way onto one static list.

People are added and updated by files that also put them on the list; importing one twice changes nothing, which is what makes a
lost answer repeatable. Marketo works on a file after its answer, so that it is asked for until it has ended. Taking somebody off
needs the person's number, so that it is asked for first.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.core.errors import FixData, FixSettings, TellUs, TryAgain
from app.destinations.audience_session import AudienceSession
from app.destinations.audiences import audience_is_gone, audience_name, made_once, not_an_audience, told_apart
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.calls import Call
from app.destinations.contract import Confirmation
from app.destinations.http import HttpClient
from app.destinations.jobs import Patience, after_taking, wait_for
from app.destinations.marketo.answers import Import, Person, Result, StaticList, TakenOff, failed_rows
from app.destinations.refusals import explained, unnamed_rejects
from app.jobs import JobContext

PATIENCE = Patience(first=5.0, longest=60.0, altogether=10_800.0)
"""Each question counts as one of the day's requests."""
EMAIL, ID = "email", "id"
_KEYS = (ID, EMAIL)
"""Two people of one address are told apart by their Marketo IDs."""
_ASKED_AT_ONCE = 100
_REMOVED_AT_ONCE = 300
_NOBODY = -1
_LIST = re.compile(r"(?:ST)?([0-9]+)(?:[A-Z][0-9]+)?")
_FOLDER = re.compile(r"(Folder|Program) ([0-9]+)")


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The export fields, read; `list_id` is 0 for a list named after the segment, `folder` is None when none was chosen."""

    list_id: int
    name: str
    folder: tuple[str, int] | None
    partition: str

    @classmethod
    def read(cls, target: Mapping[str, str], segment: str) -> ExportTarget:
        """Raises FixSettings for a list or folder that is none; the number of a list may stand as in its address (ST12345A7)."""
        list_id, folder_id = target.get("audience_id", "").strip(), target.get("folder_id", "").strip()
        found, folder = _LIST.fullmatch(list_id), _FOLDER.fullmatch(folder_id)
        if (list_id and not found) or (folder_id and not folder):
            word = "folder" if not list_id or found else "list"
            raise not_an_audience(word, "Marketo", "numbers")
        name = audience_name(target, segment)
        return cls(
            int(found[1]) if found else 0,
            name,
            (folder[1], int(folder[2])) if folder else None,
            target.get("partition", "").strip(),
        )


class MarketoSession(AudienceSession[StaticList]):
    """A `SegmentSession` that can remove; leaving the block closes the client."""

    def __init__(self, client: HttpClient, target: ExportTarget, ctx: JobContext) -> None:
        super().__init__(client, ctx)
        self._target = target
        self._id = target.list_id

    def _open(self) -> None:
        found = self.opened.once(self.place_name(None), lambda: self.find(self._ctx) or self._make())
        self._id = found.id

    def send(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `SegmentSession.send`; who has a Marketo ID goes in a file of its own."""
        ctx.check()
        batch = Batch.of(members)
        places, others = told_apart(batch, _KEYS)
        for lookup, group in _groups(batch, places):
            self._await_left(lambda job: self._wait(job, ctx))
            begun = str(
                self._imported(self.client.read(self._import(lookup, batch, group), Result[Import], ctx)).batch_id
            )
            with self._working(begun):
                told = self._wait(begun, ctx)
            self._demand_imported(told)
            others |= self._refused(told, lookup, batch, group, ctx)
        return Outcomes(batch.keys, OutcomeKind.TAKEN, others)

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Outcomes:
        """See `RemovingSession.remove`; who is not in Marketo (any more) is on no list."""
        ctx.check()
        batch = Batch.of(members)
        self._await_left(lambda job: self._wait(job, ctx))
        _numbers, calls = _known(batch)
        whose = {number: place for place, number in enumerate(batch.column(ID)) if number}
        emails = {(email or "").lower(): place for place, email in enumerate(batch.column(EMAIL))}
        for call in calls:
            for each in self._asked(call, ctx):
                whose.setdefault(str(each.id), emails.get((each.email or "").lower(), _NOBODY))
        numbers = list(whose)
        others: dict[int, Outcome] = {}
        for start in range(0, len(numbers), _REMOVED_AT_ONCE):
            call = self._removal(numbers[start : start + _REMOVED_AT_ONCE])
            for told in self.client.read(call, Result[TakenOff], ctx).result:
                if not told.words:
                    continue
                place, said = whose.get(str(told.id), _NOBODY), f"Marketo says: {self.client.redact(told.words)}"
                if place == _NOBODY:
                    raise FixData(
                        "Marketo did not take somebody off the list.",
                        f"{said} It does not say who it is.",
                        "Run the export again; when it comes back, look at the list in Marketo.",
                        code="unnamed_rejects",
                    )
                others[place] = Outcome(batch.keys[place], OutcomeKind.REJECTED, "", said, "Run the export again.")
        return Outcomes(batch.keys, OutcomeKind.REMOVED, others)

    def confirm(self, ctx: JobContext) -> Confirmation:
        """See `SegmentSession.confirm`; Marketo does not count, and reading them all would cost many of the day's requests."""
        answer = self.client.send(Call("GET", f"rest/v1/lists/{self._id}.json"), ctx)
        found = answer.read(self.client.target, Result[StaticList], self.client.redact).result if answer.ok else []
        if not found:
            return Confirmation()
        return Confirmation(f"The list “{found[0].name}” is there; Marketo does not say how many it holds.")

    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""
        batch = Batch.of(members)
        if removing:
            numbers, calls = _known(batch)
            yield from calls
            yield self._removal(numbers or ["0"])
            return
        places, _invalid = told_apart(batch, _KEYS)
        for lookup, group in _groups(batch, places):
            yield self._import(lookup, batch, group)

    def find(self, ctx: JobContext) -> StaticList | None:
        """The list; None when one named after the segment is not there yet. Raises FixSettings when a chosen one is gone."""
        if self._target.list_id:
            call = Call("GET", f"rest/v1/lists/{self._target.list_id}.json")
        else:
            call = Call("GET", "rest/asset/v1/staticList/byName.json", {"name": self._target.name})
        answer = self.client.send(call, ctx)
        if not answer.ok and answer.status != 404:
            raise self.client.failure(answer)
        found = answer.read(self.client.target, Result[StaticList], self.client.redact).result if answer.ok else []
        if not found and self._target.list_id:
            raise audience_is_gone("list", "Marketo")
        return found[0] if found else None

    def place_name(self, found: StaticList | None) -> str:
        """See `AudienceSession.place_name`."""
        return self._target.name if found is None else found.name

    def _make(self) -> StaticList:
        if self._target.folder is None:
            raise FixSettings(
                f"There is no list “{self._target.name}” in Marketo, and no folder to make it in.",
                "Marketo keeps each list in a folder.",
                "Choose a folder or a list in the export.",
                code="no_folder",
            )
        kind, number = self._target.folder
        form = {"name": self._target.name, "folder": json.dumps({"id": number, "type": kind})}
        call = Call(
            "POST",
            "rest/asset/v1/staticLists.json",
            content=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            repeatable=False,
        )

        def made() -> StaticList:
            found = self.client.read(call, Result[StaticList], self._ctx).result
            if not found:
                raise self._not_understood("It made the list, but does not name it.")
            return found[0]

        return made_once(made, lambda: self.find(self._ctx))

    def _import(self, lookup: str, batch: Batch, places: Sequence[int]) -> Call:
        query = {"format": "csv", "lookupField": lookup, "listId": str(self._id)}
        if self._target.partition:
            query["partitionName"] = self._target.partition
        content, kind = _as_file(_rows(lookup, batch.picked(places)))
        headers = {"Content-Type": kind}
        return Call("POST", "bulk/v1/leads.json", query, content=content, headers=headers, repeatable=True)

    def _imported(self, told: Result[Import]) -> Import:
        if not told.result:
            raise self._not_understood("It took the file, but gave no number to ask for it by.")
        return told.result[0]

    def _wait(self, begun: str, ctx: JobContext) -> Import:
        call = Call("GET", f"bulk/v1/leads/batch/{begun}.json")

        def ask() -> Import | None:
            told = self._imported(self.client.read(call, Result[Import], ctx))
            return told if told.done else None

        return wait_for("Marketo", ask, PATIENCE, ctx)

    def _demand_imported(self, told: Import) -> None:
        if told.status == "Failed":
            raise TryAgain(
                "Marketo could not import the file.",
                f"Marketo says: {self.client.redact(told.message) or 'nothing'}",
                "Look at the import in Marketo, then run the export again.",
                code="import_failed",
            )

    def _refused(
        self, told: Import, lookup: str, batch: Batch, places: Sequence[int], ctx: JobContext
    ) -> dict[int, Outcome]:
        if not told.num_of_rows_failed:
            return {}
        with after_taking("Marketo"):
            answer = self.client.send(Call("GET", f"bulk/v1/leads/batch/{told.batch_id}/failures.json"), ctx)
            if not answer.ok:
                raise self.client.failure(answer)
        failed, column = told.num_of_rows_failed, batch.column(lookup)
        known = {(column[place] or "").lower(): place for place in places}
        found: dict[int, Outcome] = {}
        for identifier, words in failed_rows(answer.body.decode("utf-8", "replace")):
            place = known.get(identifier.strip().lower())
            if place is not None:
                why = explained("Marketo", self.client.redact(words))
                found[place] = Outcome(batch.keys[place], OutcomeKind.REJECTED, lookup, *why)
        if len(found) < failed < len(places):
            said = f"Its file of failures names only {len(found):,} of them."
            raise unnamed_rejects("Marketo", failed, len(places), said)
        if len(found) < failed:
            why = explained("Marketo", "")
            nameless = {place: Outcome(batch.keys[place], OutcomeKind.REJECTED, lookup, *why) for place in places}
            return nameless | found
        return found

    def _asked(self, call: Call, ctx: JobContext) -> list[Person]:
        """The people a question finds: several may have one address."""
        found: list[Person] = []
        query = dict(call.query)
        while True:
            page = self.client.read(Call("GET", call.path, query), Result[Person], ctx)
            found += page.result
            if not page.next_page_token:
                return found
            query["nextPageToken"] = page.next_page_token

    def _removal(self, numbers: Sequence[str]) -> Call:
        return Call("DELETE", f"rest/v1/lists/{self._id}/leads.json", {"id": ",".join(numbers)})

    def _not_understood(self, why: str) -> TellUs:
        return TellUs(
            "Marketo answered in a way we do not understand.",
            why,
            "Look at the list there before you run the export again, and send us the log.",
            code="unexpected_answer",
        )


def _groups(batch: Batch, places: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    """By which field Marketo is to find the members, and their places."""
    ids = batch.column(ID)
    with_id = [place for place in places if ids[place]]
    without = [place for place in places if not ids[place]]
    yield from ((lookup, group) for lookup, group in ((ID, with_id), (EMAIL, without)) if group)


def _known(batch: Batch) -> tuple[list[str], list[Call]]:
    """The Marketo IDs that are known, and the questions for those of the others."""
    pairs = list(zip(batch.column(ID), batch.column(EMAIL), strict=True))
    numbers = [number for number, _email in pairs if number]
    emails = [email for number, email in pairs if email and not number]
    return numbers, [
        Call(
            "GET",
            "rest/v1/leads.json",
            {
                "filterType": EMAIL,
                "filterValues": ",".join(emails[start : start + _ASKED_AT_ONCE]),
                "fields": f"{ID},{EMAIL}",
            },
        )
        for start in range(0, len(emails), _ASKED_AT_ONCE)
    ]


def _rows(lookup: str, batch: Batch) -> str:
    """The members as CSV, what they are found by first; an empty cell changes nothing, and NULL would clear a field."""
    names = [lookup, *(name for name in batch.columns if name not in {lookup, ID})]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    columns = (batch.column(name) for name in names)
    writer.writerows(
        ["" if value is None or value.upper() == "NULL" else value for value in row]
        for row in zip(*columns, strict=True)
    )
    return text.getvalue()


def _as_file(text: str) -> tuple[bytes, str]:
    """A file as a form's body and its kind; the same file always makes the same body."""
    content = text.encode()
    boundary = f"sendoff-{hashlib.sha256(content).hexdigest()[:32]}"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="members.csv"\r\n'
    head += "Content-Type: text/csv\r\n\r\n"
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
