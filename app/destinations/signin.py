"""Access by OAuth 2: tokens from a code or for the app itself, renewed when they end, without a person where that is possible.

How a vendor does it stands in the `sign_in` part of its `destination.toml`. The requests follow RFC 6749 and 7636, made by
authlib; the answers are trusted with nothing but their tokens.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from app.core.errors import FixSettings, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.tokens import Tokens
from app.destinations.answers import Answer, Redactor, words_in
from app.destinations.calls import Retry
from app.destinations.contract import Exchange, Ledger, Settings
from app.destinations.description import Description, Grant, Pace, SignIn
from app.destinations.http import checked_host
from app.destinations.no_answer import NEVER_ARRIVED
from app.destinations.wire import Wire
from app.jobs import CancelToken
from app.version import VERSION

log = logging.getLogger(__name__)

RETRY = Retry(attempts=3, first=0.5, longest=4.0, longest_asked=10.0)
"""Whoever needs the access waits meanwhile, and no cancel cuts it short."""

_TIMEOUT = 30.0
_MAX_BYTES = 1 << 20
_EARLY = timedelta(seconds=60)
"""A token is renewed that long before its end, so that it does not end on its way."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


class TokenDesk:
    """Asks a vendor's token address for tokens in the name of one app. Used by one thread at a time; holds no connection.

    The addresses of the description can be replaced by settings of the same names, for tests and for other regions.
    """

    def __init__(
        self,
        target: str,
        spec: SignIn,
        values: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        ledger: Ledger = lambda _exchange: None,
        clock: Clock = utc_now,
    ) -> None:
        self.target = target
        self.spec = spec
        self.client_id = values.get("client_id", "").strip()
        self._client_secret = secrets.get("client_secret", "").strip()
        self._url = filled(values.get("token_url", "").strip() or spec.token_url, values)
        self._redact = Redactor.of(secrets.values())
        self._ledger = ledger
        self._clock = clock

    def by_code(self, code: str, redirect: str, verifier: str) -> Tokens:
        """The tokens for a code the person's browser brought back; raises as `renewed`."""
        extra = {"code_verifier": verifier} if verifier else {}
        tokens = self._ask("authorization_code", Tokens(""), redirect_uri=redirect, code=code, **extra)
        lasting = self.spec.lasting_grant
        return self._ask(lasting, Tokens(""), **{lasting: tokens.access}) if lasting else tokens

    def renewed(self, before: Tokens) -> Tokens:
        """New tokens for a sign-in that goes on; a refresh token that is not replaced stays.

        Raises SignInAgain when the vendor wants the person, TryAgain when it can't be reached, FixSettings and TellUs.
        """
        return self._ask("refresh_token", before, refresh_token=before.refresh)

    def for_app(self) -> Tokens:
        """Tokens of the app itself (client credentials); raises as `renewed`."""
        return self._ask("client_credentials", Tokens(""), scope=" ".join(self.spec.scopes))

    def _ask(self, grant: str, before: Tokens, **parameters: str) -> Tokens:
        body = prepare_token_request(grant, "", **parameters)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        how = f"client_secret_{self.spec.client_auth}" if self._client_secret else "none"
        way = ClientAuth(self.client_id, self._client_secret, how)
        url, headers, body = way.prepare("POST", self._url, headers, body)  # type: ignore[no-untyped-call]  # authlib's own
        document = self._answer(url, headers, body, harmless=grant == "client_credentials")
        now = self._clock()
        access = document.get("access_token")
        if not isinstance(access, str) or not access:
            raise self._not_understood("It gave no access token.")
        refresh = document.get("refresh_token") or before.refresh
        ends = _after(now, document.get("refresh_token_expires_in")) or before.ends_at
        access_ends = _after(now, document.get("expires_in"))
        if self.spec.lasts_days is not None and grant in {"authorization_code", self.spec.lasting_grant}:
            ends = ends or now + timedelta(days=self.spec.lasts_days)
        if not refresh and grant != "client_credentials":
            ends = access_ends if ends is None or access_ends is None else min(ends, access_ends)
        return Tokens(access, str(refresh or ""), access_ends, ends)

    def _answer(self, url: str, headers: Mapping[str, str], body: str, *, harmless: bool) -> Mapping[str, Any]:
        with self._wire(url) as wire:
            own = wire.headers
            own.update(headers)
            answer = self._asked(
                lambda: wire.ask(httpx2.Request("POST", url, headers=own, content=body.encode()), CancelToken()),
                harmless,
            )
        try:
            document = json.loads(answer.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            if answer.status >= 500 or answer.status == 429:
                raise self._busy(answer)
            raise self._not_understood("It sent no JSON; a proxy or another page may have answered in its place.")
        if answer.status >= 400 or "error" in document:
            raise self._refused(answer, document)
        return document

    def _asked(self, ask: Callable[[], Answer], harmless: bool) -> Answer:  # noqa: FBT001 - private, and plain at its one call
        """The answer, asked for again where that is safe: codes and refresh tokens are good for one use."""
        for attempt in range(1, RETRY.attempts + 1):
            last = attempt == RETRY.attempts
            try:
                answer = ask()
            except TryAgain as error:
                if last or not (harmless or error.code in NEVER_ARRIVED):
                    raise self._unreached(error) from None
                wait = RETRY.wait(attempt)
            else:
                passing = answer.status in {429, 503} or (harmless and answer.status >= 500)
                wait = max(RETRY.wait(attempt), answer.retry_after or 0.0)
                if last or not passing or wait > RETRY.longest_asked:
                    return answer
            log.info("%s could not sign us in, trying again in %.1f s", self.target, wait)
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wire(self, url: str) -> Wire:
        host = checked_host(self.target, url)
        headers = {"User-Agent": f"Sendoff/{VERSION}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        return Wire(self.target, host, url, headers, Pace(timeout_seconds=_TIMEOUT), self._note, _MAX_BYTES)

    def _note(self, made: Exchange) -> None:
        """Tell the ledger, without the body: it is secret."""
        self._ledger(replace(made, body=b"", sign_in=True))

    def _refused(self, answer: Answer, document: Mapping[str, Any]) -> SendoffError:
        error = document.get("error")
        words = words_in(document) or f"status {answer.status}"
        said = self._redact(f"{self.target} says: {words}.").replace("..", ".")
        if answer.status == 429 or answer.status >= 500:
            return self._busy(answer)
        if error in ("invalid_client", "unauthorized_client"):
            return SignInAgain(
                f"{self.target} does not know this app.",
                said,
                "Check the client ID and the client secret in the connection.",
                code="client_id_refused",
            )
        if error in ("invalid_scope", "redirect_uri_mismatch"):
            return FixSettings(
                f"{self.target} does not let this app sign people in.",
                said,
                "Check the app's rights and its redirect address at the vendor.",
                code="app_refused",
            )
        return SignInAgain(
            f"The sign-in at {self.target} has ended.",
            said,
            "Sign in again in the connection; runs that stopped go on where they were.",
            code="sign_in_ended",
        )

    def _busy(self, answer: Answer) -> TryAgain:
        return TryAgain(
            f"{self.target} could not sign us in.",
            f"It answered with status {answer.status}.",
            "Try again later.",
            code=f"sign_in_{answer.status}",
            retry_after=answer.retry_after,
        )

    def _unreached(self, error: TryAgain) -> TryAgain:
        return TryAgain(
            f"The sign-in of {self.target} can't be reached.",
            error.why,
            "Check the internet connection, then try again.",
            code="sign_in_unreachable",
        )

    def _not_understood(self, why: str) -> TellUs:
        return TellUs(
            f"{self.target} answered the sign-in in a way we do not understand.",
            why,
            "Try again; when it comes back, send us the log.",
            code="sign_in_answer",
        )


class SignedIn:
    """The access of one connection while it is used; fulfils `http.Access`. Thread safe: one renews, the others wait.

    A sign-in that another process renewed meanwhile is read anew before the person is bothered; a renewed one is kept in the
    keyring at once, because many vendors end the old refresh token with it.
    """

    def __init__(self, target: str, spec: SignIn, settings: Settings, clock: Clock = utc_now) -> None:
        self._spec = spec
        self._settings = settings
        self._desk = TokenDesk(target, spec, settings.values, settings.secrets, ledger=settings.ledger, clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = Tokens.read(settings.secrets.get(spec.field_id, ""))
        if self._tokens is None and spec.grant is Grant.PERSON:
            raise _not_signed_in(target)

    def headers(self) -> Mapping[str, str]:
        """What proves who we are; asks nobody."""
        access = self._tokens.access if self._tokens is not None else ""
        return {"Authorization": f"Bearer {access or '-'}"}

    def secrets(self) -> tuple[str, ...]:
        """What must be masked in answers and previews."""
        return self._tokens.secrets if self._tokens is not None else ()

    def renew(self, refused: Mapping[str, str] | None = None) -> bool:
        """Renew when the token ends soon, or when the vendor refused these headers; whether there is another token now.

        Raises as `TokenDesk.renewed`.
        """
        if refused is None and not self._ends_soon():
            return False
        with self._lock:
            if refused is None and not self._ends_soon():
                return False
            if refused is not None and dict(refused) != dict(self.headers()):
                return True  # another thread was quicker
            return self._renew()

    def _renew(self) -> bool:
        if self._spec.grant is Grant.APP:
            self._take(self._desk.for_app())
            return True
        before = self._tokens
        if before is None or not before.refresh:
            return False
        try:
            self._take(self._desk.renewed(before))
        except SignInAgain:
            kept = Tokens.read(self._settings.keyring.read(self._spec.field_id) or "")
            if kept is None or kept.refresh == before.refresh:
                raise
            self._take(self._desk.renewed(kept))
        if self._tokens is not None:
            self._settings.keyring.keep(self._spec.field_id, self._tokens.written())
        return True

    def _take(self, tokens: Tokens) -> None:
        for secret in tokens.secrets:
            self._settings.keyring.mask(secret)
        self._tokens = tokens

    def _ends_soon(self) -> bool:
        tokens = self._tokens
        if tokens is None:
            return True
        if tokens.access_ends_at is None or (not tokens.refresh and self._spec.grant is Grant.PERSON):
            return False
        return tokens.access_ends_at - _EARLY <= self._clock()


def signed_in(settings: Settings, of: Description) -> SignedIn:
    """What lets requests in after the sign-in that the description declares; raises SignInAgain."""
    if of.sign_in is None:
        raise SignInAgain(f"{of.name} has no sign-in.", "Its description lacks it.", "Set Sendoff up again.")
    return SignedIn(of.name, of.sign_in, settings)


def _not_signed_in(target: str) -> SignInAgain:
    return SignInAgain(
        f"Nobody has signed in to {target} yet.",
        "The connection holds no sign-in on this computer.",
        "Sign in in the connection.",
        code="secret_missing",
    )


def _after(now: datetime, seconds: object) -> datetime | None:
    """When something ends that lasts so many seconds; vendors write them as numbers or as text."""
    try:
        lasts = float(str(seconds))
    except ValueError:
        return None
    return now + timedelta(seconds=lasts) if lasts > 0 else None


def filled(url: str, values: Mapping[str, str]) -> str:
    """An address with the connection's own values in it, such as `{tenant}`."""
    for name, value in values.items():
        url = url.replace(f"{{{name}}}", value.strip())
    return url
