"""The one module that holds pyspark's Connect client: a session on the cluster.

pyspark is an optional extra, so this module is loaded when Spark is asked for the first time.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what goes wrong is said once, by us

import logging
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pyspark.sql.connect.proto as messages
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql.connect.client import ChannelBuilder, SparkConnectClient
from pyspark.sql.connect.client.retries import RetryPolicy

from app.core.servers import ServerAccess, Tls
from app.data.engines.authorities import system_authorities

Failed = (PySparkException, grpc.RpcError)
"""What a question that failed raises."""

# Spark's errors are written to the terminal otherwise, with the query and so with keys of members.
PySparkLogger.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)


class _Way(ChannelBuilder):
    """How the cluster is reached; the token goes with every call."""

    def __init__(self, access: ServerAccess) -> None:
        super().__init__()
        self._access = access
        self.set(ChannelBuilder.PARAM_USER_ID, access.address.user or "sendoff")
        self.set(ChannelBuilder.PARAM_USER_AGENT, "Sendoff")
        self.setChannelOption("grpc.enable_http_proxy", 0)

    @property
    def host(self) -> str:
        return self._access.address.host

    def toChannel(self) -> grpc.Channel:  # noqa: N802 - pyspark's name
        address = self._access.address
        host = f"[{address.host}]" if ":" in address.host else address.host
        if address.tls is Tls.OFF:
            return self._insecure_channel(f"{host}:{address.port}")
        believed = Path(address.certificate or system_authorities()).read_bytes()
        return self._secure_channel(f"{host}:{address.port}", grpc.ssl_channel_credentials(believed))

    def metadata(self) -> list[tuple[str, str]]:
        token = self._access.password
        return [] if token is None else [("authorization", f"Bearer {token}")]


class _Once(RetryPolicy):
    """No second try behind one's back: whoever asks is told at once."""

    def can_retry(self, exception: BaseException) -> bool:
        raise exception


class Session:
    """A session on the cluster, for one question; `stop` and `cut` may come from any thread.

    Every method may raise what stands in `Failed`.
    """

    def __init__(self, access: ServerAccess, settings: dict[str, str]) -> None:
        self._client = SparkConnectClient(_Way(access), use_reattachable_execute=False)
        self._client.set_retry_policies([_Once()])
        pairs = [messages.KeyValue(key=key, value=value) for key, value in settings.items()]
        try:
            self._client.config(messages.ConfigRequest.Operation(set=messages.ConfigRequest.Set(pairs=pairs)))
        except BaseException:
            self._client.close()
            raise

    def schema(self, query: str) -> list[tuple[str, str]]:
        """Name and type of the columns a query would give."""
        return [(field.name, field.dataType.simpleString()) for field in self._client.schema(_plan(query)).fields]

    def ask(self, query: str) -> tuple[pa.Schema, Generator[pa.RecordBatch, None, None]]:
        """The answer's columns and its batches as they arrive, which any thread may read."""
        found = self._client.to_table_as_iterator(_plan(query), {})
        first = next((table for table in found if isinstance(table, pa.Table)), None)
        return (pa.schema([]) if first is None else first.schema), _batches(first, found)

    def stop(self) -> None:
        """Stop on the cluster what was asked; a cluster that is gone has stopped."""
        with suppress(*Failed, ValueError):  # ValueError: it was ended here
            self._client.interrupt_all()

    def close(self) -> None:
        """End it, on the cluster too where that can be reached."""
        with suppress(*Failed, ValueError):
            self._client.release_session()
        self.cut()

    def cut(self) -> None:
        """End it here: whatever waits for the cluster fails at once."""
        self._client.close()


def _batches(first: pa.Table | None, found: Any) -> Generator[pa.RecordBatch, None, None]:  # noqa: ANN401 - as above
    try:
        if first is not None:
            yield from first.to_batches()
        for table in found:
            if isinstance(table, pa.Table):
                yield from table.to_batches()
    finally:
        found.close()


def _plan(query: str) -> Any:  # noqa: ANN401 - as above
    return messages.Plan(root=messages.Relation(sql=messages.SQL(query=query)))
