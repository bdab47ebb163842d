"""The engine for asyncio: the same verbs, awaited where they may wait.

What is answered from memory is answered at once, without a thread: `verify` of a session in the
cache, above all. What has to ask the store does so in a thread (`asyncio.to_thread`) and leaves
the loop free. Verbs that never wait are plain methods, here as there.

A call that is cancelled while it is under way goes on in its thread until it is done, so nothing
is left half done; a session that was created for a caller who is gone is revoked.

>>> import asyncio, sessile.aio
>>> async def main() -> None:
...     async with sessile.aio.Engine.in_memory() as engine:
...         issued = await engine.create("alice")
...         session = await engine.verify(issued.token)
...         print(session.subject)
>>> asyncio.run(main())
alice
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, update_wrapper
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias, TypeVar, Unpack

from ._sessile import Access, Issued, Reason, Rejected, Session, Subscription
from ._sessile import Engine as SyncEngine
from ._sessile import Watch as SyncWatch
from .errors import Error
from .settings import Settings
from .values import ApiKey, Event, IssuedSingleUse, SessionInfo, SingleUse, Token

_SLICE_SECS = 0.5

_P = ParamSpec("_P")
_R = TypeVar("_R")
_HasHandle: TypeAlias = str | Session | SessionInfo | SingleUse | IssuedSingleUse | ApiKey
_Headers: TypeAlias = str | bytes | Iterable[str | bytes]


def _in_thread(
    verb: Callable[Concatenate[SyncEngine, _P], _R],
) -> Callable[Concatenate["Engine", _P], Coroutine[Any, Any, _R]]:
    """Makes a verb that may wait one that is awaited."""

    async def awaited(self: "Engine", /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return await asyncio.to_thread(verb, self.sync, *args, **kwargs)

    return update_wrapper(awaited, verb)


def _at_once(
    verb: Callable[Concatenate[SyncEngine, _P], _R],
) -> Callable[Concatenate["Engine", _P], _R]:
    """Takes over a verb that never waits."""

    def plain(self: "Engine", /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return verb(self.sync, *args, **kwargs)

    return update_wrapper(plain, verb)


def _wrapping(
    verb: Callable[Concatenate[SyncEngine, _P], _R],
) -> Callable[
    [Callable[..., Coroutine[Any, Any, _R]]],
    Callable[Concatenate["Engine", _P], Coroutine[Any, Any, _R]],
]:
    """Gives a coroutine the signature and the words of the verb that it is for."""
    return lambda awaited: update_wrapper(awaited, verb)


class Engine:
    """One open store, for one or more event loops. `sync` is the engine that does the work."""

    __slots__ = ("sync",)

    def __init__(self, engine: SyncEngine) -> None:
        """Takes an engine that is open; closing this closes it."""
        self.sync = engine

    @classmethod
    async def open(cls, directory: str | PathLike[str], **settings: Unpack[Settings]) -> Self:
        """Opens the embedded store in `directory`."""
        return cls(await asyncio.to_thread(partial(SyncEngine.open, directory, **settings)))

    @classmethod
    def in_memory(cls, **settings: Unpack[Settings]) -> Self:
        """Gives an engine that keeps everything in memory: for tests."""
        return cls(SyncEngine.in_memory(**settings))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<aio {self.sync!r}>"

    def _revoke_unwanted(self, created: asyncio.Future[Issued]) -> None:
        """Ends the session that was created for a caller who is gone."""
        if created.cancelled() or created.exception() is not None:
            return
        session = created.result().session

        def revoke() -> None:
            # If it cannot be, it expires: nobody has its token.
            with contextlib.suppress(Error):
                self.sync.revoke(session)

        asyncio.get_running_loop().run_in_executor(None, revoke)

    # What the cache may answer, and else the store

    async def verify(self, token: str | Token) -> Session | Rejected:
        """Says whether `token` names a session that is valid now; its client was here."""
        found = self.sync.verify_at_once(token)
        return await asyncio.to_thread(self.sync.verify, token) if found is None else found

    async def verify_access(self, token: str | Token) -> Access | Rejected:
        """Says whether an access token of this engine is good; its client was here."""
        found = self.sync.verify_access_at_once(token)
        return await asyncio.to_thread(self.sync.verify_access, token) if found is None else found

    async def verify_cookies(self, headers: _Headers | None) -> Session | Rejected | None:
        """Verifies the session cookie of a request; `None`: it has none."""
        if headers is not None and not isinstance(headers, str | bytes):
            headers = list(headers)
        values = self.sync.cookie_values(headers)
        if len(values) == 1:
            return await self.verify(values[0])
        return await asyncio.to_thread(self.sync.verify_cookies, headers) if values else None

    async def verify_bearer(self, header: str | bytes | None) -> Session | Rejected | None:
        """Verifies the token of an `Authorization: Bearer` header; `None`: it is none."""
        token = self.sync.bearer_token(header)
        return None if token is None else await self.verify(token)

    async def data(self, session: _HasHandle) -> dict[str, Any] | None:
        """Gives the data of a session, a `dict` of one's own; `None`: it is not valid."""
        found = self.sync.data_at_once(session)
        return await asyncio.to_thread(self.sync.data, session) if found is None else found

    # What may wait

    @_wrapping(SyncEngine.create)
    async def create(self, /, *args: Any, **kwargs: Any) -> Issued:
        created = asyncio.ensure_future(asyncio.to_thread(self.sync.create, *args, **kwargs))
        try:
            return await asyncio.shield(created)
        except asyncio.CancelledError:
            created.add_done_callback(self._revoke_unwanted)
            raise

    close = _in_thread(SyncEngine.close)
    peek = _in_thread(SyncEngine.peek)
    peek_cookies = _in_thread(SyncEngine.peek_cookies)
    touch = _in_thread(SyncEngine.touch)
    rotate = _in_thread(SyncEngine.rotate)
    log_in = _in_thread(SyncEngine.log_in)
    reauthenticate = _in_thread(SyncEngine.reauthenticate)
    revoke = _in_thread(SyncEngine.revoke)
    revoke_subject = _in_thread(SyncEngine.revoke_subject)
    revoke_all = _in_thread(SyncEngine.revoke_all)
    suspend = _in_thread(SyncEngine.suspend)
    reinstate = _in_thread(SyncEngine.reinstate)
    bump_claims = _in_thread(SyncEngine.bump_claims)
    list = _in_thread(SyncEngine.list)
    count = _in_thread(SyncEngine.count)
    is_active = _in_thread(SyncEngine.is_active)
    data_bytes = _in_thread(SyncEngine.data_bytes)
    patch = _in_thread(SyncEngine.patch)
    patch_bytes = _in_thread(SyncEngine.patch_bytes)
    issue_access = _in_thread(SyncEngine.issue_access)
    deny_access = _in_thread(SyncEngine.deny_access)
    refresh = _in_thread(SyncEngine.refresh)
    issue_single_use = _in_thread(SyncEngine.issue_single_use)
    peek_single_use = _in_thread(SyncEngine.peek_single_use)
    consume = _in_thread(SyncEngine.consume)
    bind_single_use = _in_thread(SyncEngine.bind_single_use)
    revoke_single_use = _in_thread(SyncEngine.revoke_single_use)
    create_api_key = _in_thread(SyncEngine.create_api_key)
    verify_api_key = _in_thread(SyncEngine.verify_api_key)
    list_api_keys = _in_thread(SyncEngine.list_api_keys)
    revoke_api_key = _in_thread(SyncEngine.revoke_api_key)
    introspect = _in_thread(SyncEngine.introspect)
    revoke_presented = _in_thread(SyncEngine.revoke_presented)
    publish_key = _in_thread(SyncEngine.publish_key)
    activate_key = _in_thread(SyncEngine.activate_key)
    rotate_key = _in_thread(SyncEngine.rotate_key)
    retire_key = _in_thread(SyncEngine.retire_key)
    import_key = _in_thread(SyncEngine.import_key)
    tick = _in_thread(SyncEngine.tick)
    export = _in_thread(SyncEngine.export)

    async def update(self, session: _HasHandle, change: Callable[[dict[str, Any]], _R]) -> _R:
        """Changes a session's data by `change`, a plain function, which runs in a thread."""
        return await asyncio.to_thread(self.sync.update, session, change)

    # What never waits

    set_cookies = _at_once(SyncEngine.set_cookies)
    renew_cookies = _at_once(SyncEngine.renew_cookies)
    clear_cookies = _at_once(SyncEngine.clear_cookies)
    cookie_values = _at_once(SyncEngine.cookie_values)
    confirm_refresh = _at_once(SyncEngine.confirm_refresh)
    sign = _at_once(SyncEngine.sign)
    unsign = _at_once(SyncEngine.unsign)
    csrf_token = _at_once(SyncEngine.csrf_token)
    is_csrf_token = _at_once(SyncEngine.is_csrf_token)
    jwks = _at_once(SyncEngine.jwks)
    keys = _at_once(SyncEngine.keys)
    stats = _at_once(SyncEngine.stats)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.sync.closed

    @property
    def cookie_names(self) -> tuple[str, str]:
        """The names of the session cookie and of its companion."""
        return self.sync.cookie_names

    # Being told

    async def subscribe(self) -> "Events":
        """Tells of what happens to sessions from now on: `async for event in ...`."""
        return Events(await asyncio.to_thread(self.sync.subscribe))

    async def watch(self, session: _HasHandle) -> "Watch":
        """Watches a session: awaiting what comes back waits for its end, and says why."""
        return Watch(await asyncio.to_thread(self.sync.watch, session))


class Events(AsyncIterator[Event]):
    """The events of an engine, in order for each session. Ends when it or the engine is closed.

    A cancelled wait loses no event: the next one gives it.
    """

    def __init__(self, events: Subscription) -> None:
        """Takes a subscription, and waits for it in a thread of its own."""
        self._events = events
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sessile-events")
        self._next: asyncio.Future[Event | None] | None = None

    async def __anext__(self) -> Event:
        while True:
            if self._next is None:
                if self._events.closed:
                    self.close()
                    raise StopAsyncIteration
                loop = asyncio.get_running_loop()
                # In slices, so that the thread does not keep the interpreter from its end.
                self._next = loop.run_in_executor(self._thread, self._events.next, _SLICE_SECS)
            try:
                # Kept when this is cancelled.
                event = await asyncio.shield(self._next)
            except Exception:
                self._next = None
                raise
            self._next = None
            if event is not None:
                return event

    def close(self) -> None:
        """Ends the subscription."""
        self._events.close()
        self._thread.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Watch(Awaitable[Reason]):
    """Ends when its session does. It can be awaited more than once, and by many."""

    def __init__(self, watch: SyncWatch) -> None:
        """Belongs to the event loop that is running."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Reason] = loop.create_future()

        def note(reason: Reason) -> None:
            if not ended.done():
                ended.set_result(reason)

        def tell(reason: Reason) -> None:
            # The loop may be gone by then, and with it who would want to know.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(note, reason)

        self._watch = watch
        self._ended = ended
        watch.on_end(tell)

    def __await__(self) -> Generator[Any, None, Reason]:
        return asyncio.shield(self._ended).__await__()

    @property
    def ended(self) -> Reason | None:
        """Why the session ended; `None`: it has not."""
        return self._watch.ended
