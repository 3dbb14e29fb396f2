"""What a receipt says of a host is what went over the wire, byte for byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.core.receipts import HostUse, Receipt
from app.core.runs import Status
from tests.services.history import History, history_in


class Wire:
    """A wire to a server on this computer that counts what goes through it, each way."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.sent = self.received = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for source, target, counted in ((near, far, "sent"), (far, near, "received")):
                    threading.Thread(target=self._carry, args=(source, target, counted), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, counted: str) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                with self._lock:
                    setattr(self, counted, getattr(self, counted) + len(data))
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        yield made


@pytest.fixture
def wire(history: History) -> Iterator[Wire]:
    address = urlsplit(history.emulator.url)
    assert address.port is not None
    made = Wire(address.port)
    history.services.connections.edit("Mail", settings={"api_url": made.url + address.path})
    yield made
    made.close()


def test_requests_and_bytes_of_a_receipt_are_those_of_the_wire(history: History, wire: Wire) -> None:
    history.customers(dict.fromkeys(range(1300), ("DE", "Ann")))
    history.run()
    history.customers({i: ("DE" if i % 3 else "AT", "Eve" if i % 2 else "Ann") for i in range(1_900)})
    history.emulator.requests.clear()
    wire.sent = wire.received = 0
    run = history.run()
    assert run.status is Status.SUCCESSFUL
    receipt: Receipt = history.services.receipts.get(run.id).receipt
    assert sum(host.requests for host in receipt.hosts) == len(history.emulator.requests)
    assert (sum(host.sent for host in receipt.hosts), sum(host.received for host in receipt.hosts)) == (
        wire.sent,
        wire.received,
    )
    assert {host.use for host in receipt.hosts} == {HostUse.SET_UP, HostUse.MEMBERS, HostUse.READ_BACK}
    members = next(host for host in receipt.hosts if host.use is HostUse.MEMBERS)
    assert sum(batch.requests for batch in receipt.batches) <= members.requests
