"""A stand-in for Azure Data Lake Storage Gen2 on loopback, because Microsoft's emulator Azurite has no DFS interface.

It does what the documentation of the REST interface says of the calls the destination makes (learn.microsoft.com, Azure
Storage REST: Path - Create, Update, Delete, List, Get Properties; Copy Blob), and is called by Microsoft's own client, which
would not understand other answers. True to the service are: the check of each request's shared key, shared access signature
(also that of what is renamed or copied) or token of Microsoft's sign-in, of which only what it is for; folders that are things
of their own and are made with a file; data that is appended at any position and unseen until it is flushed as one gapless
piece; MD5 of each part; a rename that replaces a file in one step and needs the folder it goes to; the codes of refusals.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import pytest
from azure.storage.filedatalake import generate_file_system_sas

ACCOUNT = "contosolake"


@dataclass
class _File:
    data: bytes = b""
    waiting: dict[int, bytes] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    kind: str = "application/octet-stream"
    changed: float = field(default_factory=time.time)


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class Lake:
    """A running account; each test makes a container of its own. `denied` holds methods nobody may use."""

    port: int = 0
    key: str = field(default_factory=lambda: base64.b64encode(token_bytes(64)).decode())
    containers: dict[str, dict[str, _File | None]] = field(default_factory=dict)  # None: a folder
    denied: set[str] = field(default_factory=set)
    signatures: set[str] = field(default_factory=set)
    secure: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        return f"http{'s' if self.secure else ''}://127.0.0.1:{self.port}/{ACCOUNT}"

    def sas(self, container: str) -> str:
        """A shared access signature for a container."""
        made: str = generate_file_system_sas(
            ACCOUNT, container, self.key, permission="racwdl", expiry=datetime.now(UTC) + timedelta(hours=1)
        )
        self.signatures.add(parse_qs(made)["sig"][0])
        return made

    def container(self) -> str:
        name = f"c{token_hex(6)}"
        self.containers[name] = {}
        return name

    def write(self, container: str, path: str, data: bytes) -> None:
        """Past the interface."""
        self.make(container, path, _File(data))

    def make(self, container: str, path: str, file: _File) -> None:
        """A file and the folders above it."""
        paths = self.containers[container]
        parts = path.split("/")
        for depth in range(1, len(parts)):
            paths.setdefault("/".join(parts[:depth]), None)
        paths[path] = file

    def files(self, container: str) -> dict[str, bytes]:
        """What readers see."""
        return {path: file.data for path, file in self.containers[container].items() if file is not None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lake: Lake

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        wanted = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(wanted)
        if len(body) < wanted:
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        _, account, container, *rest = unquote(parts.path).split("/")
        try:
            self._check(account, parts.path, query)
            if self.command in self.lake.denied:
                raise _Refused(403, "AuthorizationPermissionMismatch")
            if container not in self.lake.containers:
                raise _Refused(404, "FilesystemNotFound")
            with self.lake.lock:
                status, headers, answer = self._do(container, "/".join(rest), query, body)
        except _Refused as refused:
            words = {"error": {"code": refused.code, "message": refused.code}}
            status, headers, answer = refused.status, {"x-ms-error-code": refused.code}, json.dumps(words).encode()
            headers["Content-Type"] = "application/json"
        self._answer(status, headers, answer)

    def _do(self, container: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        paths = self.lake.containers[container]
        if self.command == "GET" and query.get("resource") == "filesystem":
            return self._list(paths, query)
        if self.command == "PUT":
            return self._put(container, paths, path, query)
        if path not in paths:
            raise _Refused(404, "BlobNotFound" if self.command in {"GET", "HEAD"} else "PathNotFound")
        file = paths[path]
        if self.command == "DELETE":
            return self._delete(paths, path, query)
        assert file is not None
        if self.command == "PATCH":
            return self._update(file, query, body)
        headers = self._properties(file)
        if self.command == "HEAD":
            return 200, {**headers, "Content-Length": str(len(file.data))}, b""
        end = len(file.data) - 1
        return 206, {**headers, "Content-Range": f"bytes 0-{end}/{len(file.data)}"}, file.data

    def _put(
        self, container: str, paths: dict[str, _File | None], path: str, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if source := self.headers.get("x-ms-rename-source"):
            name = unquote(urlsplit(source).path).split("/", 2)[2]
            if paths.get(name) is None:
                raise _Refused(404, "SourcePathNotFound")
            folder = path.rpartition("/")[0]
            if folder and folder not in paths:
                raise _Refused(404, "RenameDestinationParentPathNotFound")
            if path in paths and paths[path] is None:
                raise _Refused(409, "PathAlreadyExists")
            paths[path] = paths.pop(name)
        elif source := self.headers.get("x-ms-copy-source"):
            file = paths.get(unquote(urlsplit(source).path).split("/", 3)[3])
            if file is None:
                raise _Refused(404, "BlobNotFound")
            self.lake.make(container, path, _File(file.data, {}, dict(file.metadata), file.kind))
            return 202, {"x-ms-copy-id": token_hex(8), "x-ms-copy-status": "success"}, b""
        elif query.get("resource") == "file":
            given = dict(pair.split("=", 1) for pair in self.headers.get("x-ms-properties", "").split(",") if pair)
            metadata = {name: base64.b64decode(value).decode() for name, value in given.items()}
            kind = self.headers.get("x-ms-content-type", "application/octet-stream")
            self.lake.make(container, path, _File(metadata=metadata, kind=kind))
        else:
            raise _Refused(400, "UnsupportedHttpVerb")
        return 201, {}, b""

    def _update(self, file: _File, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        position = int(query["position"])
        if query["action"] == "append":
            announced = self.headers.get("Content-MD5")
            if announced and announced != base64.b64encode(hashlib.md5(body).digest()).decode():
                raise _Refused(400, "Md5Mismatch")
            file.waiting[position] = body
            return 202, {}, b""
        whole = file.data
        for begin in sorted(file.waiting):
            if begin != len(whole):
                raise _Refused(400, "InvalidFlushPosition")
            whole += file.waiting[begin]
        if len(whole) != position:
            raise _Refused(400, "InvalidFlushPosition")
        file.data, file.waiting, file.changed = whole, {}, time.time()
        return 200, {}, b""

    def _delete(
        self, paths: dict[str, _File | None], path: str, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        below = [each for each in paths if each.startswith(f"{path}/")]
        if below and query.get("recursive") != "true":
            raise _Refused(409, "DirectoryNotEmpty")
        for each in [path, *below]:
            del paths[each]
        return 200, {}, b""

    def _list(self, paths: dict[str, _File | None], query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        folder = query.get("directory", "")
        if folder and paths.get(folder, _File()) is not None:
            raise _Refused(404, "PathNotFound")
        start = f"{folder}/" if folder else ""
        found: list[dict[str, Any]] = []
        for path, file in sorted(paths.items()):
            if path.startswith(start) and (query["recursive"] == "true" or "/" not in path[len(start) :]):
                changed = file.changed if file else time.time()
                entry: dict[str, Any] = {"name": path, "lastModified": email.utils.formatdate(changed, usegmt=True)}
                entry |= (
                    {"contentLength": str(len(file.data))} if file else {"contentLength": "0", "isDirectory": "true"}
                )
                found.append(entry)
        return 200, {"Content-Type": "application/json"}, json.dumps({"paths": found}).encode()

    @staticmethod
    def _properties(file: _File) -> dict[str, str]:
        return {
            "Content-Type": file.kind,
            "ETag": f'"{hash(file.data) & 0xFFFFFFFF:x}"',
            "Last-Modified": email.utils.formatdate(file.changed, usegmt=True),
            "x-ms-blob-type": "BlockBlob",
            "x-ms-copy-status": "success",
            "x-ms-copy-id": "1",
            **{f"x-ms-meta-{name}": value for name, value in file.metadata.items()},
        }

    def _check(self, account: str, path: str, query: dict[str, str]) -> None:
        sign_in, bearer, token = self.headers.get("Authorization", "").partition("Bearer ")
        sources = [self.headers[name] for name in ("x-ms-rename-source", "x-ms-copy-source") if name in self.headers]
        if "sig" in query:
            shown = [query, *({k: v[0] for k, v in parse_qs(urlsplit(each).query).items()} for each in sources)]
            good = not sign_in and all(each.get("sig") in self.lake.signatures for each in shown)
        elif bearer:
            good = jwt.decode(token, options={"verify_signature": False})["aud"] == "https://storage.azure.com"
        else:
            good = self._signed_by_key(path, query)
        if account != ACCOUNT or not good:
            raise _Refused(403, "AuthenticationFailed")

    def _signed_by_key(self, path: str, query: dict[str, str]) -> bool:
        """Shared key, as learn.microsoft.com describes it under Authorize with Shared Key."""
        names = ("Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date")
        names += ("If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range")
        values = [self.headers.get(name, "") for name in names]
        values[2] = "" if values[2] == "0" else values[2]
        own = sorted((n.lower(), v.strip()) for n, v in self.headers.items() if n.lower().startswith("x-ms-"))
        lines = [self.command, *values, *(f"{name}:{value}" for name, value in own), f"/{ACCOUNT}{path}"]
        lines += [f"{name.lower()}:{value}" for name, value in sorted(query.items())]
        signed = hmac.new(base64.b64decode(self.lake.key), "\n".join(lines).encode(), hashlib.sha256).digest()
        wanted = f"SharedKey {ACCOUNT}:{base64.b64encode(signed).decode()}"
        return self.headers.get("Authorization") == wanted

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "x-ms-version": "2021-12-02", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def running(certificate: Path | None = None, key: Path | None = None) -> Iterator[Lake]:
    """A lake for the block, with TLS when it is given a certificate and its key."""
    lake = Lake(secure=certificate is not None)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"lake": lake}))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    lake.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield lake
    finally:
        listening.shutdown()
        listening.server_close()


@pytest.fixture(scope="session")
def data_lake() -> Iterator[Lake]:
    """One lake for all tests of this process."""
    with running() as lake:
        yield lake
