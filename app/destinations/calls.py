"""The words of the HTTP client: a request, how patiently it is repeated, what proves who we are, and a target without a host."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.destinations.answers import Answer
from app.jobs import CancelToken


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently a request is repeated; waits double, with a random share so that clients spread.

    A target that asks for more than `longest_asked` seconds is not waited for: the run ends with TryAgain.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 900.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait after that attempt (the first is 1)."""
        full = min(self.longest, self.first * 2.0 ** (attempt - 1))
        return full * random.uniform(0.6, 1.0)  # noqa: S311 - spreads load, protects nothing


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a path below the base address, a query, a body and headers of its own (none of them secret).

    A body is `json`, or `content` as it is, whose kind the headers tell.

    `repeatable` tells whether sending it twice does no harm, so that it is repeated when its answer is lost; None means
    yes for GET, HEAD, PUT and DELETE. `abortable` calls are cut off by a cancel, others end first; None means GET and HEAD.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool | None = None
    abortable: bool | None = None
    content: bytes | None = field(default=None, repr=False)

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent twice."""
        return self.method in {"GET", "HEAD", "PUT", "DELETE"} if self.repeatable is None else self.repeatable

    @property
    def may_abort(self) -> bool:
        """Whether a cancel may cut it off."""
        return self.method in {"GET", "HEAD"} if self.abortable is None else self.abortable


class Access(Protocol):
    """Access that ends and is renewed while it is used. Thread safe."""

    def headers(self) -> Mapping[str, str]:
        """What proves who we are; asks nobody."""
        ...

    def renew(self, refused: Mapping[str, str] | None = None) -> bool:
        """Renew when it ends soon, or when the target refused these headers; whether there are other headers now."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must be masked."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """Access by a key that never changes."""

    sign_in: Callable[[], Mapping[str, str]]

    def headers(self) -> Mapping[str, str]:
        """See `Access.headers`."""
        return self.sign_in()

    def renew(self, refused: Mapping[str, str] | None = None) -> bool:  # noqa: ARG002 - the protocol's name
        """Nothing: it never ends."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """None: they are those of the settings."""
        return ()


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A request as it reaches a `Local`: the address below the base with its query, headers in lower case, the body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Local(Protocol):
    """A target inside this program that answers in the place of a host; `host` is what the ledger calls it. Thread safe."""

    host: str

    def answer(self, request: LocalRequest, token: CancelToken) -> Answer:
        """What it answers; raises ConnectionError when no answer is to come, and Cancelled."""
        ...
