"""What the adapters for web frameworks share: one engine a process, and the session of a request.

The rules that every adapter keeps stand here, once: an id that the engine did not issue is never
adopted; what is saved is what was changed, key by key; a session that has ended is not brought
back; and a failure of the store is an error, which says nothing about the session.
"""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol

from ._json import dumps, loads
from ._sessile import Engine, Issued, Rejected, Session
from .errors import Error, InvalidConfigError, SessionGoneError

log = logging.getLogger("sessile")

RETRY_AFTER_SECS = 5
"""What a client is told to wait after a 503: about as long as a restarted engine takes."""


class Codec(Protocol):
    """How values become the bytes that are stored."""

    def dumps(self, value: Any) -> bytes: ...

    def loads(self, stored: bytes) -> Any: ...


class JsonCodec:
    """JSON, as `Engine.patch` writes it."""

    def dumps(self, value: Any) -> bytes:
        """Gives the bytes that are stored."""
        return dumps(value).encode()

    def loads(self, stored: bytes) -> Any:
        """Gives the value."""
        return loads(stored)


class EngineSlot:
    """The engine of this process: opened at its first use, so that it is opened after a fork."""

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        """Opens nothing yet."""
        self._open = open_engine
        self._lock = threading.Lock()
        self._pid = 0
        self._engine: Engine | None = None
        _slots.add(self)

    def get(self) -> Engine:
        """Gives the engine. Raises what opening it raises, at every call until it succeeds."""
        engine = self._engine
        if engine is not None and self._pid == os.getpid():
            return engine
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                # Never closed here if it is from before a fork: it is the parent's.
                self._engine, self._pid = self._open(), os.getpid()
            return self._engine

    def close(self) -> None:
        """Closes the engine, if this process has opened it. The next use opens it again."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None and self._pid == os.getpid():
            engine.close()

    def _forget(self) -> None:
        self._lock, self._engine = threading.Lock(), None


_slots: weakref.WeakSet[EngineSlot] = weakref.WeakSet()


def _forget_all() -> None:
    for slot in list(_slots):
        slot._forget()


# The lock may have been held by a thread that the child does not have.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def slot_of(settings: Mapping[str, Any]) -> EngineSlot:
    """Gives the slot for settings: those of `Engine.open`, and `directory`.

    A `directory` of `None` keeps everything in memory, for tests.
    """
    if "directory" not in settings:
        message = "'directory' is missing: where the sessions are kept (None: in memory, for tests)"
        raise InvalidConfigError(message)
    others = {name: value for name, value in settings.items() if name != "directory"}
    directory = settings["directory"]
    if directory is None:
        return EngineSlot(lambda: Engine.in_memory(**others))
    return EngineSlot(lambda: Engine.open(directory, **others))


def bytes_at_once(engine: Engine, session: Session) -> dict[str, bytes] | None:
    """Gives the data of a session if they are in the cache; `None`: ask in a thread."""
    try:
        if engine.data_at_once(session) is None:
            return None
    except ValueError:
        # Cached, but not JSON: another serializer wrote them.
        pass
    return engine.data_bytes(session)


def changes(
    read: Mapping[str, bytes], values: Mapping[str, Any], codec: Codec
) -> tuple[dict[str, bytes], list[str]]:
    """Gives what has to be set, as it is stored, and removed: what differs from what was read."""
    texts = {name: codec.dumps(value) for name, value in values.items()}
    changed = {name: text for name, text in texts.items() if read.get(name) != text}
    return changed, [name for name in read if name not in texts and not name.startswith(HIDDEN)]


HIDDEN = "\x00"
"""What the names of an adapter's own values begin with: they are no part of the session's data."""


class WebSession(MutableMapping[str, Any]):
    """The session of one request: found and read at first use, created at the first write."""

    def __init__(
        self,
        slot: EngineSlot,
        tokens: Callable[[Engine], list[str]],
        codec: Codec | None = None,
    ) -> None:
        """Takes how to find the tokens that the client presented; asks nobody yet."""
        self._slot = slot
        self._find_tokens = tokens
        self._tokens: list[str] = []
        self._token: str | None = None
        self._codec = codec or JsonCodec()
        self._found: Session | None = None
        self._is_loaded = False
        self._is_cleared = False
        self._read: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}
        self.accessed = False
        """Whether anything was read or changed: then the response varies with the cookie."""
        self.modified = False
        """Whether a value was set or removed."""
        self.issued: Issued | None = None
        """What was issued while the request was served: its token goes to the client."""
        self.is_rejected = False
        """Whether the client presented tokens, and none was good."""

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        return self._slot.get()

    @property
    def verified(self) -> Session | None:
        """The session as the engine knows it; `None`: there is none yet."""
        self._use()
        return self._found

    @property
    def token(self) -> str | None:
        """What the client's cookie should hold; `None`: there is nothing to keep."""
        if self.issued is not None:
            return self.issued.token.reveal()
        found = self._found
        if found is None or found.rotated_to is not None:
            return None
        return self._token if found.renewed_token is None else found.renewed_token.reveal()

    @property
    def subject(self) -> str | None:
        """Who is logged in."""
        session = self.verified
        return None if session is None else session.subject

    def log_in(self, subject: str, **options: Any) -> None:
        """Makes it a session of `subject`, under a new token, and keeps the data.

        If somebody else is logged in, their session ends, with its data. `options` are those of
        `Engine.log_in`.
        """
        self._use()
        found = self._found
        if found is not None and found.subject not in (None, subject):
            self.log_out()
            found = None
        if found is None:
            options.pop("grace", None)
            self._become(self.engine.create(subject, **options))
        else:
            self._become(self.engine.log_in(found, subject, **options))
        self._is_cleared = False

    def rotate(self, **options: Any) -> None:
        """Gives the session a new token: to be called when privileges change."""
        self._use()
        if self._found is not None:
            self._become(self.engine.rotate(self._found, **options))

    def log_out(self) -> None:
        """Ends the session. What is written afterwards begins a new one."""
        self._use()
        if self._found is not None:
            self.engine.revoke(self._found)
        self._forget()

    def _forget(self) -> None:
        self._found, self.issued, self._read, self._values = None, None, {}, {}
        self.is_rejected = bool(self._tokens)

    def save(self) -> None:
        """Writes what was changed; creates the session if there is something to write.

        Raises `SessionGoneError` if the session has ended: it is not brought back.
        """
        if not self._is_loaded:
            return
        changed, removed = changes(self._read, self._values, self._codec)
        if self._is_ended_by(removed):
            if self._found is not None:
                self.engine.revoke(self._found)
            self._forget()
            return
        if not changed and not removed:
            return
        is_new = self._found is None
        if is_new:
            self._become(self.engine.create())
        session = self._found
        assert session is not None
        try:
            self.engine.patch_bytes(session, changed, remove=removed)
        except Error:
            if is_new:
                self._abandon(session)
            raise
        self._read = {**self._read, **changed}
        for name in removed:
            del self._read[name]

    def _is_ended_by(self, removed: list[str]) -> bool:
        """Whether emptying it was the way to log out: `clear()`, or the last of a visitor's."""
        if self._values or self._found is None:
            return False
        return self._is_cleared or (bool(removed) and self._found.subject is None)

    def _abandon(self, session: Session) -> None:
        """Ends a session that nobody will hear of."""
        self._found = self.issued = None
        try:
            self.engine.revoke(session)
        except Error:
            log.warning("a session that was not given out will end by itself")

    def _become(self, issued: Issued) -> None:
        self.issued, self._found = issued, issued.session
        self.is_rejected = False

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._tokens = self._find_tokens(self.engine)
        for token in self._tokens:
            found = self.engine.verify(token)
            if isinstance(found, Rejected):
                log.debug("a session token was rejected: %s", found.reason.name)
                continue
            data = self.engine.data_bytes(found)
            # None: from before a login, whose session has nothing to read for it; or just ended.
            if data is not None or found.rotated_to is not None:
                self._found, self._read, self._token = found, data or {}, token
                break
        self.is_rejected = self._found is None and bool(self._tokens)
        self._values = {
            name: self._codec.loads(text)
            for name, text in self._read.items()
            if not name.startswith(HIDDEN)
        }
        self._is_loaded = True

    def _use(self) -> None:
        self._load()
        self.accessed = True

    def __getitem__(self, name: str) -> Any:
        self._use()
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._use()
        if name.startswith(HIDDEN):
            message = "names that begin with NUL are the adapter's own"
            raise ValueError(message)
        self._values[name] = value
        self.modified = True

    def __delitem__(self, name: str) -> None:
        self._use()
        del self._values[name]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        self._use()
        return iter(self._values)

    def __len__(self) -> int:
        self._use()
        return len(self._values)

    def clear(self) -> None:
        """Empties it. What is empty at the end of the request is ended, whoever is logged in."""
        self._use()
        self._values = {}
        self._is_cleared = self.modified = True

    def __repr__(self) -> str:
        """Shows names only: values may be secret."""
        names = sorted(self._values) if self._is_loaded else "not read yet"
        return f"<{type(self).__name__} {names}>"


def failure_status(error: Error) -> int:
    """Gives the HTTP status for an error of the engine, and logs it.

    409: the session ended while the request was under way; the client may try again. 503: the
    store failed, and nothing is known about the session.
    """
    if isinstance(error, SessionGoneError):
        return 409
    log.error("the session store failed: %s: %s", type(error).__name__, error)
    return 503


FAILURE_TEXTS = {
    409: "The session ended while the request was under way.",
    503: "The session store is not available.",
}
