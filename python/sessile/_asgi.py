"""What the adapters for asynchronous frameworks share: the engine, and the session of a request.

They keep the rules of `_web`, with two differences. The session is read before the request is
handled, as nobody can wait at `request.session["name"]`; and a failure to read it is kept until
somebody asks for the session, as a page without one owes nothing to the store.
"""

import asyncio
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from . import _web, aio
from ._json import dumps
from ._sessile import Engine, Issued, Session
from .errors import Error, InvalidConfigError, SuspendedError, TooManySessionsError

Directory = str | PathLike[str] | None


class EngineSource:
    """Where an adapter's engine comes from: it is handed over, or opened here at its first use."""

    def __init__(
        self, engine: Engine | aio.Engine | None, directory: Directory, settings: Mapping[str, Any]
    ) -> None:
        """Takes an engine, or the settings of `Engine.open`; opens nothing yet."""
        self._slot: _web.EngineSlot | None = None
        self._engine: aio.Engine | None = None
        if engine is None:
            self._slot = _web.slot_of({"directory": directory, **settings})
        elif directory is not None or settings:
            message = "an engine was given, so its settings cannot be"
            raise InvalidConfigError(message)
        else:
            self._engine = engine if isinstance(engine, aio.Engine) else aio.Engine(engine)

    async def open(self) -> aio.Engine:
        """Gives the engine of this process. The first to ask opens it, in a thread."""
        if self._engine is None:
            assert self._slot is not None
            self._engine = aio.Engine(await asyncio.to_thread(self._slot.get))
        return self._engine

    async def close(self) -> None:
        """Closes what was opened here. The next use opens it again."""
        if self._slot is not None:
            self._engine = None
            await asyncio.to_thread(self._slot.close)


class WebSession(dict[str, Any]):
    """The session of one request: a dictionary of which only what changed is written."""

    def __init__(self) -> None:
        """Is empty until it is loaded."""
        super().__init__()
        self._engine: aio.Engine | None = None
        self._found: Session | None = None
        self._marks: dict[str, str | bytes] = {}
        self._failure: Error | None = None
        self._is_cleared = False
        self._is_rejected = False
        self.issued: Issued | None = None
        """What was issued while the request was served: its token goes to the client."""
        self.accessed = False
        """Whether anybody asked for it: then the response varies with the cookie."""

    @property
    def failure(self) -> Error | None:
        """Why it could not be read; `None`: it was."""
        return self._failure

    @property
    def engine(self) -> aio.Engine:
        """The engine of this process. Raises what kept it from being opened."""
        if self._failure is not None and self._engine is None:
            raise self._failure
        assert self._engine is not None, "the session is not loaded"
        return self._engine

    @property
    def verified(self) -> Session | None:
        """The session as the engine knows it; `None`: there is none yet."""
        self.mark_accessed()
        return self._found

    @property
    def subject(self) -> str | None:
        """Who is logged in."""
        session = self.verified
        return None if session is None else session.subject

    def mark_accessed(self) -> None:
        """Notes that it is asked for. Raises the failure of the store, if that failed."""
        self.accessed = True
        if self._failure is not None:
            raise self._failure

    async def load(self, source: EngineSource, cookie_headers: Iterable[str | bytes]) -> None:
        """Reads the session that the cookies name. Never raises an error of the store."""
        try:
            self._engine = await source.open()
            found = await self._engine.verify_cookies(list(cookie_headers))
            if found:
                data = await self._read(found)
                # None: from before a login, or just ended. There is nothing to read for it.
                if data is not None:
                    self._take(data)
                if data is not None or found.rotated_to is not None:
                    self._found = found
            self._is_rejected = found is not None and self._found is None
        except Error as error:
            self._failure = error

    async def log_in(self, subject: str, **options: Any) -> None:
        """Makes it a session of `subject`, under a new token, and keeps the data.

        If somebody else is logged in, their session ends, with its data. `options` are those of
        `Engine.log_in`.
        """
        found = self.verified
        if found is not None and found.subject not in (None, subject):
            await self.log_out()
            found = None
        if found is None:
            options.pop("grace", None)
            self._become(await self.engine.create(subject, **options))
        else:
            self._become(await self.engine.log_in(found, subject, **options))
        self._is_cleared = False

    async def rotate(self, **options: Any) -> None:
        """Gives the session a new token: to be called when privileges change."""
        found = self.verified
        if found is not None:
            self._become(await self.engine.rotate(found, **options))

    async def log_out(self) -> None:
        """Ends the session; durable when it returns. What is written afterwards begins anew."""
        found = self.verified
        if found is not None:
            await self.engine.revoke(found)
        self._forget()

    async def save(self) -> None:
        """Writes what was changed; creates the session if there is something to write.

        Raises `SessionGoneError` if the session has ended: it is not brought back.
        """
        if self._failure is not None:
            return
        changed, removed = self.changes()
        if self._is_ended_by(removed):
            await self.log_out()
            return
        if not changed and not removed:
            return
        self.accessed = True
        if self._found is None:
            self._become(await _begin(self.engine, changed))
        else:
            await self.engine.patch_bytes(self._found, changed, remove=removed)
        for name in removed:
            del self._marks[name]
        self._marks.update({name: _mark(dict.get(self, name)) for name in changed})

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """Gives what has to be set, as it is stored, and removed."""
        # `dict.items`, as a subclass may note who calls its own.
        values = dict(dict.items(self))
        if any(name.startswith(_web.HIDDEN) for name in values):
            message = "names that begin with NUL are the adapter's own"
            raise ValueError(message)
        changed = {
            name: dumps(value).encode()
            for name, value in values.items()
            if self._marks.get(name) != _mark(value)
        }
        return changed, [name for name in self._marks if name not in values]

    def cookies(self) -> list[str]:
        """Gives the `Set-Cookie` headers of the response: none unless one is due."""
        if self.issued is not None:
            return self.engine.set_cookies(self.issued)
        if self._found is not None:
            return self.engine.renew_cookies(self._found)
        return self.engine.clear_cookies() if self._is_rejected else []

    def clear(self) -> None:
        """Empties it. What is empty at the end of the request is ended, whoever is logged in."""
        self._is_cleared = True
        super().clear()

    def __repr__(self) -> str:
        """Shows names only: values may be secret."""
        return f"<{type(self).__name__} {sorted(dict.keys(self))}>"

    async def _read(self, found: Session) -> dict[str, Any] | None:
        data = await self.engine.data(found)
        if data is None:
            return None
        return {name: data[name] for name in data if not name.startswith(_web.HIDDEN)}

    def _take(self, data: dict[str, Any]) -> None:
        dict.update(self, data)
        self._marks = {name: _mark(value) for name, value in data.items()}

    def _is_ended_by(self, removed: list[str]) -> bool:
        """Whether emptying it was the way to log out: `clear()`, or the last of a visitor's."""
        if dict.__len__(self) or self._found is None:
            return False
        return self._is_cleared or (bool(removed) and self._found.subject is None)

    def _become(self, issued: Issued) -> None:
        self.issued, self._found = issued, issued.session
        self._is_rejected = False

    def _forget(self) -> None:
        self._is_rejected = self._is_rejected or self._found is not None
        self._found = self.issued = None
        self._marks = {}
        super().clear()


def _mark(value: Any) -> str | bytes:
    """Gives what tells whether a value was changed, also inside: text is what it is."""
    return value if type(value) is str else dumps(value).encode()


async def _begin(engine: aio.Engine, data: dict[str, bytes]) -> Issued:
    """Creates an anonymous session with its first values, or none at all."""

    def begin() -> Issued:
        issued = engine.sync.create()
        try:
            engine.sync.patch_bytes(issued.session, data)
        except Error:
            engine.sync.revoke(issued.session)
            raise
        return issued

    begun = asyncio.ensure_future(asyncio.to_thread(begin))
    try:
        return await asyncio.shield(begun)
    except asyncio.CancelledError:
        begun.add_done_callback(engine._revoke_unwanted)
        raise


def status_of(error: Error) -> int:
    """Gives the HTTP status for an error of the engine. Raises what is the application's own."""
    if isinstance(error, (ValueError, SuspendedError, TooManySessionsError)):
        raise error
    return _web.failure_status(error)
