"""The garbage collector of the tests' process, which knows only what a test made itself.

While the tests are gathered it does nothing: a third of that time was its.

All tests and modules together are half a million objects and more. The app sets aside what is loaded when its first run begins,
and takes it back when its workspace is closed; here the collector would walk through all of it after each test then, 0.3 s
and more each time when the whole suite is loaded. So only the tests set aside.
"""

from __future__ import annotations

import atexit
import gc

_freeze, _unfreeze = gc.freeze, gc.unfreeze


def pause() -> None:
    """Let it wait until `take_over`."""
    gc.disable()


def take_over() -> None:
    """Let the app set aside nothing from now on, nor take anything back.

    At the end everything is taken back: of what is still set aside then, DuckDB's library would say that it leaked.
    """
    atexit.register(_unfreeze)
    gc.freeze = gc.unfreeze = lambda: None
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


def set_aside() -> None:
    """Throw away what nobody holds; the rest stays until the end and is not looked at again."""
    gc.collect()
    _freeze()
