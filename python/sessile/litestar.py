"""Sessions of Litestar: a backend that, unlike Litestar's own, adopts no id that a client chose.

`request.session` stays what it was; `log_in`, `log_out` and `rotate` are what it lacked.
`python/docs/litestar.md` has the contract.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, cast

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.middleware.base import DefineMiddleware
from litestar.middleware.session.base import (
    BaseBackendConfig,
    BaseSessionBackend,
    SessionMiddleware,
)
from litestar.types import Empty, HTTPResponseStartEvent, Message, ScopeSession

from . import _asgi, _web, aio
from ._sessile import Engine
from .errors import Error

__all__ = ["Session", "SessionBackend", "SessionConfig", "log_in", "log_out", "rotate", "session"]

_Connection = ASGIConnection[Any, Any, Any, Any]
_SCOPE_KEY = "sessile.session"


class Session(_asgi.WebSession):
    """What `request.session` is: a dictionary with `log_in`, `log_out`, `rotate` and `subject`."""

    def mark_accessed(self) -> None:
        """Notes that it is asked for. Answers 503 if it could not be read."""
        try:
            super().mark_accessed()
        except Error as error:
            _raise(error)


def _marking(name: str) -> Callable[..., Any]:
    """Gives a method of `dict` that notes that the session was asked for."""
    plain = getattr(dict, name)

    def method(self: Session, *args: Any, **values: Any) -> Any:
        self.mark_accessed()
        return plain(self, *args, **values)

    method.__name__ = name
    return method


# `__iter__` above all: with one of its own, `dict(session)` asks this class, too.
for _name in (
    ["__contains__", "__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__len__"]
    + ["__ne__", "__or__", "__ror__", "__setitem__", "copy", "get", "items", "keys", "pop"]
    + ["popitem", "setdefault", "update", "values"]
):
    setattr(Session, _name, _marking(_name))


class SessionConfig(BaseBackendConfig["SessionBackend"]):
    """What an application is given: `middleware=[config.middleware], lifespan=[config.lives]`."""

    def __init__(
        self,
        directory: _asgi.Directory = None,
        *,
        engine: Engine | aio.Engine | None = None,
        exclude: str | list[str] | None = None,
        exclude_opt_key: str = "skip_session",
        **settings: Any,
    ) -> None:
        """Takes the settings of `Engine.open`, or an engine that the application opens itself.

        A `directory` of `None` keeps everything in memory, for tests.
        """
        self._backend_class = SessionBackend
        self.exclude = exclude
        self.exclude_opt_key = exclude_opt_key
        self.source = _asgi.EngineSource(engine, directory, settings)

    @property
    def middleware(self) -> DefineMiddleware:
        """Gives the middleware for the application."""
        return DefineMiddleware(_Middleware, backend=self._backend_class(config=self))

    @contextlib.asynccontextmanager
    async def lives(self, _app: Litestar) -> AsyncIterator[None]:
        """Opens the engine with the application and closes it with it."""
        await self.source.open()
        try:
            yield
        finally:
            await self.source.close()


class SessionBackend(BaseSessionBackend[SessionConfig]):
    """Keeps sessions in sessile, for Litestar's middleware."""

    def get_session_id(self, connection: _Connection) -> str | None:
        """Gives the handle: the public name of the session, which nobody can log in with."""
        found = _of(connection)._found
        return None if found is None else found.handle

    async def load_from_connection(self, connection: _Connection) -> dict[str, Any]:
        """Reads the session that the cookies name."""
        session = Session()
        await session.load(self.config.source, connection.headers.getall("cookie", []))
        connection.scope[_SCOPE_KEY] = session  # type: ignore[literal-required]
        return session

    async def store_in_message(
        self, scope_session: ScopeSession, message: Message, connection: _Connection
    ) -> None:
        """Writes what was changed, and sets or clears the cookies."""
        session = _of(connection)
        if scope_session is not session:
            session.accessed = True
        if not session.accessed:
            return
        try:
            if session.failure is not None:
                raise session.failure
            self._take_over(scope_session, session, connection)
            await session.save()
            _add_headers(session, cast("HTTPResponseStartEvent", message))
        except Error as error:
            _raise(error)

    def _take_over(
        self, scope_session: ScopeSession, session: Session, connection: _Connection
    ) -> None:
        """Takes over what the application set with `set_session` or `clear_session`."""
        if scope_session is Empty:
            session.clear()
            return
        # As Litestar serializes: moments, UUIDs and models become text and dictionaries.
        plain = self.deserialize_data(self.serialize_data(_plain(scope_session), connection.scope))
        dict.clear(session)
        dict.update(session, plain)


class _Middleware(SessionMiddleware[SessionBackend]):
    """Litestar's, which in addition can answer that the session could not be saved."""

    def create_send_wrapper(self, connection: _Connection) -> Callable[[Message], Awaitable[None]]:
        """Gives what the application calls as `send`."""
        is_replaced = False

        async def send(message: Message) -> None:
            nonlocal is_replaced
            if is_replaced:
                return
            if message["type"] == "http.response.start":
                try:
                    scope_session = connection.scope.get("session")
                    await self.backend.store_in_message(scope_session, message, connection)
                except HTTPException as answer:
                    # Too late for Litestar, to which the response has begun.
                    is_replaced = True
                    await _send_instead(connection, answer)
                    return
            await connection.send(message)

        return send


async def _send_instead(connection: _Connection, answer: HTTPException) -> None:
    text = answer.detail.encode()
    headers = {"Content-Type": "text/plain", "Content-Length": str(len(text))}
    headers.update(answer.headers or {})
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await connection.send(
        {"type": "http.response.start", "status": answer.status_code, "headers": raw}
    )
    await connection.send({"type": "http.response.body", "body": text, "more_body": False})


def _plain(scope_session: ScopeSession) -> Any:
    return dict(dict.items(scope_session)) if isinstance(scope_session, dict) else scope_session


def _add_headers(session: Session, message: HTTPResponseStartEvent) -> None:
    headers = MutableScopeHeaders.from_message(message)
    for cookie in session.cookies():
        headers.add("Set-Cookie", cookie)
    if "cookie" not in headers.get("vary", "").lower():
        headers.add("Vary", "Cookie")
    headers.setdefault("Cache-Control", "private")


def _of(connection: _Connection) -> Session:
    return cast("Session", connection.scope[_SCOPE_KEY])  # type: ignore[literal-required]


def session(connection: _Connection) -> Session:
    """Gives the session of a request, by its type."""
    found = _of(connection)
    found.mark_accessed()
    return found


async def log_in(connection: _Connection, subject: str, **options: Any) -> None:
    """Makes the session of the request one of `subject`, who has just proved who it is.

    The token changes, so that whoever knew the one from before has nothing; the data stay.
    `options` are those of `Engine.log_in`.
    """
    await _change(connection, "log_in", subject, **options)


async def log_out(connection: _Connection) -> None:
    """Ends the session of the request: durable when it returns."""
    await _change(connection, "log_out")


async def rotate(connection: _Connection, **options: Any) -> None:
    """Gives the session of the request a new token: when privileges change."""
    await _change(connection, "rotate", **options)


async def _change(connection: _Connection, verb: str, *args: Any, **options: Any) -> None:
    try:
        await getattr(session(connection), verb)(*args, **options)
    except Error as error:
        _raise(error)


def _raise(error: Error) -> NoReturn:
    """Answers 503 or 409. Clears no cookie."""
    status = _asgi.status_of(error)
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(_web.RETRY_AFTER_SECS)
    raise HTTPException(_web.FAILURE_TEXTS[status], status_code=status, headers=headers) from error
