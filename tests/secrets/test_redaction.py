from __future__ import annotations

import base64
import io
import json
import logging
import re
import time
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.redaction import MASK, RedactingFilter, Redactor
from app.secrets.store import KeyringStore
from tests.fakes.keyrings import FakeKeyring

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = 'p/ä+s"s w\\o?rd=7Q'
KEY_BLOCK = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmU
AAAAtzc2gtZWQyNTUxOQAAACD9
-----END OPENSSH PRIVATE KEY-----"""

texts = st.text(max_size=60).filter(lambda text: MASK not in text)
# From the length on at which the redactor looks for encoded spellings.
secret_texts = st.text(min_size=5, max_size=40).filter(lambda text: MASK not in text and text.strip())
surroundings = st.text(alphabet="abcdefgh .,:\n", max_size=20)


def redactor_of(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return redactor


def shows(text: str, secret: str) -> bool:
    return any(secret in piece for piece in text.split(MASK))


@given(secrets=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4), text=texts, data=st.data())
def test_no_known_secret_survives_however_they_overlap(secrets: list[str], text: str, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.one_of(st.just(text), st.sampled_from(secrets)), max_size=8))
    masked = redactor_of(*secrets).redact("".join(pieces).replace(MASK, ""))
    assert not any(shows(masked, secret) for secret in secrets)


ENCODERS = {
    "url": lambda s: urllib.parse.quote(s),
    "url, everything": lambda s: urllib.parse.quote(s, safe=""),
    "form": lambda s: urllib.parse.urlencode({"v": s})[2:],
    "url, lower case": lambda s: re.sub("%..", lambda escape: escape.group().lower(), urllib.parse.quote_plus(s)),
    "json": lambda s: json.dumps(s)[1:-1],
    "json, utf-8": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "repr": lambda s: repr(s)[1:-1],
    "hex": lambda s: s.encode().hex(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@given(secret=secret_texts, before=surroundings, after=surroundings)
def test_every_spelling_is_masked(encoder: str, secret: str, before: str, after: str) -> None:
    spelled = ENCODERS[encoder](secret)
    masked = redactor_of(secret).redact(f"{before} {spelled} {after}")
    assert MASK in masked
    assert not shows(masked, spelled)


@given(secret=secret_texts, user=st.text(max_size=12), tail=st.text(max_size=12))
def test_base64_of_a_user_and_the_secret_is_masked_whole(secret: str, user: str, tail: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        header = encode(f"{user}:{secret}{tail}".encode()).decode()
        masked = redactor_of(secret).redact(f"sent {header} | to the host")
        # Base64 that happens to end in “sig=” reads as a signature; masking a word too many is all right.
        assert masked in (f"sent {MASK} | to the host", f"sent {MASK} {MASK} to the host")


@given(text=texts)
def test_text_without_secrets_stays(text: str) -> None:
    if not any(mark in text for mark in ":=@-") and "," not in text:
        assert redactor_of("never in there, ever").redact(text) == text


@given(text=st.text(alphabet='pasword=:"\\ token,{}[]&;\n1aX', max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = Redactor().redact(text)
    assert Redactor().redact(once) == once


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Basic dXNlcjpwYXNz\nHost: x", f"Authorization: {MASK}\nHost: x"),
        ("proxy-authorization: Bearer abc.def-1", f"proxy-authorization: {MASK}"),
        ("{'Authorization': 'Bearer abc1', 'Host': 'x'}", f"{{'Authorization': '{MASK}', 'Host': 'x'}}"),
        ("[(b'authorization', b'Basic dXNl'), (b'host', b'x')]", f"[(b'authorization', b'{MASK}'), (b'host', b'x')]"),
        ("Cookie: a=b; session=c", f"Cookie: {MASK}"),
        ("sent Bearer abcdef123 along", f"sent Bearer {MASK} along"),
        ("key 0123456789abcdef0123456789abcdef-us12 used", f"key {MASK} used"),
        (f"token of LinkedIn AQ{'xY_-3' * 20} used", f"token of LinkedIn {MASK} used"),
        ("password=hunter2&user=ann", f"password={MASK}&user=ann"),
        ("password = hunter2", f"password = {MASK}"),
        ("password: banana", f"password: {MASK}"),
        ("token=b'abc'", f"token=b'{MASK}'"),
        ('{"password": "hun\\"ter2", "user": "ann"}', f'{{"password": "{MASK}", "user": "ann"}}'),
        ("{'db_password': 'hunter2', 'user': 'ann'}", f"{{'db_password': '{MASK}', 'user': 'ann'}}"),
        ("AccountName=a;AccountKey=ab+c/d==;Suffix=x", f"AccountName=a;AccountKey={MASK};Suffix=x"),
        ("https://x/y?sv=1&sig=ab%2Bc&se=2", f"https://x/y?sv=1&sig={MASK}&se=2"),
        ("https://x/cb?code=4/abc&state=1", f"https://x/cb?code={MASK}&state=1"),
        ("client_secret=abc refresh_token: def", f"client_secret={MASK} refresh_token: {MASK}"),
        ("postgresql://ann:hunter2@host/db", f"postgresql://ann:{MASK}@host/db"),
        ("jwt eyJhbGciOi.eyJzdWIi.sig-nature end", f"jwt {MASK} end"),
        (f"key:\n{KEY_BLOCK}\nend", f"key:\n{MASK}\nend"),
        (json.dumps({"k": KEY_BLOCK}), f'{{"k": "{MASK}"}}'),
        (KEY_BLOCK[:70] + " cut", MASK),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert Redactor().redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Mailchimp accepted 1,204 of 1,210 members in 3.2 s",
        "https://us12.api.mailchimp.com/3.0/lists/abc?count=10&offset=20",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "exit code=1, basic information, bearer authentication failed, a compass and a monkey: fine",
        "design: blue; passed: 12; tokens used: none",
    ],
)
def test_plain_lines_keep_their_sense(text: str) -> None:
    assert redactor_of(SECRET).redact(text) == text


def test_a_key_of_several_lines_is_masked_when_its_lines_are_torn_apart() -> None:
    redactor = redactor_of(KEY_BLOCK)
    for text in (KEY_BLOCK.replace("\n", "\r\n"), KEY_BLOCK.replace("\n", "\n    | "), *KEY_BLOCK.split("\n")[1:3]):
        assert "b3BlbnNz" not in redactor.redact(text)
        assert "AAAAtzc2" not in redactor.redact(text)


def test_forgotten_and_empty_values_are_not_masked() -> None:
    redactor = redactor_of("", "hunter2", "hunter2")
    assert redactor.redact("it is hunter2") == f"it is {MASK}"
    redactor.forget("hunter2")
    redactor.forget("never known")
    assert redactor.redact("it is hunter2") == "it is hunter2"


def test_the_redactor_does_not_show_what_it_knows() -> None:
    assert "hunter2" not in repr(redactor_of("hunter2"))


def test_long_and_nasty_text_takes_no_time() -> None:
    redactor = redactor_of(*(f"secret-number-{n}" for n in range(50)))
    for text in (
        "a-" * 50_000,
        "-" * 100_000,
        'password="' + "\\" * 50_000,
        "A" * 100_000,
        "-----BEGIN " * 5_000,
        "x://" * 20_000,
    ):
        begun = time.thread_time()
        redactor.redact(text)
        assert time.thread_time() - begun < 2


class Nasty:
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(written: io.StringIO) -> Iterator[logging.Logger]:
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s %(extra)s", defaults={"extra": ""}))
    handler.addFilter(RedactingFilter(redactor_of(SECRET)))
    logger = logging.getLogger("tests.secrets.redaction")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger
    logger.handlers.clear()


def fail_with(secret: str) -> None:
    try:
        raise ValueError(f"bad value {secret}")
    except ValueError as error:
        raise RuntimeError(f"again {secret}") from error


def test_message_arguments_exception_stack_and_extras_are_masked(log: logging.Logger, written: io.StringIO) -> None:
    log.warning("plain " + SECRET)  # noqa: G003 - a careless line is what is tested
    log.warning("one %s two %r", SECRET, {"v": SECRET})
    log.warning("named %(v)s", {"v": SECRET})
    log.warning("extra", extra={"extra": {"v": SECRET}})
    log.warning("stack", stack_info=True)
    try:
        fail_with(SECRET)
    except RuntimeError:
        log.exception("failed with %s", SECRET)
    text = written.getvalue()
    assert SECRET not in text
    assert repr(SECRET)[1:-1] not in text
    assert text.count(MASK) >= 8
    assert "ValueError: bad value" in text
    assert "RuntimeError: again" in text
    assert "Stack (most recent call last)" in text


@pytest.mark.parametrize("arguments", [("%d is no number", SECRET), ("%s %s", SECRET), ("%s", Nasty())])
def test_a_broken_log_line_is_written_and_masked(
    log: logging.Logger, written: io.StringIO, arguments: tuple[object, ...]
) -> None:
    if isinstance(arguments[1], Nasty):
        with pytest.raises(RuntimeError):
            str(arguments[1])
    log.warning(*arguments)
    assert written.getvalue().startswith("WARNING")
    assert SECRET not in written.getvalue()


def test_two_handlers_mask_the_same_record(log: logging.Logger, written: io.StringIO) -> None:
    second = io.StringIO()
    handler = logging.StreamHandler(second)
    handler.addFilter(RedactingFilter(redactor_of(SECRET)))
    log.addHandler(handler)
    log.warning("one %s", SECRET)
    assert second.getvalue() == f"one {MASK}\n"
    assert written.getvalue().startswith(f"WARNING one {MASK}")


def test_the_store_makes_every_secret_known() -> None:
    redactor, backend = Redactor(), FakeKeyring()
    KeyringStore("w", backend=backend, redactor=redactor).put("c", "f", "hunter2")
    assert redactor.redact("hunter2") == MASK
    other = Redactor()
    KeyringStore("w", backend=backend, redactor=other).get("c", "f")
    assert other.redact("hunter2") == MASK
