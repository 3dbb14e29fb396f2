"""The engine for each kind of server; what it needs is loaded when it is made."""

from __future__ import annotations

from collections.abc import Callable

from app.core.servers import ServerAccess, ServerKind
from app.data.engines.protocol import Server


def server_engine(kind: ServerKind, access: Callable[[], ServerAccess]) -> Server:
    """An engine that asks `access` where its server is, whenever it has to know."""
    if kind is ServerKind.SPARK:
        from app.data.engines.spark import SparkEngine

        return SparkEngine(access)
    from app.data.engines.postgres import PostgresEngine

    return PostgresEngine(access)
