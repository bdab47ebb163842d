"""Sessions of Django: `SESSION_ENGINE = "sessile.django"` and `SESSILE = {"directory": ...}`.

The cookie's value is a session token: what the engine did not issue is never a session. Every
session of a user is found under the user's primary key, so that `log_out_everywhere` ends them
all. `python/docs/django.md` has the settings and what differs from Django's own backends.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as _SessionMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_cache_control

from . import _web
from ._sessile import Engine, Issued, Rejected, Session
from .errors import Error, LockedError, SessionGoneError
from .values import SessionInfo

__all__ = [
    "SessionMiddleware",
    "SessionStore",
    "engine",
    "log_out_everywhere",
    "sessions_of",
]

_LIFETIME_SECS_MAX = 400 * 86_400
"""400 days: what an engine takes at most, and what browsers make of any longer `Max-Age`."""

_LIFETIME_SECS = 30 * 86_400
"""30 days, the absolute lifetime unless `SESSILE` gives one: OWASP and NIST want one at all."""

_DEADLINE = _web.HIDDEN + "deadline"
"""Where the end of a session with an expiry of its own is kept: seconds since 1970."""

_DEADLINE_SLACK = timedelta(seconds=60)
"""How much later than the engine's idle deadline a session may be meant to end before the engine
is told: a rotation, so not at every save."""

_slot: _web.EngineSlot | None = None


def engine() -> Engine:
    """Gives this process's engine, opened with `settings.SESSILE` at the first use."""
    global _slot
    slot = _slot
    if slot is None:
        given = getattr(settings, "SESSILE", None)
        if not isinstance(given, dict) or "directory" not in given:
            message = 'SESSILE = {"directory": ...} is missing from the settings'
            raise ImproperlyConfigured(message)
        age = min(settings.SESSION_COOKIE_AGE, _LIFETIME_SECS_MAX)
        lifetimes = {"idle_timeout": age, "absolute_lifetime": max(age, _LIFETIME_SECS)}
        defaults = {} if "lifetimes" in given else lifetimes
        slot = _slot = _web.slot_of({**defaults, **given})
    return slot.get()


def _reopen(*, setting: str, **_others: Any) -> None:
    """Opens anew when a test overrides the settings."""
    global _slot
    if setting in ("SESSILE", "SESSION_COOKIE_AGE") and _slot is not None:
        slot, _slot = _slot, None
        slot.close()


setting_changed.connect(_reopen)


def log_out_everywhere(user: Any, *, except_: "SessionStore | None" = None) -> None:
    """Ends every session of the user; but for one, if wished: `except_=request.session`."""
    kept = None if except_ is None else except_._verified()
    engine().revoke_subject(_subject_of(user), except_=kept)


def sessions_of(user: Any) -> list[SessionInfo]:
    """Lists the user's sessions: for a page that shows the devices."""
    return engine().list(_subject_of(user))


def _subject_of(user: Any) -> str:
    return str(user._meta.pk.value_to_string(user))


class _State(NamedTuple):
    """What the engine said about a key."""

    key: str
    session: Session
    read: dict[str, bytes]


class SessionStore(SessionBase):
    """The session of a request, kept by sessile."""

    _state: _State | None = None

    def exists(self, session_key: str | None) -> bool:
        """Says whether it is the token of a valid session. Does not count as a use of it."""
        return session_key is not None and bool(engine().peek(session_key))

    async def aexists(self, session_key: str | None) -> bool:
        """As `exists`."""
        return await asyncio.to_thread(self.exists, session_key)

    def load(self) -> dict[str, Any]:
        """Reads the session; without a valid one it is empty, and has no key."""
        key = self.session_key
        found = None if key is None else engine().verify(key)
        return self._loaded(found, engine().data_bytes(found) if found else None)

    async def aload(self) -> dict[str, Any]:
        """As `load`; from the cache without a thread."""
        key = self.session_key
        found = None if key is None else engine().verify_at_once(key)
        if found is None:
            return await asyncio.to_thread(self.load)
        if isinstance(found, Rejected):
            return self._loaded(found, None)
        data = _web.bytes_at_once(engine(), found)
        if data is None:
            data = await asyncio.to_thread(engine().data_bytes, found)
        return self._loaded(found, data)

    def _loaded(
        self, found: Session | Rejected | None, read: dict[str, bytes] | None
    ) -> dict[str, Any]:
        key = self.session_key
        if key is None or not isinstance(found, Session) or read is None or _is_over(read):
            self._state, self._session_key = None, None
            return {}
        self._state = _State(key, found, read)
        serializer = self.serializer()
        return {
            name: serializer.loads(text)
            for name, text in read.items()
            if not name.startswith(_web.HIDDEN)
        }

    def create(self) -> None:
        """Creates a session, with the data that it has already, under a key of the engine's."""
        self._begin(None, self._values(no_load=True))
        self.modified = True

    async def acreate(self) -> None:
        """As `create`."""
        await asyncio.to_thread(self.create)

    def save(self, must_create: bool = False) -> None:
        """Writes what was changed. Raises `UpdateError` if the session has ended."""
        if self.session_key is None or must_create:
            self.create()
            return
        values = self._values()
        state = self._current()
        if state is None:
            # The key was not one of ours, or no longer: it is not adopted.
            self.create()
            return
        try:
            state = self._tell_subject(state, values)
            self._write(self._extend(state, values), values)
        except SessionGoneError as error:
            raise UpdateError from error

    async def asave(self, must_create: bool = False) -> None:
        """As `save`."""
        await asyncio.to_thread(self.save, must_create)

    def delete(self, session_key: str | None = None) -> None:
        """Ends the session of the key, or this one."""
        key = self.session_key if session_key is None else session_key
        found = None if key is None else engine().peek(key)
        if isinstance(found, Session):
            engine().revoke(found)

    async def adelete(self, session_key: str | None = None) -> None:
        """As `delete`."""
        await asyncio.to_thread(self.delete, session_key)

    def cycle_key(self) -> None:
        """Gives the session a new key; the old one is dead at once. Data stay.

        Raises `SessionInterrupted` if the session has ended meanwhile: a copy of its data under
        a new key would bring it back.
        """
        self._values()
        state = self._current()
        if state is not None:
            try:
                self._become(engine().rotate(state.session, grace=0), state.read)
            except SessionGoneError as error:
                message = "the session ended while the request was under way"
                raise SessionInterrupted(message) from error
        self.modified = True

    async def acycle_key(self) -> None:
        """As `cycle_key`."""
        await asyncio.to_thread(self.cycle_key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Sets a value. The user's goes to the engine at once, so that the key is final."""
        super().__setitem__(key, value)
        if key == SESSION_KEY:
            self._bind()

    async def aset(self, key: Any, value: Any) -> None:
        """As `session[key] = value`."""
        await super().aset(key, value)
        if key == SESSION_KEY:
            await asyncio.to_thread(self._bind)

    @classmethod
    def clear_expired(cls) -> None:
        """Removes what has expired; the engine of a running server does so by itself."""
        try:
            while engine().tick().is_more_due:
                pass
        except LockedError:
            # The process that has the store open sweeps it.
            pass

    @classmethod
    async def aclear_expired(cls) -> None:
        """As `clear_expired`."""
        await asyncio.to_thread(cls.clear_expired)

    def _values(self, no_load: bool = False) -> dict[str, Any]:
        """Gives the session's values, read at the first use."""
        values = self._get_session(no_load=no_load)  # type: ignore[attr-defined]
        return cast("dict[str, Any]", values)

    def _verified(self) -> Session | None:
        self._values()
        state = self._current()
        return None if state is None else state.session

    def _current(self) -> _State | None:
        state = self._state
        return state if state is not None and state.key == self.session_key else None

    def _become(self, issued: Issued, read: dict[str, bytes]) -> _State:
        key = issued.token.reveal()
        self._session_key = key
        self._state = _State(key, issued.session, read)
        return self._state

    def _begin(self, subject: str | None, values: dict[str, Any]) -> None:
        """Creates a session with these values; none is left if they cannot be written."""
        subject = subject or _user_in(values)
        idle = self._idle_secs(values)
        issued = engine().create(subject, idle_timeout=idle)
        state = self._become(issued, {})
        try:
            self._write(state, values)
        except Error:
            self._state, self._session_key = None, None
            engine().revoke(issued.session)
            raise

    def _bind(self) -> None:
        """Makes it the user's, who has just logged in."""
        values = self._values()
        state, subject = self._current(), _user_in(values)
        if subject is None or (state is not None and state.session.subject == subject):
            return
        try:
            if state is None:
                self._begin(subject, values)
            else:
                self._tell_subject(state, values)
        except SessionGoneError as error:
            message = "the session ended while the user logged in"
            raise SessionInterrupted(message) from error

    def _tell_subject(self, state: _State, values: dict[str, Any]) -> _State:
        """Moves a session to the user that its data name, if that is news to the engine."""
        subject = _user_in(values)
        if subject is None or subject == state.session.subject:
            return state
        if state.session.subject is None:
            return self._become(engine().log_in(state.session, subject, grace=0), state.read)
        # Another's session is never handed on: it ends, and a new one begins.
        if not engine().revoke(state.session):
            message = "the session has ended"
            raise SessionGoneError(message)
        return self._become(engine().create(subject), {})

    def _extend(self, state: _State, values: dict[str, Any]) -> _State:
        """Tells the engine when the session may stay unused for longer than it knew."""
        idle = self._idle_secs(values)
        if idle is None:
            return state
        session = state.session
        wanted = min(session.verified_at + timedelta(seconds=idle), session.absolute_deadline)
        if wanted <= session.idle_deadline + _DEADLINE_SLACK:
            return state
        return self._become(engine().rotate(session, idle_timeout=idle), state.read)

    def _write(self, state: _State, values: dict[str, Any]) -> None:
        """Writes what differs from what was read; the values are merged key by key."""
        serializer = self.serializer()
        named = {_name_of(key, serializer): value for key, value in values.items()}
        changed, removed = _web.changes(state.read, named, serializer)
        if values.get("_session_expiry"):
            deadline = timezone.now().timestamp() + self._age_of(values)
            changed[_DEADLINE] = str(deadline).encode()
        elif _DEADLINE in state.read:
            removed.append(_DEADLINE)
        if changed or removed:
            engine().patch_bytes(state.session, changed, remove=removed)
        elif not engine().touch(state.session):
            message = "the session has ended"
            raise SessionGoneError(message)
        read = {name: text for name, text in state.read.items() if name not in removed}
        self._state = state._replace(read={**read, **changed})

    def _age_of(self, values: dict[str, Any]) -> float:
        return float(self.get_expiry_age(expiry=values.get("_session_expiry")))

    def _idle_secs(self, values: dict[str, Any]) -> float | None:
        """Gives the idle timeout for an expiry of its own, as an engine takes it."""
        if not values.get("_session_expiry"):
            return None
        return min(max(self._age_of(values), 1), _LIFETIME_SECS_MAX)


def _user_in(values: dict[str, Any]) -> str | None:
    user = values.get(SESSION_KEY)
    return None if user is None else str(user)


def _is_over(read: dict[str, bytes]) -> bool:
    deadline = read.get(_DEADLINE)
    return deadline is not None and timezone.now().timestamp() >= float(deadline)


def _name_of(key: Any, serializer: Any) -> str:
    """Gives a key as the serializer would write it in a dictionary: 1 becomes "1" in JSON."""
    if isinstance(key, str):
        return key
    (name,) = serializer.loads(serializer.dumps({key: None}))
    return cast("str", name)


class SessionMiddleware(_SessionMiddleware):
    """Django's own, in whose place it stands, and what that lacks.

    A failure of the store is a 503 and clears no cookie. A response that sets the cookie, or was
    made from the session, is kept out of shared caches.
    """

    async_capable = True

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers a failure of the store in a view."""
        del request
        return _failed(exception) if isinstance(exception, Error) else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """Saves the session, and says who may keep the response."""
        try:
            response = super().process_response(request, cast("HttpResponse", response))
        except Error as error:
            return _failed(error)
        if "Cookie" in _vary(response) and getattr(request.session, "accessed", True):
            if not response.has_header("Cache-Control"):
                patch_cache_control(response, private=True)
        return response


def _vary(response: HttpResponseBase) -> Iterable[str]:
    return [name.strip() for name in response.get("Vary", "").split(",")]


def _failed(error: Error) -> HttpResponse:
    status = _web.failure_status(error)
    response = HttpResponse(_web.FAILURE_TEXTS[status], status=status, content_type="text/plain")
    response["Cache-Control"] = "no-store"
    if status == 503:
        response["Retry-After"] = str(_web.RETRY_AFTER_SECS)
    return response
