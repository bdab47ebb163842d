"""Sessions of aiohttp: a storage for aiohttp-session that keeps them in sessile.

>>> from aiohttp import web
>>> import sessile.aiohttp
>>> app = web.Application()
>>> sessile.aiohttp.setup(app, sessile.aiohttp.Storage(directory=None))

`aiohttp_session.get_session(request)` stays what it was; `log_in`, `log_out` and `rotate` are what
it lacked. `python/docs/aiohttp.md` has the contract.
"""

from collections.abc import AsyncIterator
from typing import Any, NoReturn, cast

import aiohttp_session
from aiohttp import web

from . import _asgi, _web, aio
from ._sessile import Engine
from .errors import Error

__all__ = ["Session", "Storage", "log_in", "log_out", "rotate", "setup"]


class Session(aiohttp_session.Session):
    """What `get_session` gives."""

    # The middleware hands over a session only if this is true, and whether it is can be told by
    # comparing alone: a list in it may have grown.
    _changed = True

    def __init__(self, values: _asgi.WebSession, *, replaces: bool) -> None:
        """Takes the session of the request, or one that replaces it."""
        found = values.verified
        handle = None if found is None else found.handle
        super().__init__(handle, data=None, new=found is None)
        self._mapping: _asgi.WebSession = values
        self._replaces = replaces
        self._changed = True
        if found is not None:
            self._created = int(found.created.timestamp())

    @property
    def identity(self) -> str | None:
        """The handle: the public name of the session; knowing it grants nothing."""
        found = self._mapping.verified
        return None if found is None else found.handle

    @property
    def subject(self) -> str | None:
        """Who is logged in."""
        return self._mapping.subject

    @property
    def max_age(self) -> int | None:
        """Always `None`: the engine's settings say how long a session lasts."""
        return None

    @max_age.setter
    def max_age(self, value: int | None) -> None:
        if value is not None:
            message = "the engine's settings say how long a session lasts"
            raise RuntimeError(message)

    def invalidate(self) -> None:
        """Empties it: it ends when the request does."""
        self._mapping.clear()

    def set_new_identity(self, identity: Any) -> NoReturn:
        """Refuses: the engine names sessions, nobody else."""
        message = "the engine names sessions"
        raise RuntimeError(message)


class Storage(aiohttp_session.AbstractStorage):
    """Keeps the sessions of an application in sessile."""

    def __init__(
        self,
        directory: _asgi.Directory = None,
        *,
        engine: Engine | aio.Engine | None = None,
        **settings: Any,
    ) -> None:
        """Takes the settings of `Engine.open`, or an engine that the application opens itself.

        A `directory` of `None` keeps everything in memory, for tests.
        """
        super().__init__()
        self._source = _asgi.EngineSource(engine, directory, settings)

    async def engine(self) -> aio.Engine:
        """Gives the engine of this process."""
        return await self._source.open()

    async def lives(self, _app: web.Application) -> AsyncIterator[None]:
        """Opens the engine with the application and closes it with it, for `cleanup_ctx`."""
        await self._source.open()
        yield
        await self._source.close()

    async def new_session(self) -> Session:
        """Gives a session that takes the place of the one that the client has."""
        values = _asgi.WebSession()
        await values.load(self._source, [])
        return _session_of(values, replaces=True)

    async def load_session(self, request: web.Request) -> Session:
        """Gives the session that the client has, or an empty one."""
        values = _asgi.WebSession()
        await values.load(self._source, request.headers.getall("Cookie", []))
        return _session_of(values, replaces=False)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: aiohttp_session.Session
    ) -> None:
        """Writes what was changed, and sets or clears the cookies."""
        assert isinstance(session, Session)
        values = session._mapping
        try:
            await values.save()
            if session._replaces:
                await self._end_replaced(request, values)
            cookies = values.cookies()
        except Error as error:
            _raise(error)
        for cookie in cookies:
            response.headers.add("Set-Cookie", cookie)
        varies = response.headers.getall("Vary", [])
        if "cookie" not in ", ".join(varies).lower():
            response.headers.add("Vary", "Cookie")
        response.headers.setdefault("Cache-Control", "private")

    async def _end_replaced(self, request: web.Request, values: _asgi.WebSession) -> None:
        old = _asgi.WebSession()
        await old.load(self._source, request.headers.getall("Cookie", []))
        await old.log_out()
        values._is_rejected = values._is_rejected or old._is_rejected


def setup(app: web.Application, storage: Storage) -> None:
    """Gives every request of an application its session, and the engine the application's life."""
    aiohttp_session.setup(app, storage)
    app.cleanup_ctx.append(storage.lives)


async def log_in(request: web.Request, subject: str, **options: Any) -> None:
    """Makes the session of the request one of `subject`, who has just proved who it is.

    The token changes, so that whoever knew the one from before has nothing; the data stay.
    `options` are those of `Engine.log_in`.
    """
    await _change(request, "log_in", subject, **options)


async def log_out(request: web.Request) -> None:
    """Ends the session of the request: durable when it returns."""
    await _change(request, "log_out")


async def rotate(request: web.Request, **options: Any) -> None:
    """Gives the session of the request a new token: when privileges change."""
    await _change(request, "rotate", **options)


async def _change(request: web.Request, verb: str, *args: Any, **options: Any) -> None:
    session = cast("Session", await aiohttp_session.get_session(request))
    try:
        await getattr(session._mapping, verb)(*args, **options)
    except Error as error:
        _raise(error)


def _session_of(values: _asgi.WebSession, *, replaces: bool) -> Session:
    try:
        return Session(values, replaces=replaces)
    except Error as error:
        _raise(error)


def _raise(error: Error) -> NoReturn:
    """Answers 503 or 409. Clears no cookie."""
    status = _asgi.status_of(error)
    text, headers = _web.FAILURE_TEXTS[status], {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(_web.RETRY_AFTER_SECS)
        raise web.HTTPServiceUnavailable(text=text, headers=headers) from error
    raise web.HTTPConflict(text=text, headers=headers) from error
