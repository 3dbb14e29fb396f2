"""Where the files of a Common Data Model folder lie: always inside it, however the model addresses them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from app.core.errors import FixData
from app.data.readers.incoming import refused

_DRIVE: Final = re.compile(r"^/?[A-Za-z]:[/\\]")


def inside(root: Path, base: Path, location: str, entity: str) -> Path:
    """The file that a location means: relative to `base`, an absolute path, or an address whose end is found below `root`.

    Nothing is fetched: a model that was copied from a storage account together with its files is read, one whose files
    stayed there is not. Raises FixData when the file is not there or lies outside the folder.
    """
    folder = root.resolve()
    path = _path(location)
    if path is None:
        raise refused(
            entity, f"Its files are named {location!r}, which is no place.", "Correct the model.", "cdm_place"
        )
    local, steps = path
    for candidate in [base / local] if local is not None else []:
        resolved = candidate.resolve()
        if resolved.is_relative_to(folder):
            if resolved.is_file():
                return resolved
        elif not Path(local or "").is_absolute():
            raise _outside(entity, location, folder)
    # The folder may have been moved or copied: the longest end of the address that lies here is the file.
    for start in range(len(steps)):
        resolved = folder.joinpath(*steps[start:]).resolve()
        if resolved.is_relative_to(folder) and resolved.is_file():
            return resolved
    if "://" in location and not location.lower().startswith("file:"):
        raise refused(
            entity,
            f"Its rows are at {_shown(location)}, and Sendoff reads files in the folder only.",
            f"Copy {'/'.join(steps[-2:])} into {folder.name} and add the folder again.",
            "cdm_elsewhere",
        )
    if local is not None and Path(local).is_absolute():
        raise _outside(entity, location, folder)
    raise refused(entity, f"There is no file {location}.", "Bring the file back, or correct the model.", "cdm_no_file")


def files_of_pattern(root: Path, base: Path, pattern: Mapping[str, Any], entity: str) -> list[Path]:
    """The files below a pattern's root location whose path from there matches its glob or regular expression, sorted."""
    below = _folder(root, base, str(pattern.get("rootLocation") or ""), entity)
    glob, expression = pattern.get("globPattern"), pattern.get("regularExpression")
    if isinstance(glob, str) and glob:
        matches = re.compile(_glob(glob))
    elif isinstance(expression, str) and expression:
        try:
            matches = re.compile(expression)
        except re.error as error:
            raise refused(
                entity, f"Its pattern {expression} is not valid.", "Correct the model.", "cdm_place"
            ) from error
    else:
        return []
    found = []
    for file in sorted(below.rglob("*")):
        relative = file.relative_to(below).as_posix()
        # Expressions may begin with the slash behind the root location.
        named = matches.fullmatch(relative) or (not glob and matches.fullmatch("/" + relative))
        if named and file.is_file() and file.resolve().is_relative_to(root.resolve()):
            found.append(file.resolve())
    return found


def _folder(root: Path, base: Path, location: str, entity: str) -> Path:
    folder = root.resolve()
    path = _path(location) if location else ("", ())
    if path is not None:
        local, steps = path
        tried = [base / local] if local is not None else []
        tried += [folder.joinpath(*steps[start:]) for start in range(len(steps))]
        for candidate in tried:
            resolved = candidate.resolve()
            if resolved.is_dir() and resolved.is_relative_to(folder):
                return resolved
    raise refused(
        entity,
        f"The folder {_shown(location)} of its files is not in {folder.name}.",
        "Copy it there, or correct the model.",
        "cdm_elsewhere",
    )


def _path(location: str) -> tuple[str | None, tuple[str, ...]] | None:
    """A location as a path of this computer (None for an address) and its steps; None when it is no place at all."""
    if "\x00" in location:
        return None
    local: str | None
    scheme, mark, rest = location.partition(":/")
    if mark and len(scheme) > 1 and scheme.lower() not in {"file", "local"}:
        address = urlsplit(location)
        local, plain = None, unquote(address.path if "://" in location else "/" + rest)
    elif location.lower().startswith("file:"):
        plain = unquote(urlsplit(location).path)
        if _DRIVE.match(plain):
            plain = plain.lstrip("/")
        local = plain
    else:
        plain = location[len("local:") :].lstrip("/") if location.lower().startswith("local:/") else location
        plain = plain.replace("\\", "/")
        local = plain
    steps = tuple(step for step in PurePosixPath(_DRIVE.sub("", plain)).parts if step not in {"/", ".", ".."})
    return (local, steps) if steps else None


def _shown(location: str) -> str:
    """The address without what may be a secret: shared access signatures stand in the query."""
    return location.partition("?")[0]


def _glob(pattern: str) -> str:
    """A glob as a regular expression: `**` crosses folders, `*` and `?` do not; a leading slash is the root location."""
    written = ""
    rest = pattern.lstrip("/")
    while rest:
        if rest.startswith("**/"):
            written, rest = written + "(?:.*/)?", rest[3:]
        elif rest.startswith("**"):
            written, rest = written + ".*", rest[2:]
        elif rest[0] == "*":
            written, rest = written + "[^/]*", rest[1:]
        elif rest[0] == "?":
            written, rest = written + "[^/]", rest[1:]
        else:
            written, rest = written + re.escape(rest[0]), rest[1:]
    return written


def _outside(entity: str, location: str, folder: Path) -> FixData:
    return refused(
        entity,
        f"Its file {location} lies outside {folder.name}.",
        "Copy it into the folder, or correct the model.",
        "cdm_outside",
    )
