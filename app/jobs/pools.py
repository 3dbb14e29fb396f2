"""Named thread pools, so that a count never waits behind an export."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_SIZES: Mapping[str, int] = MappingProxyType({"exports": 4, "queries": 3, "store": 1})


class Pools:
    """Threads by purpose, made when first used; thread safe."""

    def __init__(self, sizes: Mapping[str, int] = DEFAULT_SIZES) -> None:
        self._sizes = dict(sizes)
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def submit(self, pool: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run the function in the named pool; raises KeyError for an unknown pool, RuntimeError after `close`."""
        with self._lock:
            executor = self._pools.get(pool)
            if executor is None:
                executor = ThreadPoolExecutor(self._sizes[pool], thread_name_prefix=f"sendoff-{pool}")
                self._pools[pool] = executor
        return executor.submit(function, *args, **kwargs)

    def close(self, *, wait: bool = True) -> None:
        """Take no more work, drop what has not begun and, with `wait`, stay until the rest ends."""
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.shutdown(wait=wait, cancel_futures=True)
