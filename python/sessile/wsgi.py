"""Sessions of any WSGI application: `application = sessile.wsgi.Sessions(application, directory)`.

The session is `environ["sessile.session"]`; `python/docs/wsgi.md` has the contract.
"""

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _web
from ._sessile import Engine
from .errors import Error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ENVIRON_KEY", "Session", "Sessions"]

ENVIRON_KEY = "sessile.session"
"""Where an application finds its session."""

Session: TypeAlias = _web.WebSession
"""The session of a request: a mapping with `log_in`, `log_out`, `rotate` and `subject`."""

_Headers: TypeAlias = list[tuple[str, str]]
_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
)


class Sessions:
    """A middleware that gives every request its session."""

    def __init__(
        self,
        application: "WSGIApplication",
        directory: str | PathLike[str] | None,
        **settings: Any,
    ) -> None:
        """Takes the settings of `Engine.open`; opens nothing until a session is used.

        A `directory` of `None` keeps everything in memory, for tests.
        """
        self._application = application
        self._slot = _web.slot_of({"directory": directory, **settings})

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        return self._slot.get()

    def close(self) -> None:
        """Closes the engine. The next use opens it again."""
        self._slot.close()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serves a request. The session is saved before the first byte goes out."""
        header = environ.get("HTTP_COOKIE")
        session = _web.WebSession(self._slot, lambda engine: engine.cookie_values(header))
        environ[ENVIRON_KEY] = session
        answer = _Answer(start_response, session)
        try:
            return _Body(answer, self._application(environ, answer.start))
        except Error as error:
            return answer.fail(error)


class _Answer:
    """The status and headers of a response, held back until the session is saved."""

    def __init__(self, start_response: "StartResponse", session: Session) -> None:
        self._start_response = start_response
        self._session = session
        self._held: tuple[str, _Headers, _ExcInfo | None] | None = None
        self._write: Callable[[bytes], object] | None = None

    @property
    def is_started(self) -> bool:
        """Whether the application has called `start_response`."""
        return self._held is not None

    def start(
        self, status: str, headers: _Headers, exc_info: _ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """What the application calls as `start_response`."""
        if self._write is not None:
            # Too late for another: PEP 3333 has the server raise what is in `exc_info`.
            return self._start_response(status, headers, exc_info)
        if self._held is not None and exc_info is None:
            message = "start_response was called twice"
            raise AssertionError(message)
        self._held = status, list(headers), exc_info
        return self._write_now

    def release(self) -> None:
        """Saves the session and sends status and headers on, once."""
        if self._write is not None:
            return
        if self._held is None:
            message = "the application gave a body before it called start_response"
            raise AssertionError(message)
        status, headers, exc_info = self._held
        self._session.save()
        headers += self._session_headers(headers)
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            self._write = self._start_response(status, headers, exc_info)

    def fail(self, error: Error) -> list[bytes]:
        """Answers 503 or 409 instead. Clears no cookie."""
        if self._write is not None:
            raise error
        status = _web.failure_status(error)
        text = _web.FAILURE_TEXTS[status].encode()
        headers = [
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(text))),
            ("Cache-Control", "no-store"),
        ]
        if status == 503:
            headers.append(("Retry-After", str(_web.RETRY_AFTER_SECS)))
        phrase = {409: "Conflict", 503: "Service Unavailable"}[status]
        self._write = self._start_response(f"{status} {phrase}", headers)
        return [text]

    def _write_now(self, data: bytes) -> object:
        self.release()
        assert self._write is not None
        return self._write(data)

    def _session_headers(self, headers: _Headers) -> _Headers:
        session = self._session
        if not session.accessed:
            return []
        engine, found = session.engine, session.verified
        if session.issued is not None:
            cookies = engine.set_cookies(session.issued)
        elif found is not None:
            cookies = engine.renew_cookies(found)
        else:
            cookies = engine.clear_cookies() if session.is_rejected else []
        added = [("Set-Cookie", cookie) for cookie in cookies]
        names = {name.lower(): value for name, value in headers}
        if "cookie" not in names.get("vary", "").lower():
            added.append(("Vary", "Cookie"))
        if "cache-control" not in names:
            added.append(("Cache-Control", "private"))
        return added


class _Body:
    """The body of a response, whose first part releases the headers."""

    def __init__(self, answer: _Answer, body: Iterable[bytes]) -> None:
        self._answer = answer
        self._body = body
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            try:
                part = next(self._parts)
            except StopIteration:
                self._answer.release()
                raise
            # An application may give empty parts before it knows its status (PEP 3333).
            if part or self._answer.is_started:
                self._answer.release()
        except Error as error:
            self._parts = iter(())
            return self._answer.fail(error)[0]
        return part

    def close(self) -> None:
        """Closes the application's body, whatever happened."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
