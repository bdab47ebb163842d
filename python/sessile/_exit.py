"""Closes at the interpreter's exit what is open still: touches that are pending get written."""

import atexit
import contextlib
from weakref import WeakSet

from ._sessile import Engine
from .errors import Error

_open: WeakSet[Engine] = WeakSet()


def track(engine: Engine) -> None:
    """Remembers an engine for the exit."""
    _open.add(engine)


@atexit.register
def close_all() -> None:
    """Closes every engine. One from before a fork stays its parent's."""
    for engine in list(_open):
        with contextlib.suppress(Error):
            engine.close()
