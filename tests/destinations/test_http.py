from __future__ import annotations

import datetime as dt
import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TellUs, TryAgain
from app.destinations.answers import Answer, Redactor, words_of
from app.destinations.calls import Call, Retry
from app.destinations.contract import Exchange, Settings
from app.destinations.description import Pace
from app.destinations.http import HttpClient
from app.jobs import Cancelled, CancelToken, JobContext
from tests.servers.tls import TlsServer
from tests.vendors.emulator import Emulator, Reply, Request

SECRET = "very-secret-token-123"
QUICK = Retry(attempts=3, first=0.01, longest=0.02)


class Echo(Emulator):
    """Answers every request with what it was."""

    def answer(self, request: Request) -> Reply:
        return Reply(
            document={"path": request.path, "query": request.query, "body": request.body, "headers": request.headers}
        )


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)


def client(url: str, **options: Any) -> HttpClient:
    details = {"pace": Pace(timeout_seconds=5), "retry": QUICK, **options}
    settings = details.pop("settings", Settings({}, {"key": SECRET}))
    return HttpClient("Acme", url, settings, sign_in=lambda: {"Authorization": f"Bearer {SECRET}"}, **details)


def code(url: str, call: Call | None = None, **options: Any) -> str:
    with client(url, **options) as http, pytest.raises(SendoffError) as caught:
        http.json(call or Call("GET", "x"), JobContext())
    assert SECRET not in str(caught.value)
    assert "Acme" in caught.value.what
    assert caught.value.fix
    return caught.value.code


class TestRequests:
    def test_arrives_as_meant(self, echo: Echo) -> None:
        with client(f"{echo.url}/base/") as http:
            seen = http.json(Call("POST", "/a/b", {"q": "ä b"}, {"name": "Zoë"}), JobContext())
        assert (seen["path"], seen["query"], seen["body"]) == ("/base/a/b", {"q": "ä b"}, {"name": "Zoë"})
        assert seen["headers"]["authorization"] == f"Bearer {SECRET}"
        assert seen["headers"]["user-agent"].startswith("Sendoff/")

    def test_a_body_of_another_kind_goes_as_it_is(self, echo: Echo) -> None:
        call = Call("POST", "a", content=b"a=%20b&c=d", headers={"Content-Type": "application/x-www-form-urlencoded"})
        with client(echo.url, pace=Pace(timeout_seconds=5, max_body_bytes=10)) as http:
            assert http.prepared(call).body == "a=%20b&c=d"
            seen = http.json(call, JobContext())
            with pytest.raises(FixData):
                http.send(Call("POST", "a", content=b"x" * 11), JobContext())
        assert seen["body"] == {"a": " b", "c": "d"}
        assert seen["headers"]["content-type"] == "application/x-www-form-urlencoded"

    def test_prepared_equals_sent_but_for_secrets(self, echo: Echo) -> None:
        call = Call("POST", "a", {"token": SECRET}, {"note": f"see {SECRET}"})
        with client(echo.url) as http:
            shown = http.prepared(call)
        assert echo.requests == []
        assert shown.method == "POST"
        assert shown.url.startswith(f"{echo.url}/a?token=")
        assert shown.headers["Authorization"] == "Bearer ••••"
        assert shown.body == '{"note":"see ••••"}'
        assert SECRET not in repr(shown)

    def test_ledger(self, echo: Echo) -> None:
        told: list[Exchange] = []
        settings = Settings({}, {}, ledger=told.append)
        with client(echo.url, settings=settings) as http:
            http.send(Call("POST", "a", json={"x": "y" * 1000}), JobContext())
        (exchange,) = told
        assert exchange.host == "127.0.0.1"
        assert 1000 < exchange.sent < 2000
        assert 1000 < exchange.received < 3000
        assert json.loads(exchange.body) == {"x": "y" * 1000}
        assert "yyy" not in repr(exchange)

    @pytest.mark.parametrize("pasted", ["abc\ndef", "schlüssel-1", "abc\u2014def", "abc\u200bdef", "abc\0def"])
    def test_a_key_that_was_pasted_with_more_than_the_key(self, echo: Echo, pasted: str) -> None:
        settings = Settings({}, {"key": pasted})
        for how in ({"sign_in": lambda: {"Api-Key": pasted}}, {"headers": {"Developer": pasted}}):
            with pytest.raises(SignInAgain) as caught:
                HttpClient("Acme", echo.url, settings, pace=Pace(), **how).send(Call("GET", "x"), JobContext())
            assert caught.value.code == "secret_unusable"
            assert not any(pasted in repr(each) for each in (caught.value, caught.value.__cause__))
        assert echo.requests == []

    @pytest.mark.parametrize(
        "url",
        [
            "http://acme.example",
            "ftp://acme.example",
            "acme.example",
            "https://",
            "https://a:b@c",
            "https://x:port",
            "",
        ],
    )
    def test_addresses_that_are_refused(self, url: str) -> None:
        with pytest.raises(FixSettings):
            client(url)


class TestRetry:
    def test_not_repeatable_calls_are_sent_once(self, echo: Echo) -> None:
        echo.fail("lost")
        assert code(echo.url, Call("POST", "x")) == "reset"
        assert len(echo.requests) == 1

    def test_repeatable_calls_are_sent_again(self, echo: Echo) -> None:
        echo.fail("lost")
        assert code(echo.url, Call("POST", "x", repeatable=True)) == "reset"
        assert len(echo.requests) == QUICK.attempts

    def test_5xx_of_a_call_that_is_not_repeatable(self, echo: Echo) -> None:
        fault = echo.fail("reply", times=10, reply=Reply(500, raw=b""))
        assert code(echo.url, Call("POST", "x")) == "http_500"
        assert fault.times == 9

    def test_too_fast_is_always_repeated(self, echo: Echo) -> None:
        echo.fail("reply", times=1, reply=Reply(429, raw=b""))
        with client(echo.url) as http:
            assert http.send(Call("POST", "x"), JobContext()).ok

    def test_503_with_a_wait_counts_as_too_fast(self, echo: Echo) -> None:
        slowed: list[tuple[float, str]] = []
        settings = Settings({}, {}, on_slow=lambda *entry: slowed.append(entry))
        reply = Reply(503, {"message": "closed for a moment"}, headers={"Retry-After": "0"})
        echo.fail("reply", times=1, reply=reply)
        with client(echo.url, settings=settings) as http:
            assert http.send(Call("POST", "x"), JobContext()).ok
        ((wait, words),) = slowed
        assert 0 < wait <= QUICK.first
        assert words == "closed for a moment"

    def test_waits_grow_although_none_is_asked_for(self, echo: Echo) -> None:
        """“Retry-After: 0”, or a moment that is over, again and again: a storm is not answered by another one."""
        slowed: list[float] = []
        settings = Settings({}, {}, on_slow=lambda wait, _words: slowed.append(wait))
        echo.fail("reply", times=2, reply=Reply(429, headers={"Retry-After": "0"}))
        echo.fail("reply", times=2, reply=Reply(429, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}))
        retry = Retry(attempts=5, first=0.02, longest=1)
        with client(echo.url, settings=settings, retry=retry) as http:
            assert http.send(Call("POST", "x"), JobContext()).ok
        assert [wait >= 0.6 * 0.02 * 2**number for number, wait in enumerate(slowed)] == [True] * 4

    def test_what_is_asked_for_is_the_least(self, echo: Echo) -> None:
        echo.fail("reply", times=1, reply=Reply(503, headers={"Retry-After": "0.4"}))
        began = time.monotonic()
        with client(echo.url) as http:
            assert http.send(Call("POST", "x"), JobContext()).ok
        assert time.monotonic() - began >= 0.4

    @pytest.mark.parametrize("asked", ["901", "1e9", "1e999", "inf", "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_what_is_too_long_is_not_waited_for(self, echo: Echo, asked: str) -> None:
        echo.fail("reply", reply=Reply(429, headers={"Retry-After": asked}))
        with client(echo.url) as http, pytest.raises(TryAgain) as caught:
            http.json(Call("POST", "x"), JobContext())
        assert caught.value.code == "http_429"
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > 900

    def test_waits_grow_and_stay_bounded(self) -> None:
        retry = Retry(first=1, longest=8)
        waits = [retry.wait(attempt) for attempt in range(1, 30)]
        assert all(0.6 <= wait <= 8 for wait in waits)
        assert waits[0] <= 1
        assert waits[3] >= 4.8

    def test_retry_after_as_a_date(self) -> None:
        when = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
        wait = Answer(429, {"retry-after": format_datetime(when, usegmt=True)}, b"").retry_after
        assert wait is not None
        assert 85 < wait <= 90
        assert Answer(429, {"retry-after": "soon"}, b"").retry_after is None
        assert Answer(429, {"retry-after": "nan"}, b"").retry_after == 0
        # By the target's own clock, where it tells it: ours may be wrong by hours.
        told = {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:29 GMT"}
        assert Answer(429, told, b"").retry_after == 30
        assert Answer(429, {**told, "date": "now"}, b"").retry_after == 0
        assert Answer(429, {"retry-after": "-5"}, b"").retry_after == 0

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="a process can't change its zone here")
    @pytest.mark.parametrize(
        "when", ["Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT", "Fri Dec 31 23:59:59 1999"]
    )
    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
    def test_all_three_forms_of_a_date_wherever_we_are(
        self, when: str, zone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """RFC 9110 has three; the oldest names no zone and means Greenwich."""
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            told = {"retry-after": when, "date": "Fri, 31 Dec 1999 23:59:29 GMT"}
            assert Answer(429, told, b"").retry_after == 30
        finally:
            monkeypatch.undo()
            time.tzset()

    @given(st.text())
    def test_any_wait_is_none_or_a_number(self, text: str) -> None:
        wait = Answer(429, {"retry-after": text}, b"").retry_after
        assert wait is None or wait >= 0


class TestNoAnswer:
    def test_refused(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        assert code(f"http://127.0.0.1:{port}") == "refused"

    def test_unknown_name(self) -> None:
        assert code("https://nowhere.invalid") == "dns"

    def test_silence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            assert code(f"http://127.0.0.1:{mute.getsockname()[1]}", pace=Pace(timeout_seconds=0.1)) == "timeout"

    @pytest.mark.parametrize("proxied", [False, True])
    @pytest.mark.parametrize(
        "begins", [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Y: "]
    )
    def test_an_answer_that_never_ends(self, monkeypatch: pytest.MonkeyPatch, begins: bytes, *, proxied: bool) -> None:
        """A byte of its body or of its head now and then is no silence, but the whole has an end of its own."""
        with socket.create_server(("127.0.0.1", 0)) as tap:
            address = f"http://127.0.0.1:{tap.getsockname()[1]}"
            if proxied:
                monkeypatch.setenv("http_proxy", address)

            def drip() -> None:
                for _attempt in range(QUICK.attempts):
                    line, _address = tap.accept()
                    with line, suppress(OSError):
                        line.recv(1 << 16)
                        line.sendall(begins)
                        while True:
                            line.sendall(b" ")
                            time.sleep(0.02)

            thread = threading.Thread(target=drip, daemon=True)
            thread.start()
            pace = Pace(timeout_seconds=0.1)
            assert code("http://localhost:9" if proxied else address, pace=pace) == "timeout"
            thread.join(5)

    def test_reset(self, echo: Echo) -> None:
        echo.fail("reset")
        assert code(echo.url) == "reset"

    def test_not_http(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:

            def talk() -> None:
                for _attempt in range(QUICK.attempts):
                    connection, _address = other.accept()
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                    connection.close()

            thread = threading.Thread(target=talk, daemon=True)
            thread.start()
            assert code(f"http://127.0.0.1:{other.getsockname()[1]}") == "reset"

    def test_certificate_nobody_trusts(self, tmp_path: Path) -> None:
        with TlsServer(tmp_path) as server:
            assert code(f"https://127.0.0.1:{server.port}") == "tls"

    def test_tls_where_there_is_none(self, echo: Echo) -> None:
        assert code(f"https://127.0.0.1:{echo.port}") == "tls"

    def test_proxy_that_is_down(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
        assert code("https://acme.example") == "proxy"

    def test_proxy_is_used(self, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", echo.url)
        with client("http://localhost:9/api") as http:
            assert http.json(Call("GET", "x"), JobContext())["headers"]["host"] == "localhost:9"


class TestAnswers:
    def test_too_large(self, echo: Echo) -> None:
        echo.fail("reply", reply=Reply(200, raw=b" " * 200_000))
        assert code(echo.url, max_bytes=100_000) == "answer_too_large"

    def test_a_small_answer_that_unpacks_to_a_large_one(self, echo: Echo) -> None:
        packed = gzip.compress(b" " * 5_000_000)
        assert len(packed) < 50_000
        echo.fail("reply", reply=Reply(200, raw=packed, headers={"Content-Encoding": "gzip"}))
        assert code(echo.url, max_bytes=100_000) == "answer_too_large"

    def test_memory_when_gigabytes_are_packed_into_a_few_bytes(self, echo: Echo) -> None:
        packed = gzip.compress(bytes(300_000_000), 9)
        assert len(packed) < 400_000
        echo.fail("reply", reply=Reply(200, raw=packed, headers={"Content-Encoding": "gzip"}))
        tracemalloc.start()
        try:
            assert code(echo.url, max_bytes=1_000_000) == "answer_too_large"
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()

    def test_packed_answers_are_asked_for_and_read(self, echo: Echo) -> None:
        reply = Reply(200, raw=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "GZip"})
        echo.fail("reply", times=1, reply=reply)
        with client(echo.url) as http:
            assert http.json(Call("GET", "x"), JobContext()) == {"a": 1}
            assert http.json(Call("GET", "x"), JobContext())["headers"]["accept-encoding"] == "gzip"

    @pytest.mark.parametrize(
        "damaged",
        [gzip.compress(b'{"a": 1}')[:-3], zlib.compress(b"{}"), b"(\xb5/\xfd\x04\x00\x11\x00\x00{}"],
        ids=["gzip", "zlib", "zstd"],
    )
    def test_a_packing_that_ends_early_or_nobody_asked_for(self, echo: Echo, damaged: bytes) -> None:
        echo.fail("reply", reply=Reply(200, raw=damaged, headers={"Content-Encoding": "zstd"}))
        assert code(echo.url) == "malformed_answer"

    def test_damaged_packing(self, echo: Echo) -> None:
        echo.fail("reply", reply=Reply(200, raw=b"not gzip at all", headers={"Content-Encoding": "gzip"}))
        assert code(echo.url) == "malformed_answer"

    def test_other_shape(self, echo: Echo) -> None:
        with client(echo.url) as http, pytest.raises(TellUs) as caught:
            http.read(Call("GET", "x"), list[int], JobContext())
        assert caught.value.code == "unexpected_answer"

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ({"detail": "no"}, "no"),
            ({"error": {"message": "deep"}}, "deep"),
            ({"errors": [{"field": "x"}, {"message": "second"}]}, "second"),
            ([{"title": "in a list"}], "in a list"),
            ({"message": f"bad token {SECRET} here"}, "bad token •••• here"),
            ({"status": 5}, ""),
            ({"detail": "x" * 1000}, "x" * 300),
        ],
    )
    def test_words_of_the_target(self, document: Any, words: str) -> None:
        answer = Answer(400, {"content-type": "application/problem+json"}, json.dumps(document).encode())
        assert words_of(answer, Redactor.of([SECRET])) == words

    @given(st.binary())
    def test_words_of_anything(self, body: bytes) -> None:
        assert isinstance(words_of(Answer(400, {"content-type": "application/json"}, body), str), str)

    @given(st.text(), st.lists(st.text(min_size=4)))
    def test_no_secret_survives(self, text: str, secrets: list[str]) -> None:
        redacted = Redactor.of(secrets)(" ".join([text, *secrets]))
        assert not any(secret in redacted for secret in secrets if "•" not in secret)


class TestFailuresThatSayTheyAreNone:
    """A vendor that answers 200 to everything and has a number of its own in the body."""

    MEANINGS: ClassVar = {601: 401, 606: 429, 610: 404}

    def meaning(self, answer: Answer) -> int:
        number = answer.json("Shop").get("error") if answer.ok and answer.is_json else None
        return self.MEANINGS.get(number, answer.status)

    def test_too_fast_is_waited_for(self, echo: Echo) -> None:
        echo.fail("reply", times=2, reply=Reply(200, document={"error": 606}))
        slowed: list[float] = []
        settings = Settings({}, {"key": SECRET}, on_slow=lambda wait, _words: slowed.append(wait))
        with client(echo.url, meaning=self.meaning, settings=settings) as http:
            assert http.send(Call("POST", "x"), JobContext()).ok
        assert len(slowed) == 2

    @pytest.mark.parametrize(("number", "error"), [(601, SignInAgain), (610, FixSettings)])
    def test_they_become_sentences(self, echo: Echo, number: int, error: type[SendoffError]) -> None:
        echo.fail("reply", reply=Reply(200, document={"error": number}))
        with client(echo.url, meaning=self.meaning) as http, pytest.raises(error):
            http.json(Call("GET", "x"), JobContext())


def test_a_body_that_is_too_long_is_not_sent(echo: Echo) -> None:
    with client(echo.url, pace=Pace(timeout_seconds=5, max_body_bytes=20)) as http:
        assert http.send(Call("POST", "x", json={"a": "b" * 10}), JobContext()).ok
        with pytest.raises(FixData) as caught:
            http.send(Call("POST", "x", json={"a": "b" * 13}), JobContext())
    assert caught.value.code == "body_too_large"
    assert len(echo.requests) == 1


class TestPace:
    def test_requests_per_second(self, echo: Echo) -> None:
        with client(echo.url, pace=Pace(requests_per_second=10, timeout_seconds=5)) as http:
            began = time.monotonic()
            for _number in range(15):
                http.send(Call("GET", "x"), JobContext())
        assert time.monotonic() - began >= 0.9

    def test_simultaneous(self, echo: Echo) -> None:
        echo.fail("latency", seconds=0.05)
        with client(echo.url, pace=Pace(simultaneous=2, timeout_seconds=5)) as http:
            threads = [threading.Thread(target=http.send, args=(Call("GET", "x"), JobContext())) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(echo.requests) == 8
        assert echo.most_simultaneous == 2

    def test_cancel_of_a_wait_for_the_pace(self, echo: Echo) -> None:
        token = CancelToken()
        with client(echo.url, pace=Pace(requests_per_second=0.05, timeout_seconds=5)) as http:
            http.send(Call("GET", "x"), JobContext(token))
            threading.Timer(0.2, token.cancel).start()
            with pytest.raises(Cancelled):
                http.send(Call("GET", "x"), JobContext(token))
        assert len(echo.requests) == 1  # the second one's turn would be in 20 seconds


class TestCancel:
    def test_a_write_under_way_ends_first(self, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
        token = CancelToken()
        answer = echo.answer

        def cancelled_meanwhile(request: Request) -> Reply:
            token.cancel()
            return answer(request)

        monkeypatch.setattr(echo, "answer", cancelled_meanwhile)
        with client(echo.url) as http:
            assert http.send(Call("POST", "x"), JobContext(token)).ok

    def test_a_read_is_cut_off(self, echo: Echo) -> None:
        with client(echo.url) as http:
            http.send(Call("GET", "x"), JobContext())
            slow, token = echo.fail("latency", seconds=60), CancelToken()

            def cancel() -> None:
                assert slow.met.wait(30)
                token.cancel()

            threading.Thread(target=cancel).start()
            with pytest.raises(Cancelled):
                http.send(Call("GET", "x"), JobContext(token))
            assert not slow.over.is_set()


def test_an_error_of_the_network_is_worth_another_try() -> None:
    with client("https://nowhere.invalid") as http, pytest.raises(TryAgain):
        http.send(Call("POST", "x"), JobContext())
