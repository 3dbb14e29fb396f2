"""What the tests of reading share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from app.data.engines.duckdb import DuckDBEngine
from app.data.ingest import Incoming, ReadOptions, read
from app.jobs import CancelToken, JobContext


@dataclass
class Desk:
    """Reads files into a staging folder of their own and looks at what came of it."""

    folder: Path
    engine: DuckDBEngine

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(
        self, *paths: Path, options: ReadOptions | None = None, ctx: JobContext | None = None, **more
    ) -> list[Incoming]:
        staging = Path(mkdtemp(prefix="staging-", dir=self.folder))
        return read(self.engine, paths, staging, ctx or JobContext(), options=options, **more)

    def one(self, *paths: Path, options: ReadOptions | None = None, **more) -> Incoming:
        [incoming] = self.read(*paths, options=options, **more)
        return incoming

    def csv(self, content: bytes | str, name: str = "x.csv", options: ReadOptions | None = None) -> Incoming:
        return self.one(self.file(name, content), options=options)

    def rows(self, incoming: Incoming) -> list[tuple]:
        with self.engine.cursor(CancelToken()) as cursor:
            found = cursor.execute("SELECT * FROM read_parquet(?)", [[str(file) for file in incoming.files]]).fetchall()
        assert len(found) == incoming.rows
        return found


def types(incoming: Incoming) -> dict[str, str]:
    return {column.name: column.native_type for column in incoming.columns}


def names(incoming: Incoming) -> Sequence[str]:
    return [column.name for column in incoming.columns]
