"""Brevo's answers: their shapes, and values as its attributes want them."""

from __future__ import annotations

import math

import msgspec

_YES, _NO = {"true", "yes", "1"}, {"false", "no", "0"}


class Account(msgspec.Struct, rename="camel"):
    """`GET /account`."""

    company_name: str = ""
    email: str = ""


class BrevoList(msgspec.Struct, rename="camel"):
    """A list; a dynamic one is filled by Brevo itself."""

    id: int
    name: str = ""
    unique_subscribers: int | None = None
    dynamic_list: bool = False


class Lists(msgspec.Struct):
    """`GET /contacts/lists`."""

    lists: list[BrevoList] = []
    count: int = 0

    @property
    def entries(self) -> list[BrevoList]:
        """Those of this page; `count` is all there are."""
        return self.lists


class Folder(msgspec.Struct):
    """A folder of lists."""

    id: int
    name: str = ""


class Folders(msgspec.Struct):
    """`GET /contacts/folders`."""

    folders: list[Folder] = []
    count: int = 0

    @property
    def entries(self) -> list[Folder]:
        """Those of this page; `count` is all there are."""
        return self.folders


class Made(msgspec.Struct):
    """`POST /contacts/lists`."""

    id: int


class Attribute(msgspec.Struct):
    """An attribute of contacts, by its name in capital letters."""

    name: str
    category: str = "normal"
    type: str = "text"

    @property
    def fillable(self) -> bool:
        """Whether a value of ours can be written there."""
        return self.category == "normal" and self.type in {"text", "date", "float", "boolean"}


class Attributes(msgspec.Struct):
    """`GET /contacts/attributes`."""

    attributes: list[Attribute] = []


class Accepted(msgspec.Struct, rename="camel"):
    """`POST /contacts/import`."""

    process_id: int


class TakenOff(msgspec.Struct):
    """Whom a removal found on the list and whom not."""

    success: list[str] | None = None
    failure: list[str] | None = None


class Removed(msgspec.Struct):
    """`POST /contacts/lists/{listId}/contacts/remove`."""

    contacts: TakenOff


class Process(msgspec.Struct):
    """`GET /processes/{processId}`."""

    status: str = ""


class Contact(msgspec.Struct):
    """A contact on a list."""

    email: str | None = None


class Contacts(msgspec.Struct):
    """`GET /contacts/lists/{listId}/contacts`."""

    contacts: list[Contact] = []
    count: int = 0

    @property
    def entries(self) -> list[Contact]:
        """Those of this page; `count` is all there are."""
        return self.contacts


def typed(kind: str, text: str) -> str | float | bool:
    """A value as an attribute of that type wants it; raises ValueError for one it would drop without a word."""
    if kind == "float":
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return int(number) if number.is_integer() else number
    if kind == "boolean":
        if text.strip().lower() not in _YES | _NO:
            raise ValueError(text)
        return text.strip().lower() in _YES
    return text
