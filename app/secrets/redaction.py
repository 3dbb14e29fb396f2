"""Keeps secrets out of logs and messages: the ones we know, in every spelling, and what looks like one."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import threading
import traceback
import urllib.parse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK: Final = "[hidden]"

_URL_SAFE = ("", "/", "/:@", "!'()*~", "/:@!$&'()*,;=")
_SHORTEST_ENCODED = 4
"""Bytes of the shortest secret masked in hex and base64; below that every second word would be one."""
_SHORTEST_CORE = 5
"""Bytes of the shortest secret looked for inside longer base64; fewer fix too few characters to mean anything."""
_SHORTEST_LINE = 16
"""Characters of the shortest single line of a several-line secret that is masked on its own."""

_KEYS = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|client[_-]?secret|api[_-]?key|apikey|account[_-]?key|access[_-]?key|"
    r"shared[_-]?access[_-]?(?:key|signature)|private[_-]?key|secret[_-]?(?:access[_-]?)?key|"
    r"(?:access|refresh|id|auth|session|bearer|security|csrf)[_-]?token|token|"
    r"code[_-]?verifier|client[_-]?assertion|assertion|sig|signature|x-amz-(?:signature|security-token|credential)|"
    r"credentials?"
)
# Each pattern's group `secret` is what gets masked; the rest stays, so that a log line keeps its sense.
_PATTERNS: Final = (
    # A private key, also when its line breaks are written as \n or its end is missing.
    re.compile(
        r"(?P<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z))",
        re.DOTALL,
    ),
    # Authorization: Basic ... to the end of the line, also as JSON or in a printed dict or list of pairs.
    re.compile(
        r"""(?i)\b(?:authorization|cookie|x-api-key)\b(?:\\?["'])?\s*(?:[:=]|(?<=["'])\s*,)\s*(?:b?\\?["'])?"""
        r"""(?P<secret>[^"'\r\n]+)"""
    ),
    re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<secret>(?=[\w.~+/-]*[0-9=])[\w.~+/-]{6,}=*)"),
    # password=..., "api_key": "...", ('token', '...'), AccountKey=...; whatever stands before the word (db_password).
    re.compile(
        rf"""(?ix) (?:{_KEYS}) (?:\\?["'])? \s* (?:[:=]|(?<=["'])\s*,) \s*
        (?: b?\\?"(?P<double>(?:\\.|[^"\\])*) | b?'(?P<single>(?:\\.|[^'\\])*) | (?P<secret>[^\s"'&,;]+) )"""
    ),
    # The code of an OAuth redirect.
    re.compile(r"[?&]code=(?P<secret>[^&\s\"'<>]+)"),
    # https://user:password@host
    re.compile(r"\w://[^\s/:@]*:(?P<secret>[^\s/@]+)@"),
    # Keys known by their shape: Mailchimp, JSON Web Tokens, GitHub, Slack, Stripe, SendGrid, Google, HubSpot, LinkedIn.
    re.compile(r"\b(?P<secret>[0-9A-Za-z]{16,}-us[0-9]{1,3})\b"),
    re.compile(r"\b(?P<secret>eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)*)"),
    re.compile(
        r"\b(?P<secret>gh[pousr]_\w{20,}|xox[abeprs]-[\w-]{10,}|[rs]k_(?:live|test)_\w{10,}|SG\.[\w-]{10,}\.[\w-]{10,}|"
        r"ya29\.[\w-]{10,}|1//[\w-]{20,}|AIza[\w-]{30,}|pat-[a-z]{2,3}\d-[0-9a-f-]{30,}|"
        r"AQ[\w-]{60,})"
    ),
)
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_=-]*")


class Redactor:
    """Masks secrets in text. Holds the known ones in memory only; its `repr` does not show them.

    Any thread may call anything. A known secret is masked as it is, URL-escaped, in base64 (also inside longer base64,
    such as `user:secret`), in hex, and as JSON, Python or HTML escape it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        # Replaced as a whole, never changed, so that `redact` needs no lock.
        self._spellings: tuple[str, ...] = ()
        self._cores: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Redactor with {len(self._known)} known secrets>"

    def add(self, secret: str) -> None:
        """Mask this value from now on; an empty one is ignored."""
        with self._lock:
            if secret and secret not in self._known:
                self._know(self._known | {secret})

    def forget(self, secret: str) -> None:
        """Stop masking this value; nothing happens when it is not known."""
        with self._lock:
            self._know(self._known - {secret})

    def redact(self, text: str) -> str:
        """The text with every secret replaced by `[hidden]`."""
        spans = sorted({*self._known_spans(text), *_pattern_spans(text)})
        if not spans:
            return text
        pieces: list[str] = []
        done = 0
        for start, end in spans:
            if end <= done:
                continue
            if start > done or not pieces:  # else it touches or overlaps the one before, whose mask stands for both
                pieces += [text[done:start], MASK]
            done = end
        return "".join([*pieces, text[done:]])

    def _know(self, secrets: frozenset[str]) -> None:
        self._known = secrets
        self._spellings = tuple({spelling for secret in secrets for spelling in _spellings(secret)})
        self._cores = tuple({core for secret in secrets for core in _base64_cores(secret)})

    def _known_spans(self, text: str) -> Iterator[tuple[int, int]]:
        for spelling in self._spellings:
            start = text.find(spelling)
            while start >= 0:
                yield start, start + len(spelling)
                start = text.find(spelling, start + 1)
        for core in self._cores:
            start = text.find(core)
            while start >= 0:
                yield _run_around(text, start, start + len(core))
                start = text.find(core, start + 1)


class RedactingFilter(logging.Filter):
    """Masks a log record's message, arguments, exception and stack. Put it on every handler.

    (On a logger it would not see what child loggers pass up.) The arguments are merged into the message and the
    exception into text, so that no handler can write them out unmasked.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; always lets it pass."""
        redact = self._redactor.redact
        record.msg = redact(_message(record))
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and value is not None and not isinstance(value, bool | int | float):
                setattr(record, name, redact(str(value)))
        return True


_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a wrong format string or a failing __str__ must not cost the line
        return f"{record.msg!s} {record.args!r}"


def _pattern_spans(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            for name in pattern.groupindex:
                start, end = match.span(name)
                if end > start:
                    yield start, end


def _run_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole base64 text around a find: its ends hold bits of the secret as well."""
    while start > 0 and _BASE64_RUN.fullmatch(text[start - 1]):
        start -= 1
    tail = _BASE64_RUN.match(text, end)
    return start, tail.end() if tail else end


def _spellings(secret: str) -> set[str]:
    spellings = {secret}
    for value in (secret, secret.replace("\r\n", "\n"), secret.replace("\n", "\r\n")):
        raw = value.encode(errors="surrogatepass")
        urls = {urllib.parse.quote(raw, safe=safe) for safe in _URL_SAFE} | {urllib.parse.quote_plus(raw)}
        spellings |= urls | {re.sub("%..", lambda escape: escape.group().lower(), url) for url in urls}
        for as_json in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
            spellings |= {as_json, as_json.replace("/", "\\/")}
        spellings |= {value, repr(value)[1:-1], html.escape(value), html.escape(value, quote=False)}
        if len(raw) >= _SHORTEST_ENCODED:
            spellings |= {raw.hex(), raw.hex().upper()}
            spellings |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    # A formatter may strip, indent or cut a key of several lines, so its lines count one by one too.
    lines = (line.strip() for line in secret.splitlines())
    return spellings | {line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")}


def _base64_cores(secret: str) -> set[str]:
    """The characters that base64 of any text around the secret must hold, for each of its three alignments."""
    raw = secret.encode(errors="surrogatepass")
    if len(raw) < _SHORTEST_CORE:
        return set()
    cores = set()
    for shift in range(3):
        first, last = -(-8 * shift // 6), 8 * (shift + len(raw)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            cores.add(encode(b"\0" * shift + raw)[first:last].decode())
    return cores
