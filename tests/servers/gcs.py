"""A Google Cloud Storage emulator on loopback behind a gate that checks what the emulator does not.

The gate gives tokens for assertions that a known service account has signed, lets nobody in without one, knows the rights
of each account, and refuses an upload whose CRC32C differs from the announced one, as Google does. The address of a
resumable upload is its own authority, as at Google's.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gcp_storage_emulator.server import create_server

from tests.servers.ports import free_port

STEP = 256 << 10
ALL = frozenset({"create", "get", "list", "delete"})


@dataclass(frozen=True)
class Robot:
    """A service account: its key file and what it may do with objects."""

    email: str
    key_file: str
    public: Any
    rights: frozenset[str]


@dataclass
class GcsServer:
    """A running emulator and its gate; `port` is the gate's."""

    port: int
    behind: int
    robots: dict[str, Robot] = field(default_factory=dict)
    tokens: dict[str, Robot] = field(default_factory=dict)
    uploads: dict[str, tuple[int, int]] = field(default_factory=dict)  # address: bytes and CRC32C so far

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def robot(self, rights: frozenset[str] = ALL) -> Robot:
        """A new service account with a key."""
        email = f"r{token_hex(4)}@contoso.iam.gserviceaccount.com"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "project_id": "contoso",
            "private_key_id": token_hex(8),
            "private_key": pem.decode(),
            "client_email": email,
            "token_uri": f"{self.endpoint}/token",
        }
        self.robots[email] = Robot(email, json.dumps(info), key.public_key(), rights)
        return self.robots[email]

    def revoke(self, robot: Robot) -> None:
        """Take all rights from a service account, also with the tokens it has."""
        barred = replace(robot, rights=frozenset())
        self.robots[robot.email] = barred
        self.tokens = {token: barred if who == robot else who for token, who in self.tokens.items()}

    def bucket(self) -> str:
        name = f"b{token_hex(6)}"
        status, _headers, _body = self.ask("POST", "/storage/v1/b?project=contoso", json.dumps({"name": name}).encode())
        assert status == 200
        return name

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request to the emulator, past the gate."""
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


class _Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: GcsServer

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        wanted = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(wanted)
        if len(body) < wanted:
            self._keep_what_arrived(body)
            return
        if self.path == "/token":
            self._give_token(body)
            return
        is_part = self.command in {"PUT", "DELETE"} and "upload_id=" in self.path
        robot = self.server_of.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if not is_part and robot is None:
            self._refuse(401, "authError", "Invalid Credentials")
        elif not is_part and robot is not None and self._right() not in robot.rights:
            self._refuse(403, "forbidden", f"{robot.email} does not have storage.objects.{self._right()} access.")
        elif is_part and self.command == "DELETE":
            self.server_of.uploads.pop(self.path, None)
            self._answer(499, {}, b"")
        elif is_part and not self._fits(body):
            self._refuse(400, "invalid", "Provided CRC32C does not match the calculated one.")
        else:
            self._pass_on(body)

    def _right(self) -> str:
        if self.command == "GET":
            return "list" if urlsplit(self.path).path.endswith("/o") else "get"
        if "/rewriteTo/" in self.path:
            return "get"
        return "delete" if self.command == "DELETE" else "create"

    def _fits(self, body: bytes) -> bool:
        """Whether the content of an upload that ends here has the announced checksum."""
        arrived, crc = self.server_of.uploads.get(self.path, (0, 0))
        at = re.match(r"bytes (\d+)-", self.headers.get("Content-Range", ""))
        if body and at and int(at[1]) == arrived:
            crc, arrived = google_crc32c.extend(crc, body), arrived + len(body)
        self.server_of.uploads[self.path] = (arrived, crc)
        announced = self.headers.get("X-Goog-Hash", "")
        return not announced or announced == f"crc32c={base64.b64encode(crc.to_bytes(4, 'big')).decode()}"

    def _keep_what_arrived(self, body: bytes) -> None:
        """The connection broke: of a piece of an upload, whole steps are kept, as at Google's."""
        self.close_connection = True
        piece = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", self.headers.get("Content-Range", ""))
        kept = body[: len(body) // STEP * STEP]
        if piece and kept:
            begin = int(piece[1])
            self._fits(kept)
            headers = {"Content-Range": f"bytes {begin}-{begin + len(kept) - 1}/{piece[2]}"}
            self.server_of.ask("PUT", self.path, kept, headers)

    def _give_token(self, body: bytes) -> None:
        assertion = parse_qs(body.decode())["assertion"][0]
        claimed = jwt.decode(assertion, options={"verify_signature": False})
        robot = self.server_of.robots.get(claimed["iss"])
        try:
            if robot is None:
                raise jwt.InvalidTokenError
            jwt.decode(assertion, robot.public, algorithms=["RS256"], audience=claimed["aud"])
        except jwt.InvalidTokenError:
            words = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            self._answer(400, {"Content-Type": "application/json"}, json.dumps(words).encode())
            return
        token = token_hex(16)
        self.server_of.tokens[token] = robot
        given = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(given).encode())

    def _pass_on(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
        status, given, answer = self.server_of.ask(self.command, self.path, body, headers)
        if status == 404 and not answer:
            known, _headers, _body = self.server_of.ask("GET", f"/storage/v1/b/{_bucket_of(self.path)}")
            words = "No such object." if known == 200 else "The specified bucket does not exist."
            self._refuse(404, "notFound", words)
            return
        self._answer(status, given, answer)

    def _refuse(self, status: int, reason: str, words: str) -> None:
        document = {"error": {"code": status, "message": words, "errors": [{"reason": reason, "message": words}]}}
        self._answer(status, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "date", "server", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing."""


def _bucket_of(path: str) -> str:
    found = re.search(r"/b/([^/?]+)", unquote(path))
    return found[1] if found else ""


@contextlib.contextmanager
def running() -> Iterator[GcsServer]:
    """A server for the block."""
    behind = free_port()
    emulator = create_server("127.0.0.1", behind, in_memory=True)
    emulator.start()
    gate = type("Gate", (_Gate,), {})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), gate)
    server = GcsServer(listening.server_port, behind)
    gate.server_of = server
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        emulator.stop()


@pytest.fixture(scope="session")
def gcs() -> Iterator[GcsServer]:
    """One server for all tests of this process; each makes a bucket of its own."""
    with running() as server:
        yield server
