"""A stand-in for Microsoft's sign-in of applications, over TLS: the discovery document and the token endpoint.

It gives what Azurite takes with `--oauth basic`: a token for the audience of Azure Storage that holds for an hour.
Azurite reads issuer, audience and times of a token but cannot check its signature, so this one has none.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606"
CLIENT = "5d1cbbbd-2b4f-4d56-8f8a-3b7f3e1a9c11"
SECRET = "client-secret-of-the-tests"


@dataclass
class Entra:
    """A running sign-in; `asked` counts the tokens given out, `refuse` holds an error to answer with instead."""

    url: str
    asked: list[str] = field(default_factory=list)
    refuse: str = ""


@contextmanager
def running(certificate: Path, key: Path) -> Iterator[Entra]:
    """A sign-in for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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
            elif (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
                words = "AADSTS7000215: Invalid client secret provided."
                self._answer(401, {"error": "invalid_client", "error_description": words})
            else:
                entra.asked.append(form["scope"])
                self._answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": _token()})

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
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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


def _token() -> str:
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
