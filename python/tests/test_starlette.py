"""The middleware of Starlette, called as a server calls it."""

import asyncio
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
import sessile
import sessile.aio
from conftest import ManualClock

pytest.importorskip("starlette")

from sessile.starlette import SessionMiddleware, log_in, log_out, session
from starlette.requests import Request
from starlette.responses import PlainTextResponse

View = Callable[[Request], Awaitable[str]]
NAME = "__Host-sid"


class Client:
    """A browser: keeps the cookies that it is given."""

    def __init__(self, engine: sessile.Engine) -> None:
        self.engine = engine
        self.cookies: dict[str, str] = {}
        self.status = 0
        self.headers: list[tuple[str, str]] = []

    def get(self, view: View) -> str:
        return asyncio.run(self.ask(view))

    async def ask(self, view: View) -> str:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            request = Request(scope, receive)
            await PlainTextResponse(await view(request))(scope, receive, send)

        return await self.call(SessionMiddleware(app, engine=self.engine))

    async def call(self, app: Any) -> str:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [(b"cookie", cookie.encode())] if cookie else []
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        self.status = sent[0]["status"]
        self.headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        for text in self.all("set-cookie"):
            for name, morsel in SimpleCookie(text).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return b"".join(message["body"] for message in sent[1:]).decode()

    def is_cookie_set(self) -> bool:
        """Whether the session cookie is; the companion tells every page how long is left."""
        return any(text.startswith(f"{NAME}=") for text in self.all("set-cookie"))

    def all(self, wanted: str) -> list[str]:
        return [value for name, value in self.headers if name.lower() == wanted]


@pytest.fixture
def client(engine: sessile.Engine) -> Client:
    return Client(engine)


def other(client: Client) -> Client:
    """Another browser, with the same cookies for now."""
    copy = Client(client.engine)
    copy.cookies = dict(client.cookies)
    return copy


async def nothing(_request: Request) -> str:
    return ""


async def show(request: Request) -> str:
    found = session(request)
    return f"{found.subject} {dict(sorted(found.items()))}"


def put(**values: Any) -> View:
    async def view(request: Request) -> str:
        request.session.update(values)
        return ""

    return view


def entering(subject: str) -> View:
    async def view(request: Request) -> str:
        await log_in(request, subject)
        return ""

    return view


def sessions_created(engine: sessile.Engine, ask: Callable[[], object]) -> int:
    with engine.subscribe() as events:
        ask()
        kinds = []
        while (event := events.next(0)) is not None:
            kinds.append(event.kind)
    return kinds.count("created")


def test_a_session_begins_at_the_first_write_and_not_before(client: Client) -> None:
    assert sessions_created(client.engine, lambda: client.get(show)) == 0
    assert client.all("set-cookie") == []
    assert sessions_created(client.engine, lambda: client.get(put(a=1))) == 1
    assert client.is_cookie_set()
    assert client.get(show) == "None {'a': 1}"
    assert not client.is_cookie_set()


def test_the_response_varies_with_the_cookie_if_the_session_was_used(client: Client) -> None:
    client.get(put(a=1))
    for view in (show, put(b=2)):
        client.get(view)
        assert client.all("vary") == ["Cookie"]
        assert client.all("cache-control") == ["private"]
    client.get(nothing)
    assert client.all("vary") == client.all("cache-control") == client.all("set-cookie") == []


def test_an_id_that_the_client_chose_is_not_adopted(client: Client) -> None:
    # One of the right form, too: issued by another engine.
    with sessile.Engine.in_memory(threads=False) as elsewhere:
        chosen = [elsewhere.create().token.reveal(), "chosen", "A" * 48]
    for token in chosen:
        client.cookies = {NAME: token}
        client.get(put(a=1))
        assert client.cookies[NAME] != token
        attacker = Client(client.engine)
        attacker.cookies = {NAME: token}
        assert attacker.get(show) == "None {}"
        assert NAME not in attacker.cookies, "what is not good is cleared"


def test_a_login_changes_the_token_and_keeps_the_data(client: Client) -> None:
    client.get(put(cart=["teapot"]))
    attacker = other(client)
    client.get(entering("alice"))
    assert client.cookies[NAME] != attacker.cookies[NAME]
    assert client.get(show) == "alice {'cart': ['teapot']}"
    assert attacker.get(show) == "None {}"
    client.get(put(secret=1))
    assert attacker.get(show) == "None {}"


def test_values_written_before_a_login_in_the_same_request_are_kept(client: Client) -> None:
    async def view(request: Request) -> str:
        request.session["a"] = 1
        await log_in(request, "alice")
        request.session["b"] = 2
        return ""

    client.get(view)
    assert client.get(show) == "alice {'a': 1, 'b': 2}"


def test_somebody_else_who_logs_in_gets_none_of_the_data(client: Client) -> None:
    client.get(entering("alice"))
    client.get(put(secret=1))
    old = other(client)
    client.get(entering("bob"))
    assert client.get(show) == "bob {}"
    assert old.get(show) == "None {}"


def test_a_logout_ends_the_session_and_clears_the_cookie(client: Client) -> None:
    async def leave(request: Request) -> str:
        await log_out(request)
        return ""

    client.get(entering("alice"))
    stolen = other(client)
    client.get(leave)
    assert NAME not in client.cookies
    assert stolen.get(show) == "None {}"


def test_emptying_it_ends_it(client: Client) -> None:
    async def clear(request: Request) -> str:
        request.session.clear()
        return ""

    client.get(entering("alice"))
    client.get(put(a=1))
    stolen = other(client)
    client.get(clear)
    assert NAME not in client.cookies
    assert stolen.get(show) == "None {}"


def test_requests_at_once_keep_each_others_values(client: Client) -> None:
    client.get(put(before=0, gone=1))

    async def remove(request: Request) -> str:
        del request.session["gone"]
        return ""

    async def slow(request: Request) -> str:
        dict(request.session)
        for view in (put(b=2), remove):
            await other(client).ask(view)
        request.session["a"] = 1
        return ""

    client.get(slow)
    assert client.get(show) == "None {'a': 1, 'b': 2, 'before': 0}"


def test_a_change_inside_a_value_is_noticed(client: Client) -> None:
    async def append(request: Request) -> str:
        request.session["cart"].append("teapot")
        return ""

    client.get(put(cart=[]))
    client.get(append)
    assert client.get(show) == "None {'cart': ['teapot']}"


def test_what_did_not_change_is_not_written(client: Client) -> None:
    client.get(put(a=[1], b="x"))
    with client.engine.subscribe() as events:
        client.get(put(a=[1], b="x"))
        assert events.next(0) is None


def test_a_slow_save_does_not_bring_a_session_back(client: Client) -> None:
    client.get(entering("alice"))

    async def slow(request: Request) -> str:
        request.session["a"] = 1
        request.scope["session"].engine.sync.revoke_subject("alice")
        return "saved"

    assert "ended" in client.get(slow)
    assert client.status == 409
    assert client.engine.count("alice") == 0
    assert client.get(show) == "None {}"


class Failing(sessile.aio.Engine):
    """An engine whose store cannot be reached, for some verbs."""

    verbs: tuple[str, ...] = ()

    async def verify_cookies(self, headers: Any) -> Any:
        self.fail("verify_cookies")
        return await super().verify_cookies(headers)

    async def patch_bytes(self, *args: Any, **kwargs: Any) -> None:
        self.fail("patch_bytes")

    def fail(self, verb: str) -> None:
        if verb in self.verbs:
            message = "the store is away"
            raise sessile.UnavailableError(message)


def through(engine: Failing, view: View) -> SessionMiddleware:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(await view(Request(scope)))(scope, receive, send)

    return SessionMiddleware(app, engine=engine)


@pytest.mark.parametrize("verb", ["verify_cookies", "patch_bytes"])
def test_a_failure_of_the_store_is_a_503_and_no_logout(client: Client, verb: str) -> None:
    client.get(entering("alice"))
    before = dict(client.cookies)
    failing = Failing(client.engine)
    failing.verbs = (verb,)

    asyncio.run(client.call(through(failing, put(a=1))))
    assert client.status == 503
    assert client.all("retry-after") == ["5"]
    assert client.all("cache-control") == ["no-store"]
    assert client.cookies == before
    assert client.get(show) == "alice {}"


def test_a_view_that_hides_the_failure_is_a_503_all_the_same(client: Client) -> None:
    async def careless(request: Request) -> str:
        try:
            return f"welcome {session(request).subject}"
        except sessile.Error:
            return "please log in"

    client.get(entering("alice"))
    failing = Failing(client.engine)
    failing.verbs = ("verify_cookies",)
    text = asyncio.run(client.call(through(failing, careless)))
    assert (client.status, text) == (503, "The session store is not available.")


def test_a_page_without_a_session_owes_nothing_to_the_store(client: Client) -> None:
    client.get(entering("alice"))
    failing = Failing(client.engine)
    failing.verbs = ("verify_cookies",)
    asyncio.run(client.call(through(failing, nothing)))
    assert client.status == 200


def test_the_cookie_is_renewed_when_it_is_due_and_not_before(clock: ManualClock) -> None:
    cookies = sessile.Cookies(max_age=3600)
    with sessile.Engine.in_memory(clock=clock, threads=False, cookies=cookies) as engine:
        client = Client(engine)
        client.get(put(a=1))
        clock.advance(20 * 60)
        client.get(show)
        assert not client.is_cookie_set()
        clock.advance(20 * 60)
        client.get(nothing)
        assert not client.is_cookie_set()
        client.get(show)
        assert client.is_cookie_set()


def test_an_expired_session_is_none(client: Client, clock: ManualClock) -> None:
    client.get(entering("alice"))
    clock.advance(31 * 60)
    assert client.get(show) == "None {}"
    assert NAME not in client.cookies


def test_an_error_of_the_application_is_its_own(client: Client) -> None:
    async def enter_nobody(request: Request) -> str:
        await log_in(request, "")
        return ""

    with pytest.raises(sessile.InvalidInputError):
        client.get(enter_nobody)


def test_its_representation_shows_no_value(client: Client) -> None:
    client.get(put(name="hidden"))

    async def view(request: Request) -> str:
        return repr(request.session)

    assert client.get(view) == "<WebSession ['name']>"


def test_the_token_from_before_a_login_writes_nothing(client: Client) -> None:
    client.get(put(a=1))
    old = other(client)
    client.get(entering("alice"))
    old.get(put(a="planted"))
    assert old.status == 409
    assert client.get(show) == "alice {'a': 1}"


def begun(after: View) -> Callable[[sessile.Engine], SessionMiddleware]:
    """An application that goes on after its response has begun."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("begun")(scope, receive, send)
        await after(Request(scope))

    return lambda engine: SessionMiddleware(app, engine=engine)


def test_what_is_written_after_the_response_began_is_saved(client: Client) -> None:
    client.get(put(a=1))
    asyncio.run(client.call(begun(put(b=2))(client.engine)))
    assert client.get(show) == "None {'a': 1, 'b': 2}"


def test_a_session_cannot_begin_after_its_response(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def ask() -> None:
        asyncio.run(client.call(begun(put(b=2))(client.engine)))

    assert sessions_created(client.engine, ask) == 0
    assert "it is lost" in caplog.text


async def converse(
    app: SessionMiddleware, cookies: dict[str, str], extensions: dict[str, Any]
) -> list[Any]:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    scope = {
        "type": "websocket",
        "path": "/",
        "headers": [(b"cookie", header.encode())],
        "extensions": extensions,
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def test_a_websocket_has_the_session_and_can_begin_one(client: Client) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1
        await send({"type": "websocket.accept"})
        scope["session"]["b"] = 2

    sent = asyncio.run(converse(SessionMiddleware(app, engine=client.engine), {}, {}))
    cookies = [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]
    client.cookies[NAME] = cookies[0].split(";")[0].split("=", 1)[1]
    assert client.get(show) == "None {'a': 1, 'b': 2}"


def test_a_websocket_is_refused_when_the_store_fails(client: Client) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"].mark_accessed()

    failing = Failing(client.engine)
    failing.verbs = ("verify_cookies",)
    middleware = SessionMiddleware(app, engine=failing)
    assert asyncio.run(converse(middleware, {}, {}))[0]["type"] == "websocket.close"
    sent = asyncio.run(converse(middleware, {}, {"websocket.http.response": {}}))
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 503)


def test_a_start_without_its_engine_fails_and_says_why(directory: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise AssertionError("the application started")

    async def start() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message)

        await SessionMiddleware(app, directory)({"type": "lifespan"}, receive, send)
        return sent

    with sessile.Engine.open(directory):
        (message,) = asyncio.run(start())
    assert message["type"] == "lifespan.startup.failed"
    assert message["message"].startswith("LockedError: ")


def test_an_engine_that_was_given_has_its_settings_already(engine: sessile.Engine) -> None:
    with pytest.raises(sessile.InvalidConfigError):
        SessionMiddleware(PlainTextResponse(""), engine=engine, idle_timeout=60)
