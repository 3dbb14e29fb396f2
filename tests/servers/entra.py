"""A stand-in for Microsoft's sign-in of applications and people, over TLS: discovery document, sign-in page and tokens.

The page agrees at once for whoever opens it. A public client proves itself with PKCE (RFC 7636) and must send no secret; its
refresh tokens are good once.

It gives what Azurite takes with `--oauth basic`: a token for the audience of Azure Storage that holds for an hour.
Azurite reads issuer, audience and times of a token but cannot check its signature, so this one has none.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606"
CLIENT = "5d1cbbbd-2b4f-4d56-8f8a-3b7f3e1a9c11"
SECRET = "client-secret-of-the-tests"
PUBLIC_CLIENT = "0f7f2c1a-7c3e-4f0e-9d55-2c1f6f3f9a01"
SCOPES = "https://storage.azure.com/user_impersonation offline_access"


@dataclass
class Entra:
    """A running sign-in; `asked` holds the scopes of tokens given out, `refuse` holds an error to answer with instead.

    `refresh` are the refresh tokens that are good, `lasts` is how many seconds an access token is.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    refuse: str = ""
    lasts: int = 3600
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh: set[str] = field(default_factory=set)

    def page(self, query: dict[str, str]) -> tuple[int, str]:
        """What becomes of a person who opened the page: a status, and where the browser goes."""
        redirect = query.get("redirect_uri", "")
        fits = (
            query.get("client_id") == PUBLIC_CLIENT
            and query.get("response_type") == "code"
            and query.get("code_challenge_method") == "S256"
            and query.get("scope") == SCOPES
            and re.fullmatch(r"http://localhost:\d+", redirect)
        )
        if not fits:
            return 400, ""
        code = token_hex(8)
        self.codes[code] = query
        return 302, f"{redirect}?{urlencode({'code': code, 'state': query['state']})}"

    def person(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The answer to a public client that asks for a person's tokens."""
        if form.get("client_id") != PUBLIC_CLIENT or "client_secret" in form:
            return 401, {"error": "invalid_client", "error_description": "AADSTS700025: Client is public."}
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            good = asked is not None and (asked["code_challenge"], asked["redirect_uri"]) == (
                challenge,
                form.get("redirect_uri"),
            )
        else:
            good = form.get("refresh_token") in self.refresh
            self.refresh.discard(form.get("refresh_token", ""))
        if not good:
            return 400, {"error": "invalid_grant", "error_description": "AADSTS700082: The sign-in has expired."}
        self.asked.append(form["grant_type"])
        refresh = token_hex(16)
        self.refresh.add(refresh)
        given = {"token_type": "Bearer", "expires_in": self.lasts, "access_token": token(), "refresh_token": refresh}
        return 200, {**given, "scope": SCOPES}


@contextmanager
def running(certificate: Path, key: Path) -> Iterator[Entra]:
    """A sign-in for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == f"/{TENANT}/oauth2/v2.0/authorize":
                status, place = entra.page({name: values[0] for name, values in parse_qs(parts.query).items()})
                self.send_response(status)
                self.send_header("Location", place)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            place = f"{entra.url}/{TENANT}"
            self._answer(
                200,
                {
                    "issuer": f"{place}/v2.0",
                    "authorization_endpoint": f"{place}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{place}/oauth2/v2.0/token",
                },
            )

        def do_POST(self) -> None:
            form = {name: values[0] for name, values in parse_qs(self._body()).items()}
            if entra.refuse:
                self._answer(401, {"error": "invalid_client", "error_description": entra.refuse})
            elif form.get("grant_type") in {"authorization_code", "refresh_token"}:
                self._answer(*entra.person(form))
            elif (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
                words = "AADSTS7000215: Invalid client secret provided."
                self._answer(401, {"error": "invalid_client", "error_description": words})
            else:
                entra.asked.append(form["scope"])
                self._answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token()})

        def _body(self) -> str:
            return self.rfile.read(int(self.headers["Content-Length"])).decode()

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    entra = Entra(f"https://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield entra
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificates(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.crt", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def token() -> str:
    """An access token for Azure Storage."""
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now,
        "nbf": now - 60,
        "exp": now + 3600,
        "appid": CLIENT,
    }
    parts = ({"typ": "JWT", "alg": "HS256"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])
