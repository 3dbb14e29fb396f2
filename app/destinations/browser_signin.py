"""A person signs in with their own browser: it opens the vendor's page and comes back to a door on this computer (RFC 8252).

The door listens on the loopback address only, takes the one answer that carries our state, and closes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app.core.errors import FixSettings, SignInAgain, TryAgain
from app.core.tokens import Tokens
from app.destinations.description import Description, SignIn
from app.destinations.signin import Clock, TokenDesk, filled, utc_now
from app.jobs import JobContext

PATIENCE_SECONDS = 300.0
_GLANCE = 0.1


def sign_in(
    description: Description,
    values: Mapping[str, str],
    secrets: Mapping[str, str],
    show: Callable[[str], None],
    ctx: JobContext,
    *,
    clock: Clock = utc_now,
    patience: float = PATIENCE_SECONDS,
) -> Tokens:
    """Have the person sign in and give the tokens; blocks until they did, `show` opens the page with that address.

    Raises SignInAgain when they refused, TryAgain when nobody came within `patience` seconds, FixSettings when the door can't be
    opened or the app is not set up at the vendor, Cancelled.
    """
    spec = description.sign_in
    if spec is None:
        raise FixSettings(
            f"{description.name} has no sign-in by browser.",
            f"It takes {description.signs_in_with}.",
            "Enter it in the connection.",
            code="no_sign_in",
        )
    desk = TokenDesk(description.name, spec, values, secrets, clock=clock)
    verifier = generate_token(64) if spec.pkce else ""
    state = generate_token(40)
    with _Door(description.name, spec, state) as door:
        show(_page(spec, desk.client_id, door.address, state, verifier, values))
        code = door.wait(ctx, patience)
    ctx.check()
    return desk.by_code(code, door.address, verifier)


def _page(spec: SignIn, client_id: str, redirect: str, state: str, verifier: str, values: Mapping[str, str]) -> str:
    url = filled(values.get("authorize_url", "").strip() or spec.authorize_url, values)
    extra = dict(spec.parameters)
    if verifier:
        challenge = create_s256_code_challenge(verifier)  # type: ignore[no-untyped-call]  # authlib's own
        extra |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    page: str = prepare_grant_uri(url, client_id, "code", redirect, " ".join(spec.scopes), state, **extra)
    return page


def listen(port: int, handler: type[BaseHTTPRequestHandler]) -> HTTPServer:
    """A server on this computer only; 0 takes any free port. Raises OSError."""
    return HTTPServer(("127.0.0.1", port), handler)


class _Door:
    """Waits for the browser to come back; a context manager. Other requests than the one with our state get nothing."""

    def __init__(self, target: str, spec: SignIn, state: str) -> None:
        self._target = target
        self._state = state
        self._answer: dict[str, str] = {}
        self._came = threading.Event()
        door = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                """The browser, or anybody else on this computer."""
                known = door.take(self.path)
                body = door.words().encode() if known else b""
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Nothing: the address holds the code."""

        try:
            self._server = listen(spec.redirect_port, Handler)
        except OSError:
            raise FixSettings(
                "The browser could not be told where to come back to.",
                f"Another program uses the port {spec.redirect_port} of this computer.",
                "Close it, then sign in again.",
                code="port_in_use",
            ) from None
        self.address = f"http://{spec.redirect_host}:{self._server.server_address[1]}{spec.redirect_path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _GLANCE}, name="sendoff-sign-in", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str) -> bool:
        """Whether this is the answer we wait for; only the first one counts."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if query.get("state") != self._state or not query.keys() & {"code", "error"}:
            return False
        if not self._came.is_set():
            self._answer = query
            self._came.set()
        return True

    def words(self) -> str:
        """The page the browser ends on."""
        if "code" in self._answer:
            title, text = f"Signed in to {self._target}", "You can close this page and go back to Sendoff."
        else:
            title, text = f"Not signed in to {self._target}", "Go back to Sendoff and try again."
        return (
            "<!doctype html><meta charset=utf-8><meta name=color-scheme content='light dark'>"
            f"<title>{escape(title)}</title><body style='font:16px system-ui;margin:18vh auto;max-width:28em'>"
            f"<h1 style='font-size:22px'>{escape(title)}</h1><p>{escape(text)}</p>"
        )

    def wait(self, ctx: JobContext, patience: float) -> str:
        """The code the browser brought."""
        deadline = time.monotonic() + patience
        while not self._came.wait(_GLANCE):
            ctx.check()
            if time.monotonic() > deadline:
                raise TryAgain(
                    f"Nobody signed in to {self._target}.",
                    "The page in the browser did not come back in time.",
                    "Sign in again, and stay on the page until it says that you can close it.",
                    code="sign_in_timeout",
                )
        if "code" in self._answer:
            return self._answer["code"]
        said = self._answer.get("error_description") or self._answer["error"]
        raise SignInAgain(
            f"You are not signed in to {self._target}.",
            f"{self._target} says: {said[:300]}",
            "Sign in again and agree to what Sendoff asks for.",
            code="sign_in_refused",
        )
