"""Scenes by the name of their picture in the design."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.screens.stage import Stage

SIZES = ((1360, 860), (1024, 700))
Act = Callable[["Stage"], None]


@dataclass(frozen=True)
class Scene:
    """`act` puts a ready window into the state; `sizes` are those the picture is taken in.

    `fresh`: the scene changes the workspace and gets a copy of its own. `workspace` False: no workspace is open.
    `businesses`: it is the workspace of accounts and contacts.
    """

    name: str
    act: Act
    sizes: tuple[tuple[int, int], ...] = SIZES
    fresh: bool = False
    workspace: bool = True
    businesses: bool = False


_SCENES: dict[str, Scene] = {}


def scene(
    name: str,
    *,
    sizes: tuple[tuple[int, int], ...] = SIZES,
    fresh: bool = False,
    workspace: bool = True,
    businesses: bool = False,
) -> Callable[[Act], Act]:
    """Register a function as the scene of a picture, such as "08-connections"."""

    def register(act: Act) -> Act:
        _SCENES[name] = Scene(name, act, sizes, fresh, workspace, businesses)
        return act

    return register


def all_scenes() -> list[Scene]:
    """Return every scene of the modules `scenes_*`, by name."""
    package = importlib.import_module("tests.screens")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("scenes_"):
            importlib.import_module(f"tests.screens.{module.name}")
    return [_SCENES[name] for name in sorted(_SCENES)]
