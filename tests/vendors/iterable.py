"""An Iterable to try with: users, static lists and the reasons it does not take somebody for, after its own description."""

from __future__ import annotations

import argparse
import itertools
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.description import from_swagger_2, vendor_description
from tests.vendors.emulator import Emulator, Reply, Request

KEY = "0123456789abcdef0123456789abcdef"
MOST_USERS = 1_000
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass
class IterableList:
    id: int
    name: str
    kind: str = "Standard"
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "createdAt": 1_764_172, "listType": self.kind}


class IterableEmulator(Emulator):
    """One project. `forgotten` are addresses that may not come back; `named` False leaves out who was refused."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("iterable/trimmed.json", from_swagger_2), "")
        self.lists: dict[int, IterableList] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.forgotten: set[str] = set()
        self.names_refused = True
        self._numbers = itertools.count(101)

    def named(self, name: str) -> IterableList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str, kind: str = "Standard") -> IterableList:
        """A list made in Iterable itself."""
        made = IterableList(next(self._numbers), name, kind)
        self.lists[made.id] = made
        return made

    def answer(self, request: Request) -> Reply:
        if request.headers.get("api-key") != KEY:
            return _problem(401, "BadApiKey", "Invalid API key")
        parts = [part for part in request.path.removeprefix("/api/").split("/") if part]
        match request.method, parts:
            case "GET", ["lists"]:
                return Reply(document={"lists": [each.document() for each in self.lists.values()]})
            case "POST", ["lists"]:
                return Reply(document={"listId": self.make(request.body["name"]).id})
            case "GET", ["users", "getFields"]:
                return Reply(document={"fields": _FIELDS})
            case "GET", ["lists", number, "size"] if int(number) in self.lists:
                size = len(self.lists[int(number)].members)
                return Reply(raw=str(size).encode(), content_type="text/plain")
            case "POST", ["lists", ("subscribe" | "unsubscribe") as verb]:
                return self._change(verb, request.body)
        return _problem(404, "NotFound", "There is nothing here")

    def _change(self, verb: str, body: dict[str, Any]) -> Reply:
        found = self.lists.get(body["listId"])
        users = body["subscribers"]
        if found is None or found.kind != "Standard":
            return _problem(400, "BadParams", "The list can't be changed")
        if not users or len(users) > MOST_USERS:
            return _problem(400, "BadParams", f"Between 1 and {MOST_USERS} subscribers are allowed")
        if verb == "unsubscribe" and body.get("channelUnsubscribe") is not False:
            return _problem(400, "BadParams", "This would unsubscribe everybody from the channel")
        forgotten, invalid = [], []
        for user in users:
            email = user.get("email")
            if email in self.forgotten:
                forgotten.append(email)
            elif email and not _ADDRESS.fullmatch(email):
                invalid.append(email)
            elif verb == "subscribe":
                key = email or user["userId"]
                self.users.setdefault(key, {}).update(user.get("dataFields", {}))
                found.members.add(key)
            else:
                found.members.discard(email or user["userId"])
        failed = len(forgotten) + len(invalid)
        document: dict[str, Any] = {"successCount": len(users) - failed, "failCount": failed}
        if self.names_refused:
            document |= {"invalidEmails": invalid, "failedUpdates": {"forgottenEmails": forgotten}}
        return Reply(document=document)


_FIELDS = {"email": "string", "firstName": "string", "favouriteShop": "string", "points": "long", "a.b": "string"}


def _problem(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"code": code, "msg": message, "params": {}})


def main() -> None:
    parser = argparse.ArgumentParser(description="An Iterable on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with IterableEmulator(parser.parse_args().port) as iterable:
        print(f"api_url  {iterable.url}\napi_key  {KEY}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
