"""Ways from one table to another along the links of the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.tables import Catalog


@dataclass(frozen=True, slots=True)
class Step:
    """From a column of one table to the equal column of another; `to_many` when several rows may be found there."""

    from_table: str
    from_column: str
    to_table: str
    to_column: str
    to_many: bool


Path = tuple[Step, ...]


def paths(catalog: Catalog, start: str, target: str) -> list[Path]:
    """The shortest ways from one table to another, over one link or two; more than one means the way is ambiguous."""
    wanted = target.casefold()
    first = _steps(catalog, start)
    direct = [(step,) for step in first if step.to_table.casefold() == wanted]
    if direct:
        return list(direct)
    return [
        (one, two)
        for one in first
        for two in _steps(catalog, one.to_table)
        if two.to_table.casefold() == wanted and one.to_table.casefold() != start.casefold()
    ]


def _steps(catalog: Catalog, table: str) -> list[Step]:
    name = table.casefold()
    steps = []
    for link in catalog.links:
        if link.one_table.casefold() == name:
            steps.append(Step(link.one_table, link.one_column, link.many_table, link.many_column, to_many=True))
        if link.many_table.casefold() == name:
            steps.append(Step(link.many_table, link.many_column, link.one_table, link.one_column, to_many=False))
    return steps
