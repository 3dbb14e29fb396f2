"""Rows out of the workspace's engine, written as the files of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from app.core.exports import Export
from app.core.file_formats import extension, plain_extension
from app.core.segments import Segment
from app.data.changed_rows import Comparison, compare
from app.data.cluster_files import written_there
from app.data.engines.duckdb import DuckDBEngine
from app.data.first_lines import FirstRows, first_rows
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.suppression import ListedValues, SuppressedRows
from app.data.table_files import MemberRows, RowSource, TableRows, write
from app.data.table_rows import row_count
from app.data.workspace_rows import Scope
from app.delivery.encryption import Encryption
from app.delivery.matching import identity_of, matched_fields
from app.delivery.ports import PartFile, RowCount
from app.delivery.table_files import Item, TablePart, TargetOf
from app.destinations.contract import TargetField
from app.jobs import JobContext


class EngineWriter:
    """A `Writer` over the tables and segments of one moment; used by one thread.

    In files everybody is known by our own key, so members with the same address stay two rows; who refused consent, is on the
    suppression list or has nothing the other side could know them by, where it has to, is left out like everywhere. Of tables
    rows are left out only when the export asks for it.
    `fields` are the columns the other side knows by name, whose rules their values get.
    """

    def __init__(
        self,
        engine: DuckDBEngine,
        members: Members,
        listed: ListedValues,
        scope: Scope,
        export: Export,
        country: str,
        fields: Sequence[TargetField] = (),
    ) -> None:
        self._engine = engine
        self._members = members
        self._listed = listed
        self._scope = scope
        self._export = export
        self._country = country
        self._fields = fields

    def count(self, item: Item, ctx: JobContext) -> RowCount:
        """See `Writer.count`; FixSettings when files are to be encrypted with a key that does not hold any more."""
        self._encryption()
        if not isinstance(item, Segment):
            every = row_count(self._engine, item.table, ctx.token)
            listed = self._scope.suppression is not None and self._export.leave_out_suppressed
            rows = min(every, self._rows(item, ctx)) if listed else every
            return RowCount(rows, suppressed=every - rows)
        rows = self._rows(item, ctx)
        spec = self._spec(item)
        suppressed = self._members.suppressed(self._scope, item, spec, ctx)
        members = self._members.number(self._scope, item, ctx)
        known = self._members.known(self._scope, item, spec, ctx) if spec.identity.known_by else members
        # Nobody is without a key of ours and nobody stands twice, so what remains refused.
        return RowCount(rows, suppressed, no_consent=max(0, known - rows - suppressed), unknown=members - known)

    def _encryption(self) -> Encryption | None:
        """For whom the files are encrypted; the key is judged at the moment of the run."""
        key = self._export.format.pgp_key
        return Encryption(key, self._scope.now) if key else None

    def _rows(self, item: Item, ctx: JobContext) -> int:
        with self._engine.cursor(ctx.token) as cursor, self._source(item).select(cursor, ctx) as selection:
            return selection.rows

    def compare(self, part: TablePart, base: Path, folder: Path, ctx: JobContext) -> Comparison:
        """See `Writer.compare`."""
        return compare(self._table(part), base, folder, ctx)

    def write(
        self, item: Item | RowSource, folder: Path, ctx: JobContext, target: TargetOf, near: Path | None = None
    ) -> Iterator[PartFile]:
        """See `Writer.write`; whole tables on a cluster are written by it where it can."""
        source = self._source(item) if isinstance(item, TablePart | Segment) else item
        form = self._export.format
        if near is not None and isinstance(source, TableRows):
            there = written_there(source, form, near, ctx)
            if there is not None:
                for number, (path, rows) in enumerate(there, 1):
                    yield PartFile(path, target(number, ()), rows)
                return

        def inside(number: int, folders: tuple[str, ...]) -> str:
            return PurePosixPath(target(number, folders)).name.removesuffix(extension(form)) + plain_extension(form)

        encryption = self._encryption()
        for number, written in enumerate(write(self._engine, source, form, folder, ctx, inside=inside), 1):
            path = written.path if encryption is None else encryption.encrypt(written.path)
            yield PartFile(path, target(number, written.folders), written.rows)

    def first_rows(self, item: Item, rows: int, ctx: JobContext) -> FirstRows:
        """The first lines of the first file, by the code that writes it, and their values in the order of its fields."""
        return first_rows(self._engine, self._source(item), self._export.format, rows, ctx)

    def _source(self, item: Item) -> RowSource:
        if isinstance(item, Segment):
            return MemberRows(self._members, self._scope, item, self._spec(item))
        return self._table(item)

    def _table(self, part: TablePart) -> TableRows:
        facts = self._scope.suppression if self._export.leave_out_suppressed else None
        suppressed = None if facts is None else SuppressedRows(self._listed, facts, self._country)
        return TableRows(self._engine, part.table, part.fields, suppressed)

    def _spec(self, segment: Segment) -> MemberSpec:
        matched = matched_fields(self._export.match, self._fields, self._scope.catalog)
        return MemberSpec(matched, identity_of(matched, (), segment, self._scope.catalog, self._country))
