"""What the direct way does with connections; that its errors become sentences is test_http.py's to see."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

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
            with closing(line):
                talk(line, number)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", made


@pytest.fixture
def transport() -> Iterator[DirectTransport]:
    with DirectTransport(ssl.create_default_context(), lambda _line: None) as running:
        yield running


def ask(transport: DirectTransport, url: str, body: bytes = b"{}") -> bytes:
    request = httpx2.Request("POST", url, content=body, extensions={"timeout": TIMEOUTS})
    response = transport.handle_request(request)
    try:
        return b"".join(response.iter_bytes())
    finally:
        response.close()
        response.close()


def test_a_connection_is_kept(transport: DirectTransport) -> None:
    with host(polite) as (url, made):
        assert [ask(transport, url) for _ in range(3)] == [b"hello"] * 3
    assert made == [1]


def test_several_at_once_have_a_connection_each(transport: DirectTransport) -> None:
    def slow(line: socket.socket, number: int) -> None:
        time.sleep(0.2)
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
        time.sleep(0.1)
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
        request = httpx2.Request("POST", url, content=body, extensions={"timeout": {**TIMEOUTS, "write": 0.4}})
        response = transport.handle_request(request)
        assert b"".join(response.iter_bytes()) == b"hello"
        response.close()


def test_heads_are_read_as_they_come(transport: DirectTransport) -> None:
    def talk(line: socket.socket, _number: int) -> None:
        while read_request(line):
            line.sendall(b"HTTP/1.1 200 \r\nServer: caf\xe9\r\nX-Twice: a\r\nx-twice: b\r\nContent-Length: 0\r\n\r\n")

    with host(talk) as (url, made):
        for _ in range(2):
            response = transport.handle_request(httpx2.Request("GET", url, extensions={"timeout": TIMEOUTS}))
            assert response.headers["server"] == "café"
            assert response.headers.get_list("X-Twice") == ["a", "b"]
            assert list(response.iter_bytes()) == []
            response.close()
    assert made == [1]


def test_what_was_closed_keeps_nothing() -> None:
    with host(polite) as (url, _made):
        transport = DirectTransport(ssl.create_default_context(), lambda _line: None)
        request = httpx2.Request("GET", url, extensions={"timeout": TIMEOUTS})
        response = transport.handle_request(request)
        transport.close()
        assert b"".join(response.iter_bytes()) == b"hello"
        response.close()
        assert transport._idle == []
