"""A receiver of webhooks to try with: checks signatures, forgets nothing twice, and keeps who it was told of by segment."""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import threading
import time
from contextlib import suppress
from typing import Any

from tests.vendors.emulator import Emulator, Reply, Request

SECRET = "whsec-0123456789abcdef"
MOST_MEMBERS = 500
PATH = "/hooks/members"


class WebhookEmulator(Emulator):
    """Takes `{"event", "segment", "members"}`; `refused` are the e-mail addresses it does not take."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.members: dict[str, dict[str, dict[str, Any]]] = {}
        self.refused: set[str] = set()
        self.names_by = "email"
        self.wanted_header: tuple[str, str] | None = None
        self.seen: list[str] = []

    def answer(self, request: Request) -> Reply:
        if request.method != "POST" or request.path != PATH:
            return Reply(404, {"message": "There is nothing here."})
        if self.wanted_header and request.headers.get(self.wanted_header[0].lower()) != self.wanted_header[1]:
            return Reply(401, {"message": "The key is wrong."})
        if not self._is_signed(request):
            return Reply(401, {"message": "The signature is wrong."})
        self.seen.append(request.headers["idempotency-key"])
        body = request.body
        if body["event"] == "test":
            return Reply(document={})
        if len(body["members"]) > MOST_MEMBERS:
            return Reply(413, {"message": f"At most {MOST_MEMBERS} members."})
        held = self.members.setdefault(body["segment"], {})
        rejected = []
        for index, member in enumerate(body["members"]):
            if member.get("email") in self.refused:
                named = {"index": index} if self.names_by == "index" else {"email": member["email"]}
                rejected.append({**named, "reason": "It is on our block list."})
            elif body["event"] == "members.removed":
                held.pop(member["id"], None)
            else:
                held[member["id"]] = member
        return Reply(document={"rejected": rejected})

    @staticmethod
    def _is_signed(request: Request) -> bool:
        parts = dict(
            part.split("=", 1) for part in request.headers.get("sendoff-signature", "").split(",") if "=" in part
        )
        moment = parts.get("t", "0")
        signed = hmac.new(SECRET.encode(), f"{moment}.".encode() + request.raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(parts.get("v1", ""), signed) and abs(time.time() - int(moment)) < 300


def main() -> None:
    parser = argparse.ArgumentParser(description="A receiver of webhooks on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with WebhookEmulator(parser.parse_args().port) as receiver:
        print(json.dumps({"url": f"{receiver.url}{PATH}", "signing_secret": SECRET}, indent=1), flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
