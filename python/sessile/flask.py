"""Sessions of Flask: `app.session_interface = sessile.flask.Sessions("/var/lib/app/sessions")`.

`flask.session` stays what it was; `log_in`, `log_out` and `rotate` are what it lacked.
`python/docs/flask.md` has the contract.
"""

import contextlib
from collections.abc import Iterator
from os import PathLike
from typing import Any, NoReturn, cast

import flask
from flask.sessions import SessionInterface, SessionMixin, session_json_serializer
from werkzeug.exceptions import Conflict, HTTPException, ServiceUnavailable

from . import _web
from ._sessile import Engine
from .errors import Error

__all__ = ["Session", "Sessions", "log_in", "log_out", "rotate"]


class _TaggedJson:
    """Flask's JSON, which keeps tuples, bytes, dates and UUIDs what they are."""

    def dumps(self, value: Any) -> bytes:
        return session_json_serializer.dumps(value).encode()

    def loads(self, stored: bytes) -> Any:
        return session_json_serializer.loads(stored.decode())


class Session(_web.WebSession, SessionMixin):
    """What `flask.session` is."""

    accessed = False
    modified = False

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether the client came without a session."""
        with _as_http():
            return self.verified is None or self.issued is not None

    def log_in(self, subject: str, **options: Any) -> None:
        """As `sessile.flask.log_in`."""
        with _as_http():
            super().log_in(subject, **options)

    def rotate(self, **options: Any) -> None:
        """As `sessile.flask.rotate`."""
        with _as_http():
            super().rotate(**options)

    def log_out(self) -> None:
        """As `sessile.flask.log_out`."""
        with _as_http():
            super().log_out()

    def _use(self) -> None:
        with _as_http():
            super()._use()


class Sessions(SessionInterface):
    """Keeps the sessions of an application in sessile."""

    def __init__(self, directory: str | PathLike[str] | None, **settings: Any) -> None:
        """Takes the settings of `Engine.open`; opens nothing until a session is used.

        A `directory` of `None` keeps everything in memory, for tests. Unless the settings say
        otherwise, both lifetimes are the application's `PERMANENT_SESSION_LIFETIME`.
        """
        self._settings = {"directory": directory, **settings}
        self._slot: _web.EngineSlot | None = None

    def engine(self, app: flask.Flask | None = None) -> Engine:
        """Gives this process's engine."""
        return self._slot_for(app or flask.current_app).get()

    def close(self) -> None:
        """Closes the engine. The next use opens it again."""
        if self._slot is not None:
            self._slot.close()

    def open_session(self, app: flask.Flask, request: flask.Request) -> Session:
        """Gives the session of the request, which is read at its first use."""
        name = self.get_cookie_name(app)

        def tokens(_engine: Engine) -> list[str]:
            # Four, as the engine takes of its own cookies: a parent domain may have set some.
            return request.cookies.getlist(name)[:4]

        return Session(self._slot_for(app), tokens, _TaggedJson())

    def save_session(
        self, app: flask.Flask, session: SessionMixin, response: flask.Response
    ) -> None:
        """Writes what was changed, and sets or clears the cookie."""
        assert isinstance(session, Session)
        was_accessed = session.accessed
        try:
            if was_accessed or session.issued is not None:
                session.save()
            elif not self._is_refresh_due(app, session):
                return
        except Error as error:
            if was_accessed:
                _fail(response, error)
            else:
                # The response owes nothing to the session.
                _web.failure_status(error)
            return
        self._set_cookie(app, session, response)
        session.accessed = was_accessed
        response.vary.add("Cookie")
        if not response.cache_control:
            response.cache_control.private = True

    def _is_refresh_due(self, app: flask.Flask, session: Session) -> bool:
        """Whether Flask sends the cookie although nothing has used the session."""
        if not app.config["SESSION_REFRESH_EACH_REQUEST"]:
            return False
        session._load()
        return bool(session._values.get("_permanent"))

    def _set_cookie(self, app: flask.Flask, session: Session, response: flask.Response) -> None:
        attributes: dict[str, Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "partitioned": self.get_cookie_partitioned(app),
            "samesite": self.get_cookie_samesite(app),
            "httponly": self.get_cookie_httponly(app),
        }
        name, token = self.get_cookie_name(app), session.token
        if session.is_rejected:
            response.delete_cookie(name, **attributes)
            return
        found = session._found
        is_renewed = found is not None and found.renewed_token is not None
        is_due = session.issued is not None or is_renewed
        if token is not None and (is_due or self.should_set_cookie(app, session)):
            expires = self.get_expiration_time(app, session)
            response.set_cookie(name, token, expires=expires, **attributes)

    def _slot_for(self, app: flask.Flask) -> _web.EngineSlot:
        if self._slot is None:
            lifetime = app.permanent_session_lifetime
            lifetimes = {"idle_timeout": lifetime, "absolute_lifetime": lifetime}
            defaults = {} if "lifetimes" in self._settings else lifetimes
            self._slot = _web.slot_of({**defaults, **self._settings})
        return self._slot


def log_in(subject: str, **options: Any) -> None:
    """Makes `flask.session` one of `subject`, who has just proved who it is.

    The token changes, so that whoever knew the one from before has nothing; the data stay.
    `options` are those of `Engine.log_in`.
    """
    _current().log_in(subject, **options)


def log_out() -> None:
    """Ends `flask.session`: durable when it returns."""
    _current().log_out()


def rotate(**options: Any) -> None:
    """Gives `flask.session` a new token: when privileges change."""
    _current().rotate(**options)


def _current() -> Session:
    # `flask.session` is a proxy: this is what it stands for.
    return cast("Session", flask.session._get_current_object())  # type: ignore[attr-defined]


@contextlib.contextmanager
def _as_http() -> Iterator[None]:
    """Turns a failure of the engine into a response; never into an empty session."""
    try:
        yield
    except Error as error:
        _raise(error)


def _raise(error: Error) -> NoReturn:
    status = _web.failure_status(error)
    text = _web.FAILURE_TEXTS[status]
    answer: HTTPException = Conflict(text)
    if status == 503:
        answer = ServiceUnavailable(text, retry_after=_web.RETRY_AFTER_SECS)
    raise answer from error


def _fail(response: flask.Response, error: Error) -> None:
    """Replaces a response that was made before the session could be saved."""
    status = _web.failure_status(error)
    response.close()
    response.status_code = status
    response.headers.clear()
    response.content_type = "text/plain"
    response.set_data(_web.FAILURE_TEXTS[status])
    response.cache_control.no_store = True
    if status == 503:
        response.retry_after = _web.RETRY_AFTER_SECS
