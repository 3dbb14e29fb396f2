"""What this computer has to bring, proven by using it: a password store and an engine that work.

What is proven is imported by the proof, so that a missing library fails that one alone.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from app.jobs import CancelToken


def check_keyring() -> str:
    """The name of this computer's password store, proven to work now; raises as `SecretStore.probe`."""
    from app.secrets.store import KeyringStore

    return KeyringStore("check").probe().name


def check_engine() -> str:
    """Name and version of the engine, asked of the engine itself in a folder of its own."""
    from app.data.engines.duckdb import DuckDBEngine

    with TemporaryDirectory() as folder:
        engine = DuckDBEngine(Path(folder))
        try:
            with engine.cursor(CancelToken()) as cursor:
                row = cursor.execute("SELECT version()").fetchone()
        finally:
            engine.close()
    return f"DuckDB {row[0] if row else ''}".strip()
