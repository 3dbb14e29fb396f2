"""Marketo's answers: their shapes, and what its own codes mean, for it says 200 whatever happened."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

import msgspec

from app.core.errors import FixSettings, SendoffError, TryAgain
from app.destinations.answers import Answer
from app.destinations.http import HttpClient

T = TypeVar("T")

_STATUS: Mapping[str, int] = {
    "600": 401,
    "601": 401,
    "602": 401,
    "603": 403,
    "604": 504,
    "606": 429,
    "607": 429,
    "608": 503,
    "610": 404,
    "611": 500,
    "614": 401,
    "615": 429,
    "616": 403,
    "702": 404,
    "710": 404,
    "713": 500,
    "1013": 404,
    "1016": 429,
}
_USED_UP = "607"
_LASTS: Mapping[str, float] = {"606": 20.0, "1016": 60.0}
"""Seconds: 100 requests are allowed in 20 of them, and a place among the files that wait is free when one was imported."""
_NO_FIELD = "1006"
_NOT_THERE = {"1004", "1015"}  # no such person; not on the list


class Problem(msgspec.Struct):
    """What went wrong."""

    code: str = ""
    message: str = ""


class Verdict(msgspec.Struct):
    """Whether a request succeeded; it did unless Marketo says otherwise."""

    success: bool = True
    errors: list[Problem] = []


class Result(msgspec.Struct, Generic[T], rename="camel"):
    """Any answer that succeeded: entries, and where the next page is."""

    success: bool
    result: list[T] = []
    next_page_token: str = ""


class StaticList(msgspec.Struct):
    """A static list."""

    id: int
    name: str = ""


class FolderId(msgspec.Struct):
    """What names a folder: programs are folders too."""

    id: int
    type: str = "Folder"


class Folder(msgspec.Struct, rename="camel"):
    """A folder of assets."""

    folder_id: FolderId
    name: str = ""
    path: str = ""
    is_system: bool = False


class Field(msgspec.Struct, rename="camel"):
    """A field of people."""

    name: str
    display_name: str = ""
    updateable: bool = True


class Described(msgspec.Struct):
    """What people have."""

    fields: list[Field] = []


class Usage(msgspec.Struct):
    """The requests of a day so far."""

    total: int = 0


class Person(msgspec.Struct):
    """A person, by the number and the e-mail address."""

    id: int
    email: str | None = None


class TakenOff(msgspec.Struct):
    """What became of one person that was to be taken off a list."""

    id: int
    status: str = ""
    reasons: list[Problem] = []

    @property
    def words(self) -> str:
        """Why the person stays on the list; empty when they are off it, because they were never on it too."""
        if self.status == "removed" or {each.code for each in self.reasons} <= _NOT_THERE:
            return ""
        return next(each.message or f"code {each.code}" for each in self.reasons if each.code not in _NOT_THERE)


class Import(msgspec.Struct, rename="camel"):
    """An import of a file."""

    batch_id: int
    status: str = ""
    num_of_rows_failed: int = 0
    message: str = ""

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status in {"Complete", "Failed"}


class Client(HttpClient):
    """Knows Marketo's codes that a person can mend, and how long those last that pass."""

    def asked_wait(self, answer: Answer) -> float | None:
        """See `HttpClient.asked_wait`; Marketo asks for none, but its limits tell."""
        if answer.asked_wait is not None:
            return answer.asked_wait
        return max((_LASTS[each] for each in codes_of(answer) if each in _LASTS), default=None)

    def failure(self, answer: Answer) -> SendoffError:
        """See `HttpClient.failure`."""
        codes = codes_of(answer)
        said = f"Marketo says: {self.words(answer)}"
        if _USED_UP in codes:
            return TryAgain(
                "Marketo takes no more requests today.",
                said,
                "Run the export again tomorrow; it goes on where it stopped. Marketo's day begins at midnight in Chicago.",
                code="daily_limit",
            )
        if _NO_FIELD in codes:
            return FixSettings(
                "A matched field is not in Marketo any more.",
                said,
                "Match another field in the export, or make the field there again.",
                code="no_field",
            )
        return super().failure(answer)


def codes_of(answer: Answer) -> tuple[str, ...]:
    """Marketo's codes in an answer that failed, whatever its status."""
    if not answer.is_json or b"success" not in answer.body:
        return ()
    try:
        verdict = msgspec.json.decode(answer.body, type=Verdict)
    except msgspec.DecodeError:
        return ()
    return () if verdict.success else tuple(each.code for each in verdict.errors) or ("",)


def meaning(answer: Answer) -> int:
    """The status an answer stands for."""
    codes = codes_of(answer) if answer.ok else ()
    return next((_STATUS.get(each, 400) for each in codes), answer.status)


def asks_to_slow_down(answer: Answer) -> bool:
    """Whether a short wait helps: not when the requests of the day are used up."""
    if answer.status == 503:
        return answer.retry_after is not None
    return answer.status == 429 and _USED_UP not in codes_of(answer)


def failed_rows(text: str) -> Iterator[tuple[str, str]]:
    """Of a file of failures: the first value of each row, by which the member was sent, and Marketo's reason."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff").replace("\0", ""), newline=""))
    try:
        for number, row in enumerate(rows):
            if number and len(row) > 1:
                yield row[0], row[-1].strip()
    except csv.Error:
        return  # who is not named is missed by the number of failures
