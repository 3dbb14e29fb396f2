"""Which files each run of an export left at a place, so that those of old runs, and of runs that died, can be removed.

`written/{export}/{place}/runs/` of the workspace has a file for each run, named by its time: `.part` while its files get their
names, `.json` when all of them have. Nothing but what stands there is ever removed by name; used by one thread.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from app.core.run_pointers import SentFile
from app.jobs.drive import make_folder, put_in_place, remove, write_whole

_DONE, _BEGUN = ".json", ".part"
_DEAD_AFTER = timedelta(days=1)  # as long as storages keep parts of files


@dataclass(frozen=True, slots=True)
class _Written:
    """The files of a run by their paths below the connection's folder: those with rows, and those about them.

    `sums` are their SHA-256 by path; runs of earlier versions have none.
    """

    data: tuple[str, ...]
    about: tuple[str, ...]
    sums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outdated:
    """Earlier runs whose files may go, and their paths, none of which a run that stays needs."""

    runs: tuple[Path, ...] = ()
    paths: tuple[str, ...] = ()


class PublishedRuns:
    """The runs of one export at one place; `known` is its `place_folder`."""

    def __init__(self, known: Path) -> None:
        self._folder = known / "runs"
        self._attempt = known / "attempt.txt"
        self._own: Path | None = None

    def moment_of_attempt(self, now: datetime) -> datetime:
        """What stands in the names of files: `now`, or the moment of an attempt of the last day that was cut off.

        Under other names a storage could not go on with the parts of it that arrived.
        """
        try:
            begun = datetime.fromisoformat(self._attempt.read_text("utf-8"))
        except (OSError, ValueError):
            return now
        return begun if timedelta() <= now - begun < _DEAD_AFTER else now

    def attempt(self, moment: datetime) -> None:
        """Files are about to leave under the names of that moment."""
        make_folder(self._folder)
        self._attempt.write_text(moment.isoformat(), "utf-8")

    def attempted(self) -> None:
        """The names are used up, or nobody goes on with them."""
        remove(self._attempt)

    def overlaps(self, files: Sequence[SentFile]) -> bool:
        """Whether rows of a run that is whole lie under one of these names."""
        names = {file.path for file in files if file.item}
        return any(not names.isdisjoint(_read(path).data) for path in self._folder.glob(f"*{_DONE}"))

    def begin(self, run: str, moment: datetime, files: Sequence[SentFile]) -> None:
        """Note the files of a run before they get their names, so that they are known whatever happens then."""
        written = _Written(
            tuple(f.path for f in files if f.item),
            tuple(f.path for f in files if not f.item),
            {f.path: f.sha256 for f in files},
        )
        self._own = self._folder / f"{moment.astimezone(UTC):%Y%m%dT%H%M%S%f}-{run}{_BEGUN}"
        write_whole(self._own, [msgspec.json.encode(written)])

    def finish(self) -> None:
        """All files of the run have their names."""
        assert self._own is not None, "a run is begun before it is finished"
        begun, self._own = self._own, self._own.with_suffix(_DONE)
        put_in_place(begun, self._own)

    def sums_kept(self, keep: int | None, files: Sequence[SentFile]) -> dict[str, str]:
        """The SHA-256, by path, of the files of earlier runs that stay beside one with these `files`; `keep` as in `outdated`.

        The oldest come first; of a path that several runs wrote the last one counts.
        """
        stay = _staying(sorted(self._folder.glob(f"*{_DONE}")), {f.path for f in files if f.item}, keep)
        return {path: sum_ for each in stay for path, sum_ in _read(each).sums.items()}

    def outdated(self, keep: int | None) -> Outdated:
        """What goes when the newest `keep` runs stay; None for all that are whole.

        A run that never came to its end goes, and one of which this one replaced a part: what is left of it is not whole.
        """
        assert self._own is not None, "a run is finished before the others are judged"
        own = _read(self._own)
        earlier = sorted(
            path for path in self._folder.iterdir() if path != self._own and path.suffix in {_DONE, _BEGUN}
        )
        stay = _staying([path for path in earlier if path.suffix == _DONE], set(own.data), keep)
        needed = {path for each in stay for path in _paths(each)}
        gone = tuple(path for path in earlier if path not in stay)
        return Outdated(gone, tuple(dict.fromkeys(p for each in gone for p in _paths(each) if p not in needed)))

    def forget(self, outdated: Outdated) -> None:
        """The files of these runs are gone."""
        for path in outdated.runs:
            remove(path)


def place_folder(workspace: Path, export_id: str, place: str) -> Path:
    """Where the workspace keeps what it knows of what an export wrote to a place, which is named by its full address."""
    return workspace / "written" / export_id / hashlib.sha256(place.encode()).hexdigest()[:16]


def forget_written(workspace: Path, export_id: str) -> None:
    """Drop everything that is known of what an export wrote."""
    shutil.rmtree(workspace / "written" / export_id, ignore_errors=True)


def _staying(done: Sequence[Path], own: Collection[str], keep: int | None) -> Sequence[Path]:
    """Which of these runs stay beside one whose rows lie under the names `own`: the newest that lose nothing by it."""
    whole = [path for path in done if not any(name in own for name in _read(path).data)]
    return whole if keep is None else whole[len(whole) - min(keep - 1, len(whole)) :]


def _read(path: Path) -> _Written:
    """What stands in a run's file; a broken one names nothing, so that nothing is removed for it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Written)
    except msgspec.DecodeError:
        return _Written((), ())


def _paths(path: Path) -> tuple[str, ...]:
    written = _read(path)
    return (*written.data, *written.about)
