"""The suppression list beside the rows: its entries as Parquet, and the values of the workspace's columns that are on it.

Hashing a million addresses twice takes half a second of one core, so it is done once for each generation of a column and of
the list: what is kept is the few values found, in memory only, and asking a row about them is a look-up.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import time

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from app.core.names import new_id
from app.core.suppression import ENTRY_BYTES, HASHED, ContactKind, ListFacts, contact_columns
from app.core.tables import Column, Table
from app.data.engines.duckdb import DuckDBEngine, parquet
from app.data.identifiers_sql import normalise, text, trimmed
from app.data.identity import as_text, on_list
from app.data.sql import Listed, nobody
from app.data.sql_values import column_value
from app.jobs import CancelToken
from app.jobs.drive import flush_file, make_folder, put_in_place

FOLDER = "suppression"
"""Where the entries of each generation lie, below `data` in the workspace folder: one file with a column `entry`."""
MOST_KEPT = 64
"""Columns of which the listed values are kept; the ones used last stay."""
KEEP_OLD_SECONDS = 24 * 3600.0
"""How long the file of an earlier generation stays for runs that began with it."""


def list_file(folder: Path, generation: str) -> Path:
    """The file of that generation of the list below the workspace folder."""
    return folder / "data" / FOLDER / f"{generation}.parquet"


def write_list(folder: Path, generation: str, entries: Iterable[list[bytes]]) -> None:
    """Write the entries, whole or not at all; another process may do the same at the same time."""
    path = list_file(folder, generation)
    make_folder(path.parent)
    half_done = path.with_name(f"{new_id()}.part")
    schema = pa.schema([("entry", pa.binary(ENTRY_BYTES))])
    try:
        with pq.ParquetWriter(half_done, schema, compression="none") as writer:
            for part in entries:
                writer.write_batch(pa.record_batch([pa.array(part, pa.binary(ENTRY_BYTES))], schema))
        flush_file(half_done)  # whoever finds it there believes it
        put_in_place(half_done, path)
    finally:
        half_done.unlink(missing_ok=True)


def clear_away(folder: Path, generation: str | None) -> None:
    """Delete the files of other generations once they are old enough."""
    for path in (folder / "data" / FOLDER).glob("*"):
        if path.stem != generation and path.stat().st_mtime < time() - KEEP_OLD_SECONDS:
            path.unlink(missing_ok=True)


def digest(value: exp.Expr, kind: ContactKind, country: str) -> exp.Expr:
    """As `app.core.suppression.digest_of`: the SHA-256 of the text that is compared, NULL when there is none."""
    plain = exp.Lower(this=trimmed(value))
    hashed = exp.RegexpLike(this=plain, expression=text(f"^{HASHED}$"))
    if kind is ContactKind.PHONE:
        other = _sha256(normalise(kind.rule, value, country))
    else:
        at = exp.StrPosition(this=plain.copy(), substr=text("@"))
        address = exp.GT(this=at, expression=exp.Literal.number(0))
        other = exp.Case().when(address, _sha256(plain.copy()), copy=False)
    return exp.Case().when(hashed, exp.Unhex(this=plain.copy()), copy=False).else_(other, copy=False)


def entry(salt: bytes, value_digest: exp.Expr) -> exp.Expr:
    """As `app.core.suppression.entry_of`."""
    return _sha256(exp.DPipe(this=exp.Unhex(this=text(salt.hex())), expression=value_digest, safe=True))


def listed_values(folder: Path, facts: ListFacts, values: exp.Select, kind: ContactKind, country: str) -> exp.Select:
    """Those of the texts `value` that are on the list below the workspace folder, each once."""
    query = exp.select("value").distinct().from_(values.subquery("v"))
    return query.where(_is_listed(folder, facts, exp.column("value", table="v"), kind, country))


def _is_listed(folder: Path, facts: ListFacts, value: exp.Expr, kind: ContactKind, country: str) -> exp.Expr:
    hashed = entry(facts.salt, digest(value, kind, country))
    listed = exp.select("entry").from_(parquet([list_file(folder, facts.generation)]))
    return exp.In(this=hashed, query=exp.Subquery(this=listed))


@dataclass(slots=True)
class ListedValues:
    """Which values of columns are on the suppression list, found out when first asked; thread safe."""

    engine: DuckDBEngine
    _known: OrderedDict[tuple[str, ...], str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, facts: ListFacts | None, token: CancelToken) -> Listed:
        """The list of one moment, None for an empty one, as one job asks it."""
        if facts is None:
            return nobody
        return lambda table, column, kind, country: self.of(facts, table, column, kind, country, token)

    def of(
        self, facts: ListFacts, table: Table, column: Column, kind: ContactKind, country: str, token: CancelToken
    ) -> exp.Select | None:
        """The column's listed values as text, as a query of one column; None when the list holds nothing of that kind.

        The first time takes about half a second for a million values. Cancelled when the token is.
        """
        if kind not in facts.kinds:
            return None
        question = (facts.generation, table.id, str(table.generation), column.name, kind.value, country)
        while not self._lock.acquire(timeout=0.05):
            token.check()
        try:
            if question not in self._known:
                self._known[question] = self._find(facts, table, column, kind, country, token)
                self._drop_oldest()
            self._known.move_to_end(question)
            return exp.select("value").from_(self._known[question])
        finally:
            self._lock.release()

    def _find(
        self, facts: ListFacts, table: Table, column: Column, kind: ContactKind, country: str, token: CancelToken
    ) -> str:
        name = f"listed_{new_id()}"
        value = exp.alias_(as_text(column_value(column, "t")), "value")
        values = exp.select(value).from_(exp.alias_(self.engine.relation(table), "t", table=True))
        query = listed_values(self.engine.folder, facts, values, kind, country)
        with self.engine.cursor(token) as cursor:
            cursor.execute(f"CREATE TABLE {name} AS {query.sql(self.engine.dialect)}")
        return name

    def _drop_oldest(self) -> None:
        while len(self._known) > MOST_KEPT:
            _, name = self._known.popitem(last=False)
            with self.engine.cursor(CancelToken()) as cursor:
                cursor.execute(f"DROP TABLE {name}")


@dataclass(frozen=True, slots=True)
class SuppressedRows:
    """The rows of whole tables that the list of one moment keeps back, as a data-out export asks for it."""

    values: ListedValues
    facts: ListFacts
    country: str

    def condition(self, table: Table, alias: str, token: CancelToken) -> exp.Expr | None:
        """Whether a row has a contact on the list, never NULL; None for a table that can have none."""
        inside: list[exp.Expr] = []
        for column, kind in contact_columns(table):
            if table.server is not None:  # the rows pass by once: each is looked up as it comes
                if kind in self.facts.kinds:
                    value = as_text(column_value(column, alias))
                    is_listed = _is_listed(self.values.engine.folder, self.facts, value, kind, self.country)
                    inside.append(exp.Coalesce(this=is_listed, expressions=[exp.false()]))
                continue
            listed = self.values.of(self.facts, table, column, kind, self.country, token)
            if listed is not None:
                inside.append(on_list(as_text(column_value(column, alias)), listed))
        return exp.or_(*inside) if inside else None


def _sha256(value: exp.Expr) -> exp.Expr:
    return exp.Unhex(this=exp.SHA2(this=value, length=exp.Literal.number(256)))
