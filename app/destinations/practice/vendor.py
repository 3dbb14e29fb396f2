"""The vendor: answers requests as one on the internet would, in the mood its connection asks for.

Who is refused depends on nothing but what identifies them, so that the same members are refused in every run, until their
data is corrected. Whoever has “reject” at the beginning of an identifier always is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.destinations.answers import Answer
from app.destinations.calls import LocalRequest
from app.destinations.practice.rules import Outage, Rules
from app.destinations.practice.shelf import Audience, Held, Shelf
from app.jobs import CancelToken

HOST = "practice (this computer)"
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"contact": ("email", "phone"), "company": ("website_domain", "company_name")}
)
"""What identifies a member of each kind of audience, the first that is there."""

_MOST_A_PAGE = 1_000
_REFUSALS = MappingProxyType(
    {
        "contact": (
            ("unknown_address", "there is no mailbox of that address"),
            ("unsubscribed", "this person unsubscribed"),
            ("blocked", "this person is on the block list of the account"),
        ),
        "company": (
            ("unknown_company", "no company is known by that domain or name"),
            ("blocked", "this company is on the block list of the account"),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request taken apart: `audience` is what stands second in the path, `what` the third part."""

    method: str
    first: str
    audience: int
    what: str
    query: Mapping[str, list[str]]
    body: Any

    @classmethod
    def read(cls, request: LocalRequest) -> _Asked:
        parts = urlsplit(request.path)
        first, second, third = [*parts.path.strip("/").split("/"), "", ""][:3]
        number = int(second) if second.isascii() and second.isdecimal() else 0
        body = json.loads(request.body) if request.body else None
        return cls(request.method, first, number, third, parse_qs(parts.query), body)

    @property
    def is_batch(self) -> bool:
        """Whether it brings or takes members."""
        return self.method == "POST" and self.what in {"members", "removals"}


class Vendor:
    """A `Local` of the HTTP client; thread safe."""

    host = HOST

    def __init__(self, shelf: Shelf, rules: Rules, clock: Callable[[], float] = time.time) -> None:
        self._shelf = shelf
        self._rules = rules
        self._clock = clock

    def answer(self, request: LocalRequest, token: CancelToken) -> Answer:
        """See `Local.answer`."""
        if self._rules.delay_seconds:
            token.sleep(self._rules.delay_seconds)
        asked = _Asked.read(request)
        with self._shelf.open() as held:
            answer = self._answer(held, request, asked)
        if answer is None:
            raise ConnectionResetError  # only now, so that what was done counts
        return answer

    def _answer(self, held: Held, request: LocalRequest, asked: _Asked) -> Answer | None:
        """None when no answer is to come."""
        self._end_jobs(held)
        refused = self._refused_at_the_door(held, request, asked)
        if refused is not None:
            return refused
        if not self._is_out(held, asked):
            return self._act(held, asked)
        if self._rules.outage is Outage.DOWN:
            return _reply(503, {"message": "we are down for repairs"})
        if self._rules.outage is Outage.LOST:
            self._act(held, asked)
        return None

    # At the door

    def _refused_at_the_door(self, held: Held, request: LocalRequest, asked: _Asked) -> Answer | None:
        requests = held.count("requests")
        rules = self._rules
        if rules.needs_code and (refused := self._wrong_code(held, request, asked)):
            return refused
        if rules.slow_down_every and requests % rules.slow_down_every == 0:
            return _slow_down(rules.slow_down_seconds)
        if rules.requests_per_second:
            second = int(self._clock())
            in_it = held.number("in this second") if held.number("second") == second else 0
            if in_it >= rules.requests_per_second:
                return _slow_down(1)
            held.keep("second", second)
            held.keep("in this second", in_it + 1)
        return None

    def _wrong_code(self, held: Held, request: LocalRequest, asked: _Asked) -> Answer | None:
        code = request.headers.get("authorization", "").removeprefix("Bearer ")
        if code.lower().startswith("wrong"):
            return _reply(401, {"message": "this access code is wrong"})
        name = f"code {sha256(code.encode()).hexdigest()}"
        if self._rules.code_ends_after and held.number(name) >= self._rules.code_ends_after:
            return _reply(401, {"message": "this access code has ended, enter another one"})
        if asked.is_batch:
            held.count(name)
        return None

    def _is_out(self, held: Held, asked: _Asked) -> bool:
        """Whether this request meets an outage; one begins after so many batches and ends by itself."""
        rules, now = self._rules, self._clock()
        if rules.outage is Outage.NONE or (rules.outage is Outage.LOST and not asked.is_batch):
            return False
        if now < held.number("out until"):
            return True
        if not asked.is_batch:
            return False
        if held.number("batches since") < rules.outage_after:
            held.count("batches since")
            return False
        held.keep("batches since", 0)
        held.keep("out until", now + rules.outage_seconds)
        return rules.outage_seconds > 0

    # What it does

    def _act(self, held: Held, asked: _Asked) -> Answer:
        if asked.first == "account":
            return _reply(200, {"name": "Practice account", "audiences": len(held.audiences())})
        if asked.first == "jobs":
            there, results = held.job(asked.audience)
            state = "waiting" if results is None else "done"
            return _reply(200, {"state": state, "results": json.loads(results or "[]")}) if there else _not_found()
        if asked.first != "audiences":
            return _not_found()
        if not asked.audience:
            if asked.method == "POST":
                return _reply(200, _shown(held.make(asked.body["name"], asked.body["kind"])))
            return _reply(200, {"audiences": [_shown(each) for each in held.audiences()]})
        audience = held.audience(asked.audience)
        if audience is None:
            return _not_found()
        if asked.is_batch:
            return self._take_batch(held, audience, asked)
        return self._page(held, audience, asked) if asked.what == "members" else _reply(200, _shown(audience))

    def _take_batch(self, held: Held, audience: Audience, asked: _Asked) -> Answer:
        request = {**asked.body, "what": asked.what}
        members = request["members"]
        if len(members) > self._rules.batch_size:
            return _reply(422, {"message": f"a request may hold {self._rules.batch_size} members at most"})
        spoiled = asked.what == "members" and any(self._refusal(audience, each) for each in members)
        if self._rules.refuses_batches and spoiled:
            return _reply(422, {"message": "a member of this request is not accepted"})
        if self._rules.jobs:
            job = held.add_job(audience.id, json.dumps(request), self._clock() + self._rules.job_seconds)
            return _reply(202, {"job": job})
        return _reply(200, {"results": self._change(held, audience, request)})

    def _end_jobs(self, held: Held) -> None:
        for job, number, request in held.due_jobs(self._clock()):
            audience = held.audience(number)
            if audience is not None:
                held.end_job(job, json.dumps(self._change(held, audience, json.loads(request))))

    def _change(self, held: Held, audience: Audience, request: Mapping[str, Any]) -> list[dict[str, str]]:
        members: Sequence[Mapping[str, str | None]] = request["members"]
        if request["what"] == "removals":
            held.take_out(audience.id, [_identifier(audience, each) for each in members])
            return [{"status": "removed"} for _ in members]
        known = held.known(audience.id, [_identifier(audience, each) for each in members])
        results: list[dict[str, str]] = []
        put: dict[str, dict[str, str]] = {}
        added = 0
        for each in members:
            identifier = _identifier(audience, each)
            there = identifier in known
            refusal = self._refusal(audience, each)
            if not refusal and not there and self._rules.maximum and audience.members + added >= self._rules.maximum:
                refusal = ("full", f"the audience is full, it holds {self._rules.maximum} members")
            if refusal:
                results.append({"status": "rejected", "code": refusal[0], "message": refusal[1]})
            elif there and request["mode"] == "add":
                results.append({"status": "unchanged"})
            else:
                put[identifier] = _written(json.loads(known[identifier]) if there else {}, each)
                added += not there
                results.append({"status": "updated" if there else "added"})
        held.put(audience.id, put, added, datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds"))
        return results

    def _page(self, held: Held, audience: Audience, asked: _Asked) -> Answer:
        found = held.page(audience.id, asked.query.get("after", [""])[0], _MOST_A_PAGE)
        keys = KEYS[audience.kind]
        members = []
        for _identifier_of, fields in found:
            values = json.loads(fields)
            members.append({key: values.get(key) for key in keys})
        return _reply(200, {"members": members, "next": found[-1][0] if len(found) == _MOST_A_PAGE else None})

    def _refusal(self, audience: Audience, member: Mapping[str, str | None]) -> tuple[str, str] | None:
        """Code and words when the member is not accepted, by what identifies it alone."""
        identifier = _identifier(audience, member)
        digest = int(sha256(identifier.encode()).hexdigest()[:8], 16)
        always = identifier.partition(":")[2].lower().startswith("reject")
        if not always and digest % 10_000 >= self._rules.rejected_percent * 100:
            return None
        refusals = _REFUSALS[audience.kind]
        return refusals[digest // 10_000 % len(refusals)]


def _identifier(audience: Audience, member: Mapping[str, str | None]) -> str:
    """What a member is known by: the first identifying field that has a value."""
    return next((f"{key}:{value}" for key in KEYS[audience.kind] if (value := member.get(key))), "")


def _written(before: Mapping[str, str], member: Mapping[str, str | None]) -> dict[str, str]:
    """The fields after they were sent: a field without a value is emptied, one that was not sent stays."""
    now = {**before, **member}
    return {key: value for key, value in now.items() if value}


def _shown(audience: Audience) -> dict[str, Any]:
    return {"id": audience.id, "name": audience.name, "kind": audience.kind, "members": audience.members}


def _slow_down(seconds: int) -> Answer:
    return _reply(429, {"message": "too many requests"}, {"retry-after": str(seconds)})


def _not_found() -> Answer:
    return _reply(404, {"message": "there is nothing of that name"})


def _reply(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, {"content-type": "application/json", **(headers or {})}, json.dumps(document).encode())
