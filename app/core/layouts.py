"""Where files land: folder and file patterns with tokens in braces, checked while they are typed, filled when they are sent.

All paths are relative to the connection's folder and use `/`. Values that stand for a token lose what a file system would
not take; the pattern itself must not hold it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.errors import FixSettings
from app.core.exports import Export, ExportKind, Layout, OnlyChanges
from app.core.file_formats import Format, extension
from app.core.row_deltas import Rows

TOKENS = (
    "export",
    "table",
    "segment",
    "yyyy",
    "mm",
    "dd",
    "hhmm",
    "date",
    "timestamp",
    "part",
    "change",
    "workspace",
    "id",
)
"""`table` and `segment` both stand for what the file holds; `part` counts from 1; `timestamp` are seconds since 1970, `id` is the
workspace's. `change` is which rows of a table the file holds: core/row_deltas.py.
"""

LONGEST_PATH = 240
"""Characters: what Windows takes without special settings, less some for the connection's own folder."""

MODEL_FILE = "model.json"
MANIFEST_FILE = "default.manifest.cdm.json"
ENTITY_END = ".cdm.json"
SCHEMA_END = ".schema.json"
DATABASE_FILE = "lake_database.sql"
SUMS_FILE = "SHA256SUMS"
LATEST_FILE = "latest.json"

_SETS = frozenset({Rows.ADDED, Rows.CHANGED, Rows.REMOVED})
_NOT_OURS = {"container": "{container} is the connection's own place: begin with what comes after it."}
_TIME = frozenset({"yyyy", "mm", "dd", "hhmm", "date", "timestamp"})
_ITEM = frozenset({"table", "segment"})
_APART = _ITEM | {"change"}
"""What keeps files of one run apart."""
_TOKEN = re.compile(r"\{([^{}]*)\}")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?")


@dataclass(frozen=True, slots=True)
class Place:
    """What the tokens of one run stand for; `moment` is the start of the run in the time zone of the folder names."""

    export: str
    workspace: str
    moment: datetime
    workspace_id: str = ""


def check(layout: Layout, format: Format, items: int = 2) -> list[str]:  # noqa: A002 - the field's word
    """What is wrong with the patterns, one sentence each; empty when they can be used for that many tables or segments."""
    found = [*_check_pattern(layout.folder, "folder"), *_check_pattern(layout.file, "file")]
    if "/" in layout.file:
        found.append("The file name holds “/”; folders belong in the folder pattern.")
    if not layout.file.strip():
        found.append("The file pattern is empty.")
    if "part" in _tokens(layout.folder):
        found.append("{part} belongs in the file pattern, not in the folder.")
    if found:
        return found
    used = _tokens(layout.folder) | _tokens(layout.file)
    if items > 1 and not used & _ITEM:
        found.append("Several tables or segments would get the same file: add {table} to the folder or file pattern.")
    if format.several_files and "part" not in used:
        found.append("A table may need several files, which would get the same name: add {part} to the file pattern.")
    if layout.keep_earlier_runs and not used & _TIME:
        found.append(
            "Earlier runs are kept, but each run would get the same folder: add {yyyy}, {mm}, {dd} and {hhmm}."
        )
    if not layout.keep_earlier_runs and "export" not in _tokens(_fixed_part(layout.folder)):
        found.append(
            "Replacing the last run removes everything below its folder: begin the folder with {export}, "
            "so that nothing else can lie there."
        )
    return [*found, *_changes(layout), *_shared(layout)]


def _changes(layout: Layout) -> list[str]:
    """What would make files of changed rows, of which none may get lost, give way to those of a later run."""
    if layout.only_changes is OnlyChanges.OFF:
        return []
    if not layout.keep_earlier_runs:
        return ["Only changed rows are written, which mean nothing without the runs before: keep earlier runs."]
    if layout.lake_database:
        return ["Only changed rows are written, of which no lake database can be made: leave its script out."]
    if "hhmm" not in _tokens(layout.folder) | _tokens(layout.file):
        return [
            "Changed rows of two runs on one day would get the same name: add {hhmm} to the folder or file pattern."
        ]
    return []


def _shared(layout: Layout) -> list[str]:
    """Files about a run that another export would write under the same name."""
    found = []
    if layout.latest and "export" not in _tokens(_fixed_part(layout.folder)):
        found.append(f"{LATEST_FILE} would be shared with other exports: begin the folder with {{export}}.")
    if layout.sums and "export" not in _tokens(_leading(layout.folder, _APART)):
        found.append(
            f"{SUMS_FILE} would be shared with other exports: put {{export}} into the folder, before {{table}}."
        )
    return found


def demand(layout: Layout, format: Format, items: int = 2) -> None:  # noqa: A002 - the field's word
    """Raise FixSettings with the first thing that is wrong."""
    found = check(layout, format, items)
    if found:
        raise FixSettings(
            "The files have no usable place.", found[0], "Change the folder or file pattern.", code="layout"
        )


def path_of(
    export: Export, place: Place, item: str, part: int, rows: Rows = Rows.ALL, parted: Sequence[str] = ()
) -> str:
    """The path of one part (from 1) of a table or segment; raises FixSettings when it can't be one.

    `item` must come from `safe_names` when several items share a run, so that no two get the same path. Rows that go into
    several file sets are told apart by the name of their file when the patterns do not do it. `parted` are the folders of a
    partition, from core/partitions.py.
    """
    layout, values = export.layout, _values(place, item, part, rows)
    folder, file = _fill(layout.folder, values), _fill(layout.file, values)
    if rows in _SETS and "change" not in _tokens(layout.folder) | _tokens(layout.file):
        file = f"{file}_{rows}"
    name = _plain(_safe(file)) if layout.plain_names else _safe(file)
    path = "/".join([*_segments(folder), *parted, f"{name}{extension(export.format)}"])
    if len(path) > LONGEST_PATH:
        raise FixSettings(
            f"The path of “{item}” is too long.",
            f"It has {len(path)} characters; {LONGEST_PATH} are allowed, so that every system can read it.",
            "Shorten the folder pattern or the name of the export.",
            code="layout",
        )
    return path


def folder_of(export: Export, place: Place, item: str) -> str:
    """The folder of a table's or segment's files; empty for the connection's own."""
    return path_of(export, place, item, 1).rpartition("/")[0]


def model_path(export: Export, place: Place) -> str:
    """Where model.json lies: in the deepest folder that all tables of the run share."""
    return beside_model(export, place, MODEL_FILE)


def beside_model(export: Export, place: Place, name: str) -> str:
    """The path of a file in the folder of model.json."""
    return _in_folder(_leading(export.layout.folder, _APART), place, name)


def sums_path(export: Export, place: Place) -> str:
    """Where the SHA-256 sums of the run's files lie: beside model.json."""
    return beside_model(export, place, SUMS_FILE)


def sums_of_all(export: Export) -> bool:
    """Whether the sums tell of every run that stands below their folder, and not only of the one they were written with.

    Later runs write them anew where all runs share the folder; elsewhere they must not name what `keep_runs` removes later.
    """
    return export.layout.keep_runs is None or not _tokens(_leading(export.layout.folder, _APART)) & _TIME


def latest_path(export: Export, place: Place) -> str:
    """Where the pointer to the newest run lies: in the deepest folder that all runs of the export share."""
    return _in_folder(_fixed_part(export.layout.folder), place, LATEST_FILE)


def removed_name(name: str) -> str:
    """What the keys of rows that are gone are called, as a table of its own, beside that of the rows."""
    return f"{name}_removed"


def about_paths(export: Export, place: Place, names: Sequence[str]) -> tuple[str, ...]:
    """The files about the others that a run writes, in its order; `names` are those of its tables, as `safe_names` gives them."""
    layout = export.layout
    if layout.only_changes is OnlyChanges.THREE_FILES:
        names = [each for name in names for each in (name, removed_name(name))]
    found = []
    if export.kind is ExportKind.DATA_OUT:
        found += [MODEL_FILE] if layout.model_json else []
        found += [MANIFEST_FILE, *(f"{name}{ENTITY_END}" for name in names)] if layout.manifest else []
        found += [f"{name}{SCHEMA_END}" for name in names] if layout.json_schema else []
        found += [DATABASE_FILE] if layout.lake_database else []
    found += [SUMS_FILE] if layout.sums else []
    paths = [beside_model(export, place, name) for name in found]
    return (*paths, latest_path(export, place)) if layout.latest else tuple(paths)


def replace_below(export: Export, place: Place) -> str | None:
    """The folder whose earlier files give way to this run's, or None when earlier runs are kept."""
    if export.layout.keep_earlier_runs:
        return None
    demand(export.layout, export.format, items=1)
    return "/".join(_segments(_fill(_fixed_part(export.layout.folder), _values(place, "", 1))))


def safe_names(items: Iterable[str], *, plain: bool = False) -> tuple[str, ...]:
    """The names of tables or segments as file systems take them, each another one, regardless of case.

    `plain` as the layout's `plain_names`.
    """
    taken: set[str] = set()
    names = []
    for item in items:
        name = wanted = _plain(_safe(item)) if plain else _safe(item)
        number = 2
        while name.casefold() in taken:
            name = f"{wanted}_{number}"
            number += 1
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def _check_pattern(pattern: str, word: str) -> list[str]:
    found = [
        _NOT_OURS.get(token)
        or f"{{{token}}} is not a token of the {word} pattern; there are {', '.join(f'{{{t}}}' for t in TOKENS)}."
        for token in dict.fromkeys(_TOKEN.findall(pattern))
        if token not in TOKENS
    ]
    rest = _TOKEN.sub("x", pattern)
    if "{" in rest or "}" in rest:
        found.append(f"The {word} pattern has a brace without its partner.")
    forbidden = dict.fromkeys(_FORBIDDEN.findall(rest))
    if forbidden:
        shown = ", ".join(f"“{c}”" if c.isprintable() else "a control character" for c in forbidden)
        found.append(f"The {word} pattern holds {shown}, which file names can't have.")
    steps = rest.split("/")
    if rest.startswith("/"):
        found.append(f"The {word} pattern begins with “/”; it is a place below the connection's folder.")
    elif any(step in {".", ".."} for step in steps):
        found.append(f"The {word} pattern holds “.” or “..”; it can't leave the connection's folder.")
    elif any(not step.strip() for step in steps) and rest.rstrip("/"):
        found.append(f"The {word} pattern has a folder without a name.")
    if any(step != step.rstrip(". ") or step != step.lstrip() for step in steps if step.strip(". ")):
        found.append(f"A folder or file of the {word} pattern begins with a space or ends with a space or dot.")
    if any(_RESERVED.fullmatch(step) for step in steps):
        found.append(f"The {word} pattern holds a name that Windows keeps for itself, such as CON or NUL.")
    return found


def _in_folder(folder: str, place: Place, name: str) -> str:
    return "/".join([*_segments(_fill(folder, _values(place, "", 1))), name])


def _tokens(pattern: str) -> set[str]:
    return set(_TOKEN.findall(pattern))


def _fixed_part(folder: str) -> str:
    """The leading folders that are the same in every run and for every table."""
    return _leading(folder, _TIME | _APART)


def _leading(folder: str, without: frozenset[str]) -> str:
    steps: list[str] = []
    for step in folder.split("/"):
        if _tokens(step) & without:
            break
        steps.append(step)
    return "/".join(steps)


def _values(place: Place, item: str, part: int, rows: Rows = Rows.ALL) -> dict[str, str]:
    moment = place.moment
    return {
        "export": _safe(place.export),
        "workspace": _safe(place.workspace),
        "table": _safe(item),
        "segment": _safe(item),
        "yyyy": f"{moment.year:04}",
        "mm": f"{moment.month:02}",
        "dd": f"{moment.day:02}",
        "hhmm": f"{moment.hour:02}{moment.minute:02}",
        "date": f"{moment.year:04}-{moment.month:02}-{moment.day:02}",
        "timestamp": str(int(moment.timestamp())),
        "part": str(part),
        "change": rows.value,
        "id": _safe(place.workspace_id),
    }


def _fill(pattern: str, values: dict[str, str]) -> str:
    return _TOKEN.sub(lambda match: values[match.group(1)], pattern)


def _segments(folder: str) -> Sequence[str]:
    return [_safe(step) for step in folder.split("/") if step.strip()]


def _safe(text: str) -> str:
    """A name that every file system takes and that stays below its folder."""
    name = _FORBIDDEN.sub("_", text.replace("/", "_").replace("{", "(").replace("}", ")")).strip().rstrip(". ")
    if not name or set(name) <= {"."}:
        return "_"
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def _plain(name: str) -> str:
    """The name without accents and with `_` for all that is no plain letter, digit or sign; it begins with a letter or digit."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return _NOT_PLAIN.sub("_", bare).strip("._-") or "x"
