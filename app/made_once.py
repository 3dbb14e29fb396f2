"""Parts that are made when they are first asked for, so that opening a workspace loads none of what is heavy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class MadeOnDemand:
    """Keeps its parts by name; each is made once, by one thread, and found by every other. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._made: dict[str, object] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The part of that name, made now when it is not there yet."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]  # type: ignore[assignment]  # made by the same function before
            return made

    def made(self, name: str) -> bool:
        """Whether that part is there already."""
        with self._lock:
            return name in self._made


Whole = TypeVar("Whole", bound=MadeOnDemand)


class made_once(Generic[Whole, T]):  # noqa: N801 - stands where `property` would
    """A property whose value is made when it is first asked for; its method imports what it needs."""

    def __init__(self, make: Callable[[Whole], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, whole: Whole, _owner: type[Whole] | None = None) -> T:
        return whole.once(self._name, lambda: self._make(whole))
