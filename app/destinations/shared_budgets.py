"""What all processes of a person share of a budget: a few moments and places, in small files under the system's own locks.

The operating system lets a lock go when its process ends, however it ends, so that nobody dead is waited for. Moments are
those of a steady clock, which all processes of a computer share and no change of the time touches. Where files can't be
had (a full drive, a folder that may not be written) a process goes on with what it knows itself.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import struct
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.jobs import JobContext
from app.jobs.computer import this_computer

log = logging.getLogger(__name__)

_GLANCE = 0.02  # how often a wait for a free place looks again, in seconds
_PATIENCE = 0.25  # nobody holds moments for longer than a few microseconds, unless the computer stopped them meanwhile
_BUSY = frozenset({0, errno.EACCES, errno.EAGAIN, errno.EDEADLK})
"""What a lock that somebody has is answered with; a C library of Windows may tell no number."""

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


class LockFile:
    """A file that one holder may lock at a time, in whichever process. Used by one thread at a time.

    It stays open as long as this object lives, which costs less than to open it for each request. Raises OSError when it can't
    be opened.
    """

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        weakref.finalize(self, os.close, self.number)

    def try_lock(self) -> bool:
        """Whether it is ours now; on a drive that knows no locks it always is."""
        try:
            _lock(self.number)
        except OSError as error:
            return error.errno not in _BUSY
        return True

    def lock(self) -> bool:
        """Whether it is ours after a short wait."""
        until = time.monotonic() + _PATIENCE
        while not self.try_lock():
            if time.monotonic() > until:
                return False
            time.sleep(0.0005)
        return True

    def unlock(self) -> None:
        """Let it go."""
        try:
            _unlock(self.number)
        except OSError as error:
            log.debug("A lock was not there any more: %s", error)

    def read(self, size: int) -> bytes:
        """The first so many bytes; fewer when it is shorter."""
        os.lseek(self.number, 0, os.SEEK_SET)
        return os.read(self.number, size)

    def write(self, data: bytes) -> None:
        """Replace the first bytes."""
        os.lseek(self.number, 0, os.SEEK_SET)
        os.write(self.number, data)


class Moments:
    """A few numbers that are read and changed by one at a time; all 0 in the beginning. Thread safe.

    Without a path they are this process's own.
    """

    def __init__(self, number: int, path: Path | None = None) -> None:
        self._shape = struct.Struct(f"<{number}d")
        self._lock = threading.Lock()
        self._bytes = bytes(self._shape.size)
        self._file = None if path is None else LockFile(path)

    @contextmanager
    def changing(self) -> Iterator[list[float]]:
        """The numbers as they stand; what is changed in the list is kept when the block ends."""
        with self._lock:
            file = self._file if self._file is not None and self._file.lock() else None
            try:
                before = self._bytes if file is None else self._read(file)
                numbers = list(self._shape.unpack(before))
                yield numbers
                self._bytes = self._shape.pack(*numbers)
                if file is not None and self._bytes != before:
                    self._write(file)
            finally:
                if file is not None:
                    file.unlock()

    def _read(self, file: LockFile) -> bytes:
        try:
            found = file.read(self._shape.size)
        except OSError as error:
            log.warning("The shared pace can't be read: %s", error)
            return self._bytes
        return found if len(found) == self._shape.size else bytes(self._shape.size)

    def _write(self, file: LockFile) -> None:
        try:
            file.write(self._bytes)
        except OSError as error:  # ours alone, until there is space again
            log.warning("The shared pace can't be kept: %s", error)


class Places:
    """So many places that may be taken at the same time; those of a folder by all processes together. Thread safe."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._files: dict[int, LockFile] = {}
        self._taken: set[int] = set()
        self._given_back = threading.Condition()

    def take(self, number: int, ctx: JobContext, meanwhile: Callable[[], None] = lambda: None) -> int:
        """One of the first `number` places, as soon as one is free; raises Cancelled when somebody cancels the wait.

        `meanwhile` is called now and then during the wait.
        """
        while True:
            with self._given_back:
                for place in range(number):
                    if place not in self._taken and self._may_take(place):
                        self._taken.add(place)
                        return place
                self._given_back.wait(_GLANCE)
            ctx.check()
            meanwhile()

    def give_back(self, place: int) -> None:
        """Let somebody else have it."""
        with self._given_back:
            if place in self._files:
                self._files[place].unlock()
            self._taken.remove(place)
            self._given_back.notify()

    def _may_take(self, place: int) -> bool:
        if self._folder is None:
            return True
        if place not in self._files:
            try:
                self._files[place] = LockFile(self._folder / f"place-{place + 1}")
            except OSError as error:
                log.warning(
                    "The requests on their way are not counted together with those of other programs: %s", error
                )
                self._folder = None
                return True
        return self._files[place].try_lock()


class SharedFolder:
    """A private folder in which each account has one of its own; without a path nothing is shared. Thread safe.

    Names tell nothing: they are made slowly of what proves who we are and of a random text of this computer's own, so that
    nobody can try out passwords on them.
    """

    UNUSED_SECONDS = 30 * 86_400.0

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._salt: bytes | None = None

    def of(self, account: bytes) -> Path | None:
        """The folder of the account that these bytes tell apart; None where nothing can be shared."""
        if self._path is None:
            return None
        try:
            with self._lock:
                salt = self._salt = self._salt or self._begin(self._path)
            computer = this_computer().encode()  # the folder may lie on a drive of several, and each has its own clock
            name = hashlib.scrypt(account, salt=salt + computer, n=1 << 12, r=8, p=1, dklen=16).hex()
            folder = self._path / name
            folder.mkdir(mode=0o700, exist_ok=True)
            os.utime(folder)
        except OSError as error:
            log.warning("The pace of an account is not shared with other programs: %s", error)
            return None
        return folder

    def _begin(self, path: Path) -> bytes:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = LockFile(path / "salt")
        if not file.lock():
            raise TimeoutError("the salt is locked")
        try:
            salt = file.read(16)
            if len(salt) < 16:
                salt = os.urandom(16)
                file.write(salt)
        finally:
            file.unlock()
        self._tidy(path)
        return salt

    def _tidy(self, path: Path) -> None:
        """Remove what nobody used for a month, such as the folders of old keys."""
        old = time.time() - self.UNUSED_SECONDS
        for folder in path.iterdir():
            try:
                if folder.is_dir() and folder.stat().st_mtime < old:
                    for file in folder.iterdir():
                        file.unlink()
                    folder.rmdir()
            except OSError as error:
                log.debug("%s stays: %s", folder.name, error)
