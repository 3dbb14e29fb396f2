"""A vendor's sign-in desk for emulators: the page that asks the person, codes, tokens, renewals; strict as RFC 6749 and 7636 are."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.vendors.emulator import Reply, Request

CLIENT_ID = "86northwind42x"
CLIENT_SECRET = "WPL_AP1.northwind+secret/42"


@dataclass
class _Code:
    redirect: str
    challenge: str
    used: bool = False


@dataclass
class OAuthDesk:
    """One app at the vendor. `rotates` ends a refresh token with its use, `access_seconds` is how long access lasts.

    `refuses` lets the person say no on the page.
    """

    scopes: tuple[str, ...] = ()
    pkce: bool = True
    client_auth: str = "post"
    rotates: bool = True
    access_seconds: int = 3_600
    refresh_seconds: int | None = None
    gives_refresh: bool = True
    refuses: bool = False
    client_id: str = CLIENT_ID
    asked: list[dict[str, str]] = field(default_factory=list)
    renewals: int = 0
    _codes: dict[str, _Code] = field(default_factory=dict)
    _access: dict[str, float] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def accepts(self, token: str) -> bool:
        """Whether this access token is good now."""
        return self._access.get(token, 0.0) > time.monotonic()

    def access(self) -> str:
        """A token as one gets it who signs in now."""
        return str(self._given(refresh=False)["access_token"])

    def end_access(self) -> None:
        """Every access token ends now; refresh tokens stay."""
        self._access.clear()

    def end_all(self) -> None:
        """The person took the right away."""
        self._access.clear()
        self._refresh.clear()

    def page(self, request: Request) -> Reply:
        """The page in the browser; this person agrees at once."""
        query = request.query
        self.asked.append(dict(query))
        redirect = query.get("redirect_uri", "")
        if (
            query.get("client_id") != self.client_id
            or query.get("response_type") != "code"
            or not redirect.startswith("http")
        ):
            return Reply(400, {"error": "invalid_request"})
        if set(query.get("scope", "").split()) != set(self.scopes):
            return self._back(redirect, {"error": "invalid_scope", "state": query["state"]})
        if self.pkce and query.get("code_challenge_method") != "S256":
            return self._back(redirect, {"error": "invalid_request", "state": query["state"]})
        if self.refuses:
            said = {"error": "access_denied", "error_description": "The user cancelled", "state": query["state"]}
            return self._back(redirect, said)
        code = f"code-{next(self._numbers)}"
        self._codes[code] = _Code(redirect, query.get("code_challenge", ""))
        return self._back(redirect, {"code": code, "state": query["state"]})

    def token(self, request: Request) -> Reply:
        """The token address."""
        form = request.body if isinstance(request.body, dict) else {}
        if not self._knows_app(request, form):
            return Reply(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        match form.get("grant_type"):
            case "authorization_code":
                return self._by_code(form)
            case "refresh_token":
                return self._renew(form)
            case "client_credentials":
                return Reply(document=self._given(refresh=False))
        return Reply(400, {"error": "unsupported_grant_type"})

    def _knows_app(self, request: Request, form: dict[str, str]) -> bool:
        if self.client_auth == "basic":
            proof = base64.b64encode(f"{self.client_id}:{CLIENT_SECRET}".encode()).decode()
            return request.headers.get("authorization") == f"Basic {proof}"
        return form.get("client_id") == self.client_id and form.get("client_secret") == CLIENT_SECRET

    def _by_code(self, form: dict[str, str]) -> Reply:
        code = self._codes.get(form.get("code", ""))
        if code is None or code.used or code.redirect != form.get("redirect_uri"):
            return Reply(400, {"error": "invalid_grant", "error_description": "The code is not valid"})
        code.used = True
        if self.pkce:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
                return Reply(400, {"error": "invalid_grant", "error_description": "The verifier does not fit"})
        return Reply(document=self._given(refresh=self.gives_refresh))

    def _renew(self, form: dict[str, str]) -> Reply:
        token = form.get("refresh_token", "")
        if token not in self._refresh:
            return Reply(400, {"error": "invalid_grant", "error_description": "The refresh token has been revoked"})
        self.renewals += 1
        if self.rotates:
            self._refresh.discard(token)
        return Reply(document=self._given(refresh=self.rotates))

    def _given(self, *, refresh: bool) -> dict[str, object]:
        number = next(self._numbers)
        access = f"access-token-{number:04}-of-northwind"
        self._access[access] = time.monotonic() + self.access_seconds
        given: dict[str, object] = {"access_token": access, "token_type": "Bearer", "expires_in": self.access_seconds}
        if refresh:
            given["refresh_token"] = f"refresh-token-{number:04}-of-northwind"
            self._refresh.add(str(given["refresh_token"]))
            if self.refresh_seconds is not None:
                given["refresh_token_expires_in"] = self.refresh_seconds
        return given

    @staticmethod
    def _back(redirect: str, query: dict[str, str]) -> Reply:
        return Reply(302, headers={"Location": f"{redirect}?{urlencode(query)}"})


def agree(page: str) -> None:
    """What the person's browser does: open the page and follow it back to this computer."""
    import urllib.request

    with urllib.request.urlopen(page, timeout=10) as answer:
        answer.read()
