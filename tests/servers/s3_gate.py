"""moto behind a gate that refuses what S3 refuses and moto lets through; run as a module, with port and perhaps TLS.

S3 compares a body with the SHA-256 of its signature (docs.aws.amazon.com, “Signature calculations”), and wants a checksum of
each part of an object that its bucket locks (“Object Lock considerations”).
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from werkzeug.serving import run_simple

_NO_DIGESTS = ("UNSIGNED-PAYLOAD", "STREAMING-")


class Gate:
    """A WSGI application around another one."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], answer: Callable[..., object]) -> Iterable[bytes]:
        wanted = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
        if wanted and not wanted.startswith(_NO_DIGESTS):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            if hashlib.sha256(body).hexdigest() != wanted:
                words = "The provided 'x-amz-content-sha256' header does not match what was computed."
                return _refuse(answer, "XAmzContentSHA256Mismatch", words)
        is_part = "partNumber" in parse_qs(environ.get("QUERY_STRING", "")) and "HTTP_X_AMZ_COPY_SOURCE" not in environ
        if is_part and _lacks_checksum(environ):
            words = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters"
            return _refuse(answer, "InvalidRequest", words)
        return self._app(environ, answer)


def _lacks_checksum(environ: dict[str, Any]) -> bool:
    try:
        bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_bucket(environ["PATH_INFO"].split("/")[1])
    except MissingBucket:
        return False
    locks = bucket.object_lock_enabled and bucket.has_default_lock
    return bool(locks) and not any(name.startswith(("HTTP_CONTENT_MD5", "HTTP_X_AMZ_CHECKSUM_")) for name in environ)


def _refuse(answer: Callable[..., object], code: str, words: str) -> list[bytes]:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{words}</Message></Error>'.encode()
    )
    answer("400 Bad Request", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def main(port: str, *tls: str) -> None:
    """Serve on that port until the process ends; `tls` is the path of a certificate and that of its key."""
    app = Gate(DomainDispatcherApplication(create_backend_app))
    certificate = (tls[0], tls[1]) if tls else None
    run_simple("127.0.0.1", int(port), app, threaded=True, ssl_context=certificate, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(*sys.argv[1:])
