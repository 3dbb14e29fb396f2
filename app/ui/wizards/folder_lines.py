"""The files of a run as lines of a folder tree; pure, so that it can be tested without a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.services.export_views import TreeNode


@dataclass(frozen=True)
class FolderLine:
    """One line: `files` and `bytes` are those below it; `kind` is "folder", "file" or "model"."""

    path: str
    name: str
    depth: int
    kind: str
    files: int
    bytes: int | None


def folder_lines(nodes: Sequence[TreeNode]) -> list[FolderLine]:
    """Folders before their files, each folder once with what lies below it; of several parts the first stands for all."""
    order: list[tuple[str, ...]] = []
    files: dict[tuple[str, ...], int] = {}
    sizes: dict[tuple[str, ...], int | None] = {}
    leaves: set[tuple[str, ...]] = set()
    for node in nodes:
        parts = tuple(node.path.split("/"))
        leaves.add(parts)
        for length in range(1, len(parts) + 1):
            above = parts[:length]
            if above not in files:
                order.append(above)
                files[above], sizes[above] = 0, 0
            files[above] += node.files
            before = sizes[above]
            sizes[above] = None if before is None or node.bytes is None else before + node.bytes
    return [
        FolderLine("/".join(parts), parts[-1], len(parts) - 1, _kind(parts, leaves), files[parts], sizes[parts])
        for parts in sorted(order, key=lambda parts: _place(parts, order))
    ]


def _kind(parts: tuple[str, ...], leaves: set[tuple[str, ...]]) -> str:
    if parts not in leaves:
        return "folder"
    return "model" if parts[-1] == "model.json" else "file"


def _place(parts: tuple[str, ...], order: Sequence[tuple[str, ...]]) -> tuple[tuple[int, int], ...]:
    """Each step by its kind (model.json first) and by when it first came."""
    places = {each: number for number, each in enumerate(order)}
    return tuple(
        (0 if parts[length - 1] == "model.json" else 1, places[parts[:length]]) for length in range(1, len(parts) + 1)
    )
