"""What PostgreSQL's catalog tells, as any role may read it (docs: PostgreSQL 15, chapter 53)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.tables import ServerTable
from app.data.engines.postgres_columns import ServerColumn, quoted

_MOST_DECIMALS = 18

FACTS = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_setting('server_encoding'),
  (SELECT collname::text FROM pg_catalog.pg_collation WHERE collname IN ('und-x-icu', 'C.utf8', 'C.UTF-8', 'en_US.utf8')
   ORDER BY array_position(ARRAY['und-x-icu', 'C.utf8', 'C.UTF-8', 'en_US.utf8'], collname::text) LIMIT 1),
  COALESCE((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()), false)
"""

NO_TIME_LIMIT = "SELECT set_config('statement_timeout', '0', true)"

_READABLE = """
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
"""

TABLES = f"""
SELECT n.nspname::text, c.relname::text, GREATEST(c.reltuples, 0)::float8 {_READABLE} ORDER BY 1, 2
"""

COUNT_TABLES = f"""
SELECT count(*), count(*) FILTER (WHERE has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE')
  OR has_table_privilege(c.oid, 'DELETE')) {_READABLE}
"""

REFERENCES = """
SELECT pn.nspname::text, p.relname::text, pa.attname::text, cn.nspname::text, c.relname::text, ca.attname::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = k.confkey[1]
JOIN pg_catalog.pg_attribute ca ON ca.attrelid = c.oid AND ca.attnum = k.conkey[1]
WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1 ORDER BY 1, 2, 3, 4, 5, 6
"""

_COLUMNS = """
SELECT a.attname::text, b.typname::text, b.typcategory::text,
  CASE WHEN t.typbasetype <> 0 THEN t.typtypmod ELSE a.atttypmod END,
  a.attcollation NOT IN (0, COALESCE((SELECT oid FROM pg_catalog.pg_collation WHERE collname = 'default'), 0)),
  EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
    AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL AND a.attnotnull),
  c.relkind IN ('r', 'p', 'm')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type b ON b.oid = COALESCE(NULLIF(t.typbasetype, 0), t.oid)
WHERE n.nspname = {schema} AND c.relname = {name} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY a.attnum
"""

_STATE = """
SELECT bool_and(c.relkind IN ('r', 'p', 'm')), string_agg(concat_ws('/', c.oid, s.files, s.changes), ' ' ORDER BY c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT sum(p.relfilenode::bigint) AS files, sum(pg_catalog.pg_stat_get_tuples_inserted(p.oid)
    + pg_catalog.pg_stat_get_tuples_updated(p.oid) + pg_catalog.pg_stat_get_tuples_deleted(p.oid)) AS changes
  FROM pg_catalog.pg_class p
  WHERE p.oid = c.oid OR (c.relkind = 'p' AND p.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
) s WHERE (n.nspname::text, c.relname::text) IN ({places})
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table of the server: its columns by name, those no two rows share a value of, and whether it stores rows itself."""

    columns: Mapping[str, ServerColumn]
    unique: frozenset[str]
    stored: bool


def settings(seconds: int) -> str:
    """What a transaction is told first: it only reads, gives up after that time, and looks names up nowhere."""
    told = {
        "transaction_read_only": "on",
        "statement_timeout": f"{seconds}s",
        "search_path": "pg_catalog",
        "TimeZone": "UTC",
        "DateStyle": "ISO",
        "IntervalStyle": "postgres",
        "extra_float_digits": "1",
        "standard_conforming_strings": "on",
        "transform_null_equals": "off",
        "jit": "off",
        "synchronize_seqscans": "off",  # the first rows are the same ones each time
    }
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in told.items())


def shape(cursor: Any, place: ServerTable) -> Shape:  # noqa: ANN401 - the driver's cursor
    """The shape of a table; without columns when it is not there or may not be read."""
    cursor.execute(_COLUMNS.format(schema=_literal(place.schema), name=_literal(place.name)))
    found = cursor.fetchall()
    columns = {row[0]: ServerColumn(*row[:5]) for row in found}
    return Shape(columns, frozenset(row[0] for row in found if row[5]), stored=bool(found and found[0][6]))


def state(cursor: Any, places: Sequence[ServerTable]) -> str | None:  # noqa: ANN401 - as `shape`
    """What the server counted of changes to these tables; None with a view among them."""
    listed = ", ".join(f"({_literal(place.schema)}, {_literal(place.name)})" for place in places)
    cursor.execute(_STATE.format(places=listed))
    stored, changes = cursor.fetchone()
    return str(changes) if stored else None


def decimals(cursor: Any, place: ServerTable, columns: Sequence[ServerColumn]) -> dict[str, int]:  # noqa: ANN401 - as `shape`
    """The most decimals that stand in these numeric columns; those with more than can be kept exactly are left out."""
    if not columns:
        return {}
    scales = ", ".join(f"COALESCE(max(scale({quoted(c.name)})), 0)" for c in columns)
    wholes = ", ".join(
        f"COALESCE(max(length(trunc(abs({quoted(c.name)}))::text)) FILTER (WHERE {quoted(c.name)}::text !~ '[a-z]'), 0)"
        for c in columns
    )
    cursor.execute(f"SELECT {scales}, {wholes} FROM {quoted(place.schema)}.{quoted(place.name)}")  # noqa: S608 - quoted
    row = cursor.fetchone()
    fitting = {}
    for column, scale, whole in zip(columns, row[: len(columns)], row[len(columns) :], strict=True):
        if scale <= _MOST_DECIMALS and scale + whole <= 38 - 4:
            fitting[column.name] = scale
    return fitting


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
