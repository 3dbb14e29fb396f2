"""What the direct way does with connections; that its errors become sentences is test_http.py's to see."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import httpx2
import pytest

from app.destinations import direct
from app.destinations.direct import DirectTransport

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
TIMEOUTS = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}

Talk = Callable[[socket.socket, int], None]
"""What a host does with a connection, and with the how manieth."""


def read_request(line: socket.socket) -> bytes:
    """One whole request; empty when there is none any more."""
    read = b""
    while block := line.recv(1 << 16):
        read += block
        head, end, body = read.partition(b"\r\n\r\n")
        length = next((int(each[16:]) for each in head.split(b"\r\n") if each.startswith(b"Content-Length: ")), 0)
        if end and len(body) >= length:
            break
    return read


def polite(line: socket.socket, _number: int) -> None:
    while read_request(line):
        line.sendall(HELLO)


@contextmanager
def host(talk: Talk) -> Iterator[tuple[str, list[int]]]:
    """An address, and the numbers of the connections that were made to it."""
    made: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _address = server.accept()
                except OSError:
                    return
                made.append(len(made) + 1)
                threading.Thread(target=answer, args=(line, made[-1]), daemon=True).start()

        def answer(line: socket.socket, number: int) -> None:
            with closing(line), suppress(ConnectionError):
                talk(line, number)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", made


@pytest.fixture(params=[False, True], ids=["woken", "looks"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectTransport]:
    """Who waits for an answer is woken, or looks now and then as on Windows."""
    monkeypatch.setattr(direct, "_MUST_LOOK", request.param or direct._MUST_LOOK)
    with DirectTransport(ssl.create_default_context(), lambda _line: None) as running:
        yield running


def request_to(url: str, method: str = "GET", *, body: bytes | None = None, whole: float = 10.0, **waits: float) -> Any:
    extensions = {"timeout": {**TIMEOUTS, **waits}, "until": time.monotonic() + whole}
    return httpx2.Request(method, url, content=body, extensions=extensions)


def ask(transport: DirectTransport, url: str, body: bytes = b"{}", whole: float = 10.0) -> bytes:
    request = request_to(url, "POST", body=body, whole=whole)
    response = transport.handle_request(request)
    try:
        return b"".join(response.iter_bytes())
    finally:
        response.close()
        response.close()


def test_a_line_that_is_shut_ends_the_wait(transport: DirectTransport) -> None:
    opened: list[socket.socket] = []
    transport._opened = opened.append
    asked, over = threading.Event(), threading.Event()

    def silent(line: socket.socket, _number: int) -> None:
        read_request(line)
        asked.set()
        over.wait(60)

    def shut() -> None:
        asked.wait(60)
        opened[-1].shutdown(socket.SHUT_RDWR)

    with host(silent) as (url, _made):
        threading.Thread(target=shut, daemon=True).start()
        # It ends long before anybody's patience does: else this were a ReadTimeout, and took an hour.
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            transport.handle_request(request_to(url, whole=3600.0, read=3600.0))
        over.set()


def until_something_came(transport: DirectTransport) -> None:
    """Until something can be read from the connection that is idle; what was sent may be on its way for a moment."""
    (connection,) = transport._idle
    assert select.select([connection.sock], [], [], 60)[0]


def test_a_connection_is_kept(transport: DirectTransport) -> None:
    with host(polite) as (url, made):
        assert [ask(transport, url) for _ in range(3)] == [b"hello"] * 3
    assert made == [1]


def test_several_at_once_have_a_connection_each(transport: DirectTransport) -> None:
    together = threading.Barrier(3)

    def slow(line: socket.socket, number: int) -> None:
        together.wait(30)  # nobody gets an answer, and so a connection to share, before all have asked
        polite(line, number)

    with host(slow) as (url, made):
        threads = [threading.Thread(target=ask, args=(transport, url)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [ask(transport, url) for _ in range(3)] == [b"hello"] * 3
    assert made == [1, 2, 3]


def test_one_that_the_host_closed_is_not_used_again(transport: DirectTransport) -> None:
    def once(line: socket.socket, _number: int) -> None:
        read_request(line)
        line.sendall(HELLO)

    with host(once) as (url, made):
        assert ask(transport, url) == b"hello"
        until_something_came(transport)
        assert ask(transport, url) == b"hello"
    assert made == [1, 2]


def test_one_that_was_idle_for_long_is_not_used_again(
    transport: DirectTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with host(polite) as (url, made):
        ask(transport, url)
        monkeypatch.setattr(direct, "KEPT_SECONDS", 0.0)
        ask(transport, url)
    assert made == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\nwor",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"",
    ],
)
def test_half_an_answer_is_none(transport: DirectTransport, answer: bytes) -> None:
    def cut(line: socket.socket, number: int) -> None:
        read_request(line)
        if number > 1:
            line.sendall(HELLO)
        else:
            line.sendall(answer)

    with host(cut) as (url, _made):
        with pytest.raises(httpx2.TransportError):
            ask(transport, url)
        assert ask(transport, url) == b"hello"


def test_an_answer_in_pieces_and_one_that_ends_with_the_connection(transport: DirectTransport) -> None:
    def talk(line: socket.socket, number: int) -> None:
        while read_request(line):
            if number > 1:
                line.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
                return
            line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")

    with host(talk) as (url, made):
        assert [ask(transport, url) for _ in range(2)] == [b"hello"] * 2
        transport._idle.pop().close()
        assert [ask(transport, url) for _ in range(2)] == [b"hello"] * 2
    assert made == [1, 2, 3]


def test_an_answer_before_the_whole_request_is_taken(transport: DirectTransport) -> None:
    def refuse(line: socket.socket, _number: int) -> None:
        line.recv(100)
        line.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
        line.shutdown(socket.SHUT_WR)
        while line.recv(1 << 20):
            pass

    with host(refuse) as (url, _made):
        assert ask(transport, url, b"x" * 20_000_000) == b"large"


def test_a_large_request_may_take_long_as_long_as_it_goes_on(transport: DirectTransport) -> None:
    body = b"x" * 20_000_000

    def slow(line: socket.socket, _number: int) -> None:
        left = len(body)
        while left > 0:
            left -= len(line.recv(4 << 20))
            time.sleep(0.05)
        line.sendall(HELLO)

    with host(slow) as (url, _made):
        response = transport.handle_request(request_to(url, "POST", body=body, write=0.4))
        assert b"".join(response.iter_bytes()) == b"hello"
        response.close()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"])
def test_a_host_that_sends_a_byte_now_and_then_ends_too(transport: DirectTransport, head: bytes) -> None:
    """In the head or in the body of its answer: no single wait is long."""

    def drip(line: socket.socket, _number: int) -> None:
        read_request(line)
        line.sendall(head)
        while True:
            line.sendall(b"H")
            time.sleep(0.05)

    with host(drip) as (url, _made):
        began = time.monotonic()
        with pytest.raises(httpx2.ReadTimeout):
            ask(transport, url, whole=0.5)
        assert 0.4 < time.monotonic() - began < 60
    assert transport._idle == []


def test_a_host_that_takes_a_little_now_and_then_ends_too(transport: DirectTransport) -> None:
    def sip(line: socket.socket, _number: int) -> None:
        while line.recv(1 << 16):
            time.sleep(0.05)

    with host(sip) as (url, _made):
        began = time.monotonic()
        with pytest.raises(httpx2.WriteTimeout):
            ask(transport, url, b"x" * 50_000_000, whole=0.5)
        assert time.monotonic() - began < 30  # all of it would take 40


def test_hints_before_an_answer_are_passed_over(transport: DirectTransport) -> None:
    def talk(line: socket.socket, _number: int) -> None:
        while read_request(line):
            line.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO)

    with host(talk) as (url, made):
        assert [ask(transport, url) for _ in range(2)] == [b"hello"] * 2
    assert made == [1]


def test_a_second_answer_nobody_asked_for_is_never_taken(transport: DirectTransport) -> None:
    """Neither when it comes at once nor when it comes while the connection is idle."""
    stale, idle = HELLO.replace(b"hello", b"stale"), threading.Event()

    def talk(line: socket.socket, number: int) -> None:
        read_request(line)
        if number == 1:
            line.sendall(HELLO + stale)
            read_request(line)
            line.sendall(HELLO)
            assert idle.wait(30)
            line.sendall(stale)
            read_request(line)
        else:
            line.sendall(HELLO)

    with host(talk) as (url, made):
        assert [ask(transport, url) for _ in range(2)] == [b"hello"] * 2
        idle.set()
        until_something_came(transport)
        assert ask(transport, url) == b"hello"
    assert made == [1, 2]


def test_many_threads_get_each_its_own_answer(transport: DirectTransport) -> None:
    def echo(line: socket.socket, number: int) -> None:
        for _ in range(7):  # and then it hangs up in the middle of somebody's work
            read = read_request(line)
            if not read:
                return
            body = read.partition(b"\r\n\r\n")[2]
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    wrong: list[tuple[bytes, bytes]] = []
    broken: list[Exception] = []

    def work(name: int) -> None:
        for number in range(40):
            said = b"%d-%d" % (name, number)
            try:
                heard = ask(transport, url, said)
            except httpx2.TransportError as error:  # closed between the look and the request: told, never sent again
                broken.append(error)
                continue
            if heard != said:
                wrong.append((said, heard))

    with host(echo) as (url, made):
        threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(broken) < 60
    assert len(made) >= 6 * 40 // 7
    assert len(transport._idle) <= 6


def test_heads_are_read_as_they_come(transport: DirectTransport) -> None:
    def talk(line: socket.socket, _number: int) -> None:
        while read_request(line):
            line.sendall(b"HTTP/1.1 200 \r\nServer: caf\xe9\r\nX-Twice: a\r\nx-twice: b\r\nContent-Length: 0\r\n\r\n")

    with host(talk) as (url, made):
        for _ in range(2):
            response = transport.handle_request(request_to(url))
            assert response.headers["server"] == "café"
            assert response.headers.get_list("X-Twice") == ["a", "b"]
            assert list(response.iter_bytes()) == []
            response.close()
    assert made == [1]


def test_what_was_closed_keeps_nothing() -> None:
    with host(polite) as (url, _made):
        transport = DirectTransport(ssl.create_default_context(), lambda _line: None)
        response = transport.handle_request(request_to(url))
        transport.close()
        assert b"".join(response.iter_bytes()) == b"hello"
        response.close()
        assert transport._idle == []
