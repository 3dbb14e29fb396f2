"""The files of a run as lines of a folder tree; pure, so that it can be tested without a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.services.export_views import TreeNode


@dataclass(frozen=True)
class FolderLine:
    """One line: `files` and `bytes` are those below it; `kind` is "place", "folder", "file" or "about" the others."""

    path: str
    name: str
    depth: int
    kind: str
    files: int
    bytes: int | None


def folder_lines(nodes: Sequence[TreeNode], top: str = "") -> list[FolderLine]:
    """Folders before their files, each folder once with what lies below it; of several parts the first stands for all.

    With a `top` everything lies in a folder of that name, the connection's own.
    """
    order: list[tuple[str, ...]] = []
    files: dict[tuple[str, ...], int] = {}
    sizes: dict[tuple[str, ...], int | None] = {}
    kinds: dict[tuple[str, ...], str] = {(top,): "place"}
    for node in nodes:
        parts = (*([top] if top else []), *node.path.split("/"))
        kinds[parts] = "about" if node.about else "file"
        for length in range(1, len(parts) + 1):
            above = parts[:length]
            if above not in files:
                order.append(above)
                files[above], sizes[above] = 0, 0
            files[above] += node.files
            before = sizes[above]
            sizes[above] = None if before is None or node.bytes is None else before + node.bytes
    return [
        FolderLine("/".join(parts), parts[-1], len(parts) - 1, kinds.get(parts, "folder"), files[parts], sizes[parts])
        for parts in sorted(order, key=lambda parts: _place(parts, order, kinds))
    ]


def _place(
    parts: tuple[str, ...], order: Sequence[tuple[str, ...]], kinds: Mapping[tuple[str, ...], str]
) -> tuple[tuple[int, int], ...]:
    """Each step by its kind (files about others first) and by when it first came."""
    places = {each: number for number, each in enumerate(order)}
    above = (parts[:length] for length in range(1, len(parts) + 1))
    return tuple((0 if kinds.get(each) == "about" else 1, places[each]) for each in above)
