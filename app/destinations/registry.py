"""Finds destinations: the folders beside this file, and plug-ins by the entry point group `sendoff.destinations`.

A plug-in's entry point names a package that holds a `destination.toml`, for example `acme = "sendoff_acme"`. Reading
descriptions imports no destination; its module is imported when it is first opened. All functions are thread safe.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import msgspec

from app.core.errors import FixSettings
from app.destinations.contract import FileDestination, SegmentDestination, Settings
from app.destinations.description import Description, load

GROUP = "sendoff.destinations"
FILE_NAME = "destination.toml"

log = logging.getLogger(__name__)


@cache
def descriptions() -> tuple[Description, ...]:
    """All destinations by name; a plug-in that cannot be read is logged and left out, built-in ones win over plug-ins."""
    found = {each.id: each for each in map(load, sorted(Path(__file__).parent.glob(f"*/{FILE_NAME}")))}
    for each in plug_ins(entry_points(group=GROUP)):
        found.setdefault(each.id, each)
    return tuple(sorted(found.values(), key=lambda each: each.name.casefold()))


def description(destination_id: str) -> Description:
    """The destination of that id; raises FixSettings (`unknown_destination`) when neither folder nor plug-in has it."""
    for each in descriptions():
        if each.id == destination_id:
            return each
    raise FixSettings(
        f"The destination “{destination_id}” is not known here.",
        "It is neither built in nor installed as a plug-in on this computer.",
        "Install its plug-in, or choose another destination.",
        code="unknown_destination",
    )


def open_destination(of: Description, settings: Settings) -> SegmentDestination | FileDestination:
    """Import the destination and hand it the settings; raises FixSettings when a library it needs is not installed."""
    try:
        module = importlib.import_module(of.module)
    except ModuleNotFoundError as error:
        missing = (error.name or of.module).partition(".")[0]
        raise FixSettings(
            f"{of.name} cannot be used on this computer.",
            f"It needs the Python package “{missing}”, which is not installed.",
            "Set Sendoff up again, which installs what is missing.",
            code="dependency_missing",
        ) from error
    opened: SegmentDestination | FileDestination = module.create(settings)
    return opened


def plug_ins(points: Iterable[EntryPoint]) -> Iterator[Description]:
    """The readable descriptions of installed plug-ins, without importing them."""
    for point in points:
        try:
            spec = importlib.util.find_spec(point.module)
            folders = spec.submodule_search_locations if spec else None
            if not folders:
                raise FileNotFoundError(point.module)
            yield load(Path(folders[0]) / FILE_NAME)
        except (OSError, ImportError, ValueError, msgspec.ValidationError) as error:
            log.warning("The destination plug-in %s was left out: %s", point.name, error)
