"""Ports on this computer for servers of the tests, and a connection that can be cut."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Self


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 120) -> None:
    """Until the server takes connections; raises when it ended or stays silent."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(log.read_text() if log.exists() else "the server ended")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the server does not answer")


class Cable:
    """A TCP connection to a port of this computer that can be cut and mended; a context manager.

    `cut_after` cuts it once that many bytes went up; `mended_after` mends it that many seconds later. `damage` is what
    changes on its way up, its first byte becoming another one, so many times as `damages` says.
    """

    def __init__(
        self,
        port: int,
        cut_after: int | None = None,
        mended_after: float | None = None,
        damage: bytes | None = None,
        damages: int = 1,
    ) -> None:
        self._target = port
        self._left = cut_after
        self._mended_after = mended_after
        self._damage = damage
        self.damages = damages
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.sent = 0
        self.cuts = 0
        self._is_cut = False
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        with self._lock:
            self._is_cut = True
            self.cuts += 1
            sockets, self._open = self._open, []
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        if self._mended_after is not None:
            timer = threading.Timer(self._mended_after, self.mend)
            timer.daemon = True
            timer.start()

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                if self._is_cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._open += [near, far]
                threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(self._damaged(data) if up else data)
                if up and self._count(len(data)):
                    self.cut()
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _damaged(self, data: bytes) -> bytes:
        """What arrives of the data; `damages` counts down to 0."""
        if self._damage is None or self._damage not in data:
            return data
        with self._lock:
            if not self.damages:
                return data
            self.damages -= 1
        return data.replace(self._damage, bytes([self._damage[0] ^ 1]) + self._damage[1:], 1)

    def _count(self, size: int) -> bool:
        """Whether this is where the connection breaks, which happens once."""
        with self._lock:
            self.sent += size
            if self._left is None or self.sent < self._left:
                return False
            self._left = None
            return True
