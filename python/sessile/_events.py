"""Events for a callback."""

import logging
import threading
from collections.abc import Callable

from ._sessile import Subscription
from .values import Event

_log = logging.getLogger("sessile")


def tell_each(events: Subscription, tell: Callable[[Event], object]) -> None:
    """Starts the thread that tells. It ends with the subscription or the engine."""

    def run() -> None:
        for event in events:
            try:
                tell(event)
            except Exception:
                # One that fails to listen must not miss what comes next.
                _log.exception("a callback for events failed at %r", event.kind)

    threading.Thread(target=run, name="sessile-events", daemon=True).start()
