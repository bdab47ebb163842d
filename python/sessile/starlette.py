"""Sessions of Starlette: `app.add_middleware(SessionMiddleware, directory="sessions")`.

`request.session` stays what it was; `log_in`, `log_out` and `rotate` are what it lacked.
`python/docs/starlette.md` has the contract.
"""

from typing import Any, cast

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import _asgi, _web, aio
from ._sessile import Engine
from .errors import Error

__all__ = ["Session", "SessionMiddleware", "engine", "log_in", "log_out", "rotate", "session"]

Session = _asgi.WebSession
"""What `request.session` is: a dictionary with `log_in`, `log_out`, `rotate` and `subject`."""


class SessionMiddleware:
    """Gives every request and every WebSocket its session."""

    def __init__(
        self,
        app: ASGIApp,
        directory: _asgi.Directory = None,
        *,
        engine: Engine | aio.Engine | None = None,
        **settings: Any,
    ) -> None:
        """Takes the settings of `Engine.open`, or an engine that the application opens itself.

        The engine is opened when the application starts, and closed when it ends. A `directory`
        of `None` keeps everything in memory, for tests.
        """
        self.app = app
        self._source = _asgi.EngineSource(engine, directory, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] in ("http", "websocket"):
            await self._serve(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Opens the engine before the application starts, so that a failure ends the start."""
        failure: Error | None = None

        async def receive_open() -> Message:
            nonlocal failure
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._source.open()
                except Error as error:
                    failure = error
                    raise
            return message

        try:
            await self.app(scope, receive_open, send)
        except Error as error:
            if error is not failure:
                raise
            message = f"{type(error).__name__}: {error}"
            await send({"type": "lifespan.startup.failed", "message": message})
        finally:
            await self._source.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = Session()
        await session.load(self._source, Headers(scope=scope).getlist("cookie"))
        scope["session"] = session
        answer = _Answer(scope, session, send)
        try:
            await self.app(scope, receive, answer.send)
            # What was written after the response began, by a background task for one.
            await answer.save_late()
        except Error as error:
            await answer.fail(error)


class _Answer:
    """The response of one request, which begins once the session is saved."""

    def __init__(self, scope: Scope, session: Session, send: Send) -> None:
        self._scope = scope
        self._session = session
        self._send = send
        self._is_begun = False
        self._is_replaced = False

    async def send(self, message: Message) -> None:
        """What the application calls as `send`."""
        if self._is_replaced:
            return
        if message["type"] in _BEGINNINGS:
            try:
                await self._session.save()
                if self._session.accessed and self._session.failure is not None:
                    # Somebody asked, was told of the failure, and went on as if it were none.
                    raise self._session.failure
            except Error as error:
                await self.fail(error)
                return
            self._is_begun = True
            if self._session.accessed:
                self._add_headers(message)
        await self._send(message)

    async def save_late(self) -> None:
        """Writes what the session was given after the response began."""
        if self._is_replaced:
            return
        if self._session.changes()[0] and self._session.verified is None:
            _web.log.warning("a session was written to after its response began: it is lost")
            return
        await self._session.save()

    async def fail(self, error: Error) -> None:
        """Answers 503 or 409 instead. Clears no cookie."""
        if self._is_begun or self._is_replaced:
            raise error
        status = _asgi.status_of(error)
        self._is_replaced = True
        kind = "http"
        if self._scope["type"] == "websocket":
            if "websocket.http.response" not in self._scope.get("extensions", {}):
                await self._send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
                return
            kind = "websocket.http"
        text = _web.FAILURE_TEXTS[status].encode()
        headers = MutableHeaders({"content-type": "text/plain", "cache-control": "no-store"})
        headers["content-length"] = str(len(text))
        if status == 503:
            headers["retry-after"] = str(_web.RETRY_AFTER_SECS)
        start = {"type": f"{kind}.response.start", "status": status, "headers": headers.raw}
        await self._send(start)
        await self._send({"type": f"{kind}.response.body", "body": text})

    def _add_headers(self, message: Message) -> None:
        message.setdefault("headers", [])
        headers = MutableHeaders(scope=message)
        for cookie in self._session.cookies():
            headers.append("Set-Cookie", cookie)
        if message["type"] != "websocket.accept":
            headers.add_vary_header("Cookie")
            headers.setdefault("Cache-Control", "private")


_BEGINNINGS = ("http.response.start", "websocket.http.response.start", "websocket.accept")

_TRY_AGAIN_LATER = 1013
"""The close code (registered for WebSockets) of a server that cannot now."""


def session(request: HTTPConnection) -> Session:
    """Gives the session of a request: `request.session`, by its type."""
    return cast("Session", request.session)


def engine(request: HTTPConnection) -> aio.Engine:
    """Gives this process's engine."""
    return session(request).engine


async def log_in(request: HTTPConnection, subject: str, **options: Any) -> None:
    """Makes the session of the request one of `subject`, who has just proved who it is.

    The token changes, so that whoever knew the one from before has nothing; the data stay.
    `options` are those of `Engine.log_in`.
    """
    await session(request).log_in(subject, **options)


async def log_out(request: HTTPConnection) -> None:
    """Ends the session of the request: durable when it returns."""
    await session(request).log_out()


async def rotate(request: HTTPConnection, **options: Any) -> None:
    """Gives the session of the request a new token: when privileges change."""
    await session(request).rotate(**options)
