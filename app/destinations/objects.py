"""What object stores share: a file goes there in parts, several at a time, and nobody sees it before it is published.

A cloud fulfils the small `Bucket` and `Upload`; `ObjectStorage` is the `Storage` over them and `ObjectStore` the
`FileDestination`. Parts travel under the final name, but a store shows an object only when it is completed: publishing
needs neither copy nor rename, and replaces an earlier object in one step.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import IO, Protocol, TypeVar, cast

from app.core.connections import TestResult
from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError, TryAgain
from app.destinations.budgets import PIECE, Line
from app.destinations.calls import Retry
from app.destinations.contract import Settings, StoredFile
from app.destinations.files import CUT, StagedFiles, blocks, not_whole, safe_path
from app.destinations.speed import Speed
from app.jobs import CancelToken, JobContext

T = TypeVar("T")

PART = 8 << 20
RETRY = Retry(attempts=7)  # about half a minute in all
DEAD_AFTER = timedelta(days=1)  # what a run left half done and nobody touched for so long is cleared away
SLOW_DOWN = "slow_down"
_PASSING = CUT | {SLOW_DOWN, "server_error", "damaged"}
_ASIDE = "_sendoff_tmp"  # what waits there begins with its time in hexadecimal seconds
_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PROBE = b"Sendoff"
_MEMORY = 256 << 20  # what parts on their way may take together
_GLANCE = 0.2  # how often the progress is told, in seconds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """A piece of a file: its number from 0 and its bytes; `watch` is told how many of them went so far.

    `piece` is how many bytes may go at once. Used by one thread.
    """

    number: int
    data: bytes
    watch: Callable[[int], None]
    piece: int = PIECE

    @cached_property
    def md5(self) -> bytes:
        """The MD5 of the bytes, made when a store asks for it: it costs more CPU than all else a part needs."""
        return hashlib.md5(self.data, usedforsecurity=False).digest()

    def body(self, begin: int = 0, end: int | None = None) -> IO[bytes]:
        """The bytes as a stream that tells how far it was read; senders use no more of a stream than `Body` has."""
        data = self.data[begin:end]
        return cast("IO[bytes]", Body(data, lambda sent: self.watch(begin + sent), self.piece))


class Body:
    """Bytes to be sent, as a file; a cancel ends the reading. Used by one thread."""

    def __init__(self, data: bytes, watch: Callable[[int], None], piece: int = PIECE) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._watch = watch
        self._piece = piece

    def __len__(self) -> int:
        return len(self._data)

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002 - senders ask for 16 kB at a time, which costs a third more CPU
        """The next piece, whatever is asked; raises Cancelled."""
        self._watch(self._at)
        block = self._data[self._at : self._at + self._piece]
        self._at += len(block)
        return bytes(block)


class Upload(Protocol):
    """One object on its way; at most `parallel` threads send parts of `part_bytes` (the last is shorter) at once.

    `resumes` tells whether a later run finds the parts that arrived, so that they are worth keeping when the network is cut.
    All methods try once and raise errors of app.core.errors only.
    """

    part_bytes: int
    parallel: int
    resumes: bool

    def holds(self, part: Part) -> bool:
        """Whether this very part arrived in an earlier attempt; asks nothing."""
        ...

    def send(self, part: Part) -> None:
        """Send a part, which the store compares with its checksum; sending one twice does no harm."""
        ...

    def verify(self, size: int) -> None:
        """Compare what arrived with the file's size, as far as the store tells before the object is complete."""
        ...

    def complete(self) -> None:
        """Make the object visible, in place of an earlier one; repeating it after a lost answer does no harm."""
        ...

    def abort(self) -> None:
        """Give up what arrived."""
        ...


class Bucket(Protocol):
    """A bucket or container; all methods try once and raise errors of app.core.errors only.

    `who` is what signs in, as the test of a connection names it, without a secret.
    """

    who: str

    def close(self) -> None:
        """Disconnect; never raises."""
        ...

    def begin(self, key: str, size: int) -> Upload:
        """Begin an object of that many bytes, or go on where an earlier attempt was cut off."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Write a small object at once."""
        ...

    def read(self, key: str) -> bytes:
        """Read a small object."""
        ...

    def copy(self, key: str, to: str) -> bool | None:
        """Copy within the bucket; None when there is no such object, False when this store cannot copy it."""
        ...

    def size(self, key: str) -> int:
        """The bytes of an object, -1 when there is none."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """All objects whose key begins so."""
        ...

    def remove_empty_folders(self, prefix: str) -> None:
        """Remove the folders below the prefix that hold nothing, where folders are more than a part of the names."""
        ...

    def tidy(self, prefix: str, before: datetime) -> None:
        """Give up uploads below the prefix that nobody touched since that time; called before `begin`."""
        ...


class Patience:
    """Repeats what fails in passing: network, overload, faults of the store; thread safe."""

    def __init__(self, on_slow: Callable[[float, str], None]) -> None:
        self._on_slow = on_slow

    def __call__(self, work: Callable[[], T], ctx: JobContext, attempts: int | None = None) -> T:
        """What the work gives; raises its last error, or Cancelled while waiting."""
        attempts = attempts or RETRY.attempts
        for attempt in range(1, attempts + 1):
            ctx.check()
            try:
                return work()
            except TryAgain as error:
                if attempt == attempts or error.code not in _PASSING:
                    raise
                seconds = max(RETRY.wait(attempt), error.retry_after or 0)
                if seconds > RETRY.longest_asked:
                    raise
                if error.code == SLOW_DOWN:
                    self._on_slow(seconds, error.why)
                log.info("%s, trying again in %.1f s", error.code, seconds)
                ctx.token.sleep(seconds)
        raise AssertionError("the last attempt returns or raises")


class ObjectStorage:
    """A `Storage` over a `Bucket`; used by one thread, which has helpers of its own for the parts.

    When the network is cut, the parts that arrived stay, so that the next run need not send them again.
    """

    def __init__(
        self, connect: Callable[[], Bucket], address: str, folder: str, settings: Settings, speed: Speed
    ) -> None:
        self._connect = connect
        self._folder = folder
        self._parts = speed.parts
        secrets = tuple(settings.secrets.values())
        self._line = settings.budgets.line(address, secrets, speed.bytes_per_second)
        self._turns = settings.budgets.turns(address, secrets, speed.parts)
        self._patiently = Patience(settings.on_slow)
        self._own_bucket: Bucket | None = None
        self._pending: dict[str, Upload] = {}
        self._aside: dict[str, str] = {}
        self._tidied: set[str] = set()
        self._cut = False

    @property
    def _bucket(self) -> Bucket:
        if self._own_bucket is None:
            self._own_bucket = self._connect()
        return self._own_bucket

    def open(self) -> None:
        """Look whether the bucket is there and lets us in, and remove what dead runs kept aside."""
        try:
            aside = self._patiently(lambda: self._bucket.keys(self._key(f"{_ASIDE}/")), JobContext())
        except NotAllowed:
            return  # writing may be allowed all the same
        for key in aside:
            if _is_dead(PurePosixPath(key).name):
                self._delete(key)

    def close(self) -> None:
        """See `Storage.close`."""
        if self._own_bucket is not None:
            self._own_bucket.close()

    def make_folders(self, folder: str) -> None:
        """Nothing: a folder is only a part of the names."""

    def write(
        self, source: Path, path: str, final: str, ctx: JobContext, progress: Callable[[int], None]
    ) -> StoredFile:
        """See `Storage.write`; the store compares each part with its checksum."""
        size = source.stat().st_size
        try:
            self._tidy(final)
            upload = self._patiently(lambda: self._bucket.begin(self._key(final), size), ctx)
            self._pending[path] = upload
            sha256 = self._send_parts(upload, source, ctx, progress)
            self._patiently(lambda: upload.verify(size), ctx)
        except TryAgain as error:
            self._cut = self._cut or error.code in CUT
            raise
        return StoredFile(path, size, sha256)

    def keep(self, path: str, aside: str) -> bool | None:
        """See `Storage.keep`: a copy in a folder of its own, where readers do not look."""
        key = self._aside[aside] = self._key(f"{_ASIDE}/{int(time.time()):x}-{PurePosixPath(aside).name[-80:]}")
        return self._patiently(lambda: self._bucket.copy(self._key(path), key), JobContext())

    def move(self, path: str, final: str) -> None:
        """See `Storage.move`: completes the upload, or copies a kept object back."""
        upload = self._pending.get(path)
        if upload is not None:
            self._patiently(upload.complete, JobContext())
            del self._pending[path]
            return
        key = self._aside.get(path) or self._key(path)
        self._patiently(lambda: self._bucket.copy(key, self._key(final)), JobContext())
        self.remove(path)

    def remove(self, path: str) -> None:
        """See `Storage.remove`; parts that arrived before the network was cut stay for the next run."""
        upload = self._pending.pop(path, None)
        if upload is None:
            key = self._aside.pop(path, None) or self._key(path)
            self._delete(key)
        elif not (self._cut and upload.resumes):
            self._patiently(upload.abort, JobContext(), attempts=2)

    def size(self, path: str) -> int | None:
        """See `Storage.size`."""
        try:
            return self._patiently(lambda: self._bucket.size(self._key(path)), JobContext())
        except NotAllowed:
            return None

    def files_below(self, folder: str) -> list[str]:
        """See `Storage.files_below`; the empty objects with which some tools mark a folder are none."""
        keys = self._patiently(lambda: self._bucket.keys(self._key(f"{folder}/")), JobContext())
        start = len(self._key(""))
        return [key[start:] for key in keys if not key.endswith("/")]

    def are_one(self, path: str, other: str) -> bool:  # noqa: ARG002 - as others have it
        """See `Storage.are_one`; keys are told apart by each byte."""
        return False

    def remove_empty_folders(self, folder: str) -> None:
        """See `Storage.remove_empty_folders`."""
        self._patiently(lambda: self._bucket.remove_empty_folders(self._key(f"{folder}/")), JobContext())

    def _delete(self, key: str) -> None:
        self._patiently(lambda: self._bucket.delete(key), JobContext(), attempts=2)

    def _key(self, path: str) -> str:
        return f"{self._folder}/{path}" if self._folder else path

    def _send_parts(self, upload: Upload, source: Path, ctx: JobContext, progress: Callable[[int], None]) -> str:
        """Send all parts, several at a time, and say the SHA-256; the first failure stops the others."""
        digest = hashlib.sha256()
        meter = _Meter()
        parallel = max(1, min(upload.parallel, self._parts, _MEMORY // upload.part_bytes))
        with ThreadPoolExecutor(parallel, "sendoff-part") as pool, _stoppable(ctx) as inner:
            under_way: set[Future[None]] = set()
            for number, data in enumerate(blocks(source, upload.part_bytes)):
                digest.update(data)
                under_way = _until(parallel - 1, under_way, meter, progress, ctx)
                under_way.add(pool.submit(self._send_part, upload, number, data, meter, inner))
            _until(0, under_way, meter, progress, ctx)
        progress(meter.total)
        return digest.hexdigest()

    def _send_part(self, upload: Upload, number: int, data: bytes, meter: _Meter, ctx: JobContext) -> None:
        toll = _Toll(self._line, ctx)

        def watch(sent: int) -> None:
            ctx.check()
            toll.pay(sent)
            meter.set(number, sent)

        part = Part(number, data, watch, self._line.piece)
        if not upload.holds(part):
            with self._turns.turn(ctx):
                self._patiently(lambda: upload.send(part), ctx)
            toll.pay(len(data))
        meter.set(number, len(data))

    def _tidy(self, final: str) -> None:
        """Once for each export: give up what dead runs left below its folder; not being allowed to is no harm."""
        top, slash, _rest = final.partition("/")
        if top in self._tidied:
            return
        self._tidied.add(top)
        try:
            self._bucket.tidy(self._key(f"{top}{slash}"), datetime.now(UTC) - DEAD_AFTER)
        except SendoffError as error:
            log.info("What earlier runs left could not be looked for (%s)", error.code)


class ObjectStore:
    """A `FileDestination` over a bucket; thread safe, each test and session has a connection of its own.

    `address` is what people know the bucket by (`s3://bucket`).
    """

    def __init__(self, connect: Callable[[], Bucket], address: str, settings: Settings) -> None:
        self._connect = connect
        self._folder = folder_of(settings.values)
        self._address = address
        self._settings = settings
        self._speed = Speed.of(settings.values)

    def test(self, ctx: JobContext) -> TestResult:
        """See `FileDestination.test`; a right to list, read or remove that is missing is told, one to write raises."""
        began = time.monotonic()
        ctx.check()
        bucket = self._connect()
        name = f".sendoff-test-{token_hex(6)}"
        key = f"{self._folder}/{name}" if self._folder else name
        rights: dict[str, Callable[[], object]] = {
            "list files": lambda: bucket.keys(key),
            "read files": lambda: _same(name, bucket.read(key)),
            "remove files": lambda: bucket.delete(key),
        }
        missing = []
        try:
            bucket.write(key, _PROBE)
            for right, attempt in rights.items():  # to the end, so that nothing stays behind
                try:
                    attempt()
                except NotAllowed:
                    missing.append(right)
        finally:
            bucket.close()
        granted = tuple(right for right in ("write files", *rights) if right not in missing)
        return TestResult(
            f"{bucket.who} at {self.where('')}", round((time.monotonic() - began) * 1000), granted, tuple(missing)
        )

    def where(self, path: str) -> str:
        """See `FileDestination.where`."""
        return "/".join(part for part in (self._address, self._folder, safe_path(path) if path else "") if part)

    def session(self, notes: Path | None = None) -> StagedFiles:  # noqa: ARG002 - the store itself knows what arrived
        """See `FileDestination.session`."""
        return StagedFiles(ObjectStorage(self._connect, self._address, self._folder, self._settings, self._speed))


def folder_of(values: Mapping[str, str]) -> str:
    """The connection's folder within the bucket, without slashes around it; raises FixSettings."""
    folder = values.get("folder", "").strip().strip("/")
    try:
        return safe_path(folder) if folder else ""
    except FixData:
        raise FixSettings(
            "The folder is not usable.",
            "It must hold plain names between single slashes, no “..” and no “\\”.",
            "Correct the folder in the connection.",
            code="bad_folder",
        ) from None


def part_size(size: int, most_parts: int) -> int:
    """The bytes of a part, so that a file of that size fits into the parts a store allows."""
    needed = -(-size // most_parts)
    return max(PART, -(-needed // (1 << 20)) << 20)


def content_type(key: str) -> str:
    """What a store should call the object's content, by the ending of its name."""
    return _TYPES.get(PurePosixPath(key).suffix.lower(), "application/octet-stream")


def _is_dead(name: str) -> bool:
    """Whether something put aside belongs to a run that cannot be alive any more."""
    try:
        return time.time() - int(name.partition("-")[0], 16) > DEAD_AFTER.total_seconds()
    except ValueError:
        return False  # not ours


def _same(name: str, data: bytes) -> None:
    if data != _PROBE:
        raise not_whole(name, len(_PROBE), len(data))


class _Toll:
    """Keeps one part to the line's limit while it is sent; used by one thread."""

    def __init__(self, line: Line, ctx: JobContext) -> None:
        self._line = line
        self._ctx = ctx
        self._paid = 0

    def pay(self, sent: int) -> None:
        """Wait as long as the bytes that left since the last time take; a part sent again is paid again. Raises Cancelled."""
        if sent < self._paid:
            self._paid = 0
        self._line.spent(sent - self._paid, self._ctx)
        self._paid = sent


class _Meter:
    """How far each part is; thread safe."""

    def __init__(self) -> None:
        self._sent: dict[int, int] = {}
        self._lock = threading.Lock()

    def set(self, number: int, sent: int) -> None:
        """A part that is sent again does not count back."""
        with self._lock:
            self._sent[number] = max(sent, self._sent.get(number, 0))

    @property
    def total(self) -> int:
        """The bytes of all parts together."""
        with self._lock:
            return sum(self._sent.values())


def _until(
    most: int, under_way: set[Future[None]], meter: _Meter, progress: Callable[[int], None], ctx: JobContext
) -> set[Future[None]]:
    """Wait until at most so many parts are under way, and say which; raises what made one fail, or Cancelled."""
    while len(under_way) > most:
        done, under_way = wait(under_way, _GLANCE, FIRST_COMPLETED)
        for future in done:
            future.result()
        progress(meter.total)
        ctx.check()
    return under_way


@contextmanager
def _stoppable(ctx: JobContext) -> Iterator[JobContext]:
    """A context that a cancel of the outer one stops, and an error that leaves the block too."""
    token = CancelToken()
    with ctx.token.on_cancel(token.cancel):
        try:
            yield JobContext(token)
        except BaseException:
            token.cancel()
            raise
