"""What changed in the columns of a table's source, what that breaks, and the repair: another column in place of one that went.

Judged by names alone: a segment written as SQL is judged where SQL can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum

from app.core.exports import Export
from app.core.names import fold
from app.core.segments import Condition, FieldRef, Group, Rule, Segment, SegmentRef, Within
from app.core.tables import Catalog, Column, ColumnType, Link, Table

_FAMILIES = (
    frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER}),
    frozenset({ColumnType.DATE, ColumnType.TIMESTAMP}),
)
_SAME_VALUES, _SAME_NAME = 0.5, 0.75
_TELLING = 4
"""Letters of a name that stands in another one before that says something: `Email` in `EmailPrimary`."""


@dataclass(frozen=True, slots=True)
class Retyped:
    """A column that is still there and holds another type."""

    name: str
    before: ColumnType
    now: ColumnType


@dataclass(frozen=True, slots=True)
class ColumnsChanged:
    """How the columns of a table differ from those it had before; falsy when they do not."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[Retyped, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.retyped)


class UserKind(StrEnum):
    """What can need a column."""

    KEY = "key"
    LINK = "link"
    SEGMENT = "segment"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that stops working: `columns` are those it needs and that are gone or of another type.

    `through` names broken segments it is built on. `name` of a key is the table's, of a link both fields.
    """

    kind: UserKind
    name: str
    columns: tuple[str, ...]
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableChange:
    """What a refresh changed; rows added and removed are None where no key tells rows apart.

    `links` and `key` are what the source declares since and was taken over; a key only where the table had none.
    """

    at: datetime
    rows_before: int
    rows_now: int
    rows_added: int | None = None
    rows_removed: int | None = None
    columns: ColumnsChanged = field(default_factory=ColumnsChanged)
    links: tuple[Link, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A column that may stand for one that is gone; `alike` is the part of values that are the same, 0 to 1."""

    gone: str
    column: str
    alike: float


@dataclass(frozen=True, slots=True)
class Users:
    """The tables with their links, the segments and the exports of a workspace at one moment."""

    catalog: Catalog
    segments: tuple[Segment, ...] = ()
    exports: tuple[Export, ...] = ()


Queried = Callable[[Segment], frozenset[str]]
"""The columns of one table that a segment names in its query; none where it has no query."""


def no_queries(_segment: Segment) -> frozenset[str]:
    """Look into no query."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Requeried:
    """A segment's query as it is, and with other columns in place of those that are gone."""

    segment: str
    before: str
    after: str


def columns_changed(before: Sequence[Column], now: Sequence[Column]) -> ColumnsChanged:
    """Compare by name; the order does not matter."""
    old, new = {c.name: c.type for c in before}, {c.name: c.type for c in now}
    return ColumnsChanged(
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(Retyped(name, old[name], new[name]) for name in old if name in new and old[name] is not new[name]),
    )


def broken_by(
    after: Table, users: Users, fails: Callable[[Segment], bool] | None = None, queried: Queried = no_queries
) -> tuple[Broken, ...]:
    """What works with the table as the catalog has it, and not with `after`: its key, links, segments, then exports.

    `fails` says of a segment whether it can't be counted any more; without it the columns it names decide. `queried` tells
    those that queries name.
    """
    before = next(t for t in users.catalog.tables if t.id == after.id)
    changed = columns_changed(before.columns, after.columns)
    gone = set(changed.removed)
    unfit = gone | {r.name for r in changed.retyped if not same_family(r.before, r.now)}
    found = [Broken(UserKind.KEY, after.name, (before.key,))] if before.key in gone and before.key is not None else []
    found += _broken_links(before, after, users.catalog)
    segments = _broken_segments(users.segments, before.name, unfit, fails, queried)
    return (*found, *segments, *_broken_exports(users.exports, before.name, gone, segments))


def broken_in(table: Table, users: Users, queried: Queried = no_queries) -> tuple[Broken, ...]:
    """What needs columns that the table does not have: links, segments, then exports, with what is built on them."""
    have = {column.name for column in table.columns}
    links = []
    for link in users.catalog.links:
        ends = ((link.one_table, link.one_column), (link.many_table, link.many_column))
        gone = sorted(column for name, column in ends if fold(name) == fold(table.name) and column not in have)
        if gone:
            links.append(Broken(UserKind.LINK, _link_words(link), tuple(gone)))
    wanted = {column for s in users.segments for column in columns_of_segment(s, table.name) | queried(s)}
    wanted |= {column for export in users.exports for column in columns_of_export(export, table.name)}
    segments = _broken_segments(users.segments, table.name, wanted - have, None, queried)
    return (*links, *segments, *_broken_exports(users.exports, table.name, wanted - have, segments))


def same_family(one: ColumnType, other: ColumnType) -> bool:
    """Whether the same can be asked of both types: numbers of any kind, days with or without a clock."""
    return one is other or any(one in family and other in family for family in _FAMILIES)


def replaced(users: Users, table: Table, columns: Mapping[str, str]) -> Users:
    """Everything as if columns of the table had been called otherwise all along; `columns` maps old names to new ones.

    Where the new name is that of another column, that one serves in its place.
    """
    catalog = Catalog(
        tuple(_table_with(t, columns) if t.id == table.id else t for t in users.catalog.tables),
        tuple(_link_with(link, table.name, columns) for link in users.catalog.links),
    )
    return Users(
        catalog,
        tuple(_segment_with(segment, table.name, columns) for segment in users.segments),
        tuple(_export_with(export, table.name, columns) for export in users.exports),
    )


def columns_of_segment(segment: Segment, table: str) -> frozenset[str]:
    """The columns of the table that the segment's rules ask about."""
    bodies = (rule.body for rule in segment.rules if isinstance(rule.body, Group))
    return frozenset(f.column for body in bodies for f in _fields(body) if fold(f.table) == fold(table))


def columns_of_export(export: Export, table: str) -> frozenset[str]:
    """The columns of the table that the export matches or names; all fields of a table name none."""
    matched = [value.partition(".")[::2] for value in export.match.values()]
    chosen = [(choice.name, column) for choice in export.tables for column in choice.fields or ()]
    return frozenset(column for name, column in (*matched, *chosen) if fold(name) == fold(table))


def likely(gone: Column, offers: Iterable[Offer]) -> Offer | None:
    """The offer to choose when nobody says otherwise: half of its values are the same, or nearly its name; None without one."""
    mine = [offer for offer in offers if offer.gone == gone.name]
    best = max(mine, key=lambda offer: (offer.alike, name_alike(offer.gone, offer.column)), default=None)
    if best is None or (best.alike < _SAME_VALUES and not same_name(best.gone, best.column)):
        return None
    return best


def stands_in(gone: str, columns: Iterable[str]) -> str | None:
    """The column that is called as the missing one, but for how it is written; None when none is."""
    best = max(columns, key=lambda each: name_alike(gone, each), default=None)
    return best if best is not None and same_name(gone, best) else None


def same_name(one: str, other: str) -> bool:
    """Whether two names look as if they meant the same."""
    return name_alike(one, other) >= _SAME_NAME


def name_alike(one: str, other: str) -> float:
    """How alike two names look, 0 to 1, regardless of case; one that stands in the other is much alike."""
    shorter, longer = sorted((fold(one), fold(other)), key=len)
    ratio = SequenceMatcher(None, shorter, longer).ratio()
    return max(ratio, 0.8) if shorter in longer and len(shorter) >= _TELLING else ratio


def _broken_segments(
    segments: Sequence[Segment],
    table: str,
    unfit: set[str],
    fails: Callable[[Segment], bool] | None,
    queried: Queried,
) -> list[Broken]:
    """Those that fail, or that ask about an unfit column and those built on them."""
    columns = {fold(s.name): _needed(unfit, columns_of_segment(s, table) | queried(s)) for s in segments}
    if fails is not None:
        broken = {fold(s.name) for s in segments if fails(s)}
    else:
        broken = {name for name, needed in columns.items() if needed}
        size = 0
        while size != len(broken):
            size = len(broken)
            broken |= {fold(s.name) for s in segments if not broken.isdisjoint(map(fold, _references(s)))}
    return [
        Broken(
            UserKind.SEGMENT,
            segment.name,
            columns[fold(segment.name)],
            tuple(dict.fromkeys(name for name in _references(segment) if fold(name) in broken)),
        )
        for segment in segments
        if fold(segment.name) in broken
    ]


def _broken_links(before: Table, after: Table, catalog: Catalog) -> Iterator[Broken]:
    for link in catalog.links:
        for table, column, other_table, other_column in (
            (link.one_table, link.one_column, link.many_table, link.many_column),
            (link.many_table, link.many_column, link.one_table, link.one_column),
        ):
            was, now = before.column(column), after.column(column)
            if fold(table) != fold(before.name) or was is None or (now is not None and now.type is was.type):
                continue
            other = catalog.table(other_table)
            facing = None if other is None else other.column(other_column)
            if now is None or (facing is not None and facing.type is not now.type):
                yield Broken(UserKind.LINK, _link_words(link), (column,))


def _link_words(link: Link) -> str:
    return f"{link.one_table}.{link.one_column} → {link.many_table}.{link.many_column}"


def _broken_exports(
    exports: Sequence[Export], table: str, gone: set[str], segments: Sequence[Broken]
) -> Iterator[Broken]:
    """Those that match or name a column that is gone, and those that send a broken segment."""
    broken = {fold(one.name) for one in segments}
    for export in exports:
        columns = _needed(gone, columns_of_export(export, table))
        through = tuple(name for name in export.segments if fold(name) in broken)
        if columns or through:
            yield Broken(UserKind.EXPORT, export.name, columns, through)


def _needed(unfit: set[str], columns: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(unfit & columns))


def _references(segment: Segment) -> list[str]:
    return [rule.body.name for rule in segment.rules if isinstance(rule.body, SegmentRef)]


def _fields(group: Group) -> Iterator[FieldRef]:
    for item in group.items:
        if isinstance(item, Group):
            yield from _fields(item)
            continue
        yield item.field
        if item.within is not None:
            yield item.within.field


def _table_with(table: Table, columns: Mapping[str, str]) -> Table:
    there = {c.name for c in table.columns} - set(columns)
    renamed = tuple(
        replace(c, name=columns.get(c.name, c.name)) for c in table.columns if columns.get(c.name) not in there
    )
    return replace(table, columns=renamed, key=None if table.key is None else columns.get(table.key, table.key))


def _link_with(link: Link, table: str, columns: Mapping[str, str]) -> Link:
    one, many = link.one_column, link.many_column
    if fold(link.one_table) == fold(table):
        one = columns.get(one, one)
    if fold(link.many_table) == fold(table):
        many = columns.get(many, many)
    return Link(link.one_table, one, link.many_table, many)


def _segment_with(segment: Segment, table: str, columns: Mapping[str, str]) -> Segment:
    def moved(one: FieldRef) -> FieldRef:
        return FieldRef(one.table, columns.get(one.column, one.column)) if fold(one.table) == fold(table) else one

    def item(one: Condition | Group) -> Condition | Group:
        if isinstance(one, Group):
            return group(one)
        within = None if one.within is None else Within(moved(one.within.field), one.within.last)
        return replace(one, field=moved(one.field), within=within)

    def group(one: Group) -> Group:
        return Group(one.mode, tuple(item(inner) for inner in one.items))

    rules = tuple(
        Rule(rule.operator, group(rule.body)) if isinstance(rule.body, Group) else rule for rule in segment.rules
    )
    return replace(segment, rules=rules)


def _export_with(export: Export, table: str, columns: Mapping[str, str]) -> Export:
    match = {}
    for target, value in export.match.items():
        name, dot, column = value.partition(".")
        match[target] = name + dot + columns.get(column, column) if fold(name) == fold(table) else value
    tables = tuple(
        replace(choice, fields=tuple(columns.get(name, name) for name in choice.fields))
        if choice.fields is not None and fold(choice.name) == fold(table)
        else choice
        for choice in export.tables
    )
    return replace(export, match=match, tables=tables)
