"""What every asynchronous adapter must do: a class of tests that each one's own derives from.

A request is a list of steps, which the application under test performs on its session.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
import sessile
import sessile.aio
from conftest import ManualClock

NAME = "__Host-sid"
Step = tuple[Any, ...]
Answer = tuple[int, list[tuple[str, str]], str]
Verbs = dict[str, Callable[..., Awaitable[None]]]


class Failing(sessile.aio.Engine):
    """An engine whose store cannot be reached, for one verb."""

    verb = ""

    async def verify_cookies(self, headers: Any) -> Any:
        self.fail("verify_cookies")
        return await super().verify_cookies(headers)

    async def patch_bytes(self, *args: Any, **kwargs: Any) -> None:
        self.fail("patch_bytes")
        await asyncio.to_thread(self.sync.patch_bytes, *args, **kwargs)

    def fail(self, verb: str) -> None:
        if verb == self.verb:
            message = "the store is away"
            raise sessile.UnavailableError(message)


async def perform(steps: list[Step], session: Any, verbs: Verbs) -> str:
    """Performs the steps of a request; gives what `show` shows."""
    text = ""
    for verb, *args in steps:
        if verb in verbs:
            await verbs[verb](*args)
        elif verb == "set":
            session[args[0]] = args[1]
        elif verb == "remove":
            del session[args[0]]
        elif verb == "append":
            session[args[0]].append(args[1])
        elif verb == "show":
            text = str(dict(sorted(session.items())))
        elif verb == "call":
            await args[0]()
        else:
            raise AssertionError(verb)
    return text


class Client:
    """A browser: keeps the cookies that it is given."""

    def __init__(self, ask: Callable[[str, list[Step]], Awaitable[Answer]]) -> None:
        self._ask = ask
        self.cookies: dict[str, str] = {}
        self.status = 0
        self.headers: list[tuple[str, str]] = []

    async def get(self, *steps: Step) -> str:
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.status, self.headers, text = await self._ask(header, list(steps))
        for cookie in self.all("set-cookie"):
            for name, morsel in SimpleCookie(cookie).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return text

    def copy(self) -> "Client":
        """Another browser, with the same cookies for now."""
        copy = Client(self._ask)
        copy.cookies = dict(self.cookies)
        return copy

    def all(self, wanted: str) -> list[str]:
        return [value for name, value in self.headers if name.lower() == wanted]

    def is_cookie_set(self) -> bool:
        """Whether the session cookie is; the companion tells every page how long is left."""
        return any(text.startswith(f"{NAME}=") for text in self.all("set-cookie"))


SHOW = ("show",)


class AdapterContract:
    """The rules. Each test is a coroutine, which gets a browser, that an adapter's tests run."""

    @abstractmethod
    def run(
        self, engine: sessile.aio.Engine, test: Callable[[Client], Awaitable[None]]
    ) -> None:
        """Runs a test with a browser, against an application whose sessions `engine` keeps."""

    def test_a_session_begins_at_the_first_write(self, engine: sessile.Engine) -> None:
        async def test(client: Client) -> None:
            assert await client.get(SHOW) == "{}"
            assert client.cookies == {}
            await client.get(("set", "a", 1))
            assert client.is_cookie_set()
            assert await client.get(SHOW) == "{'a': 1}"
            assert not client.is_cookie_set()

        self.run(sessile.aio.Engine(engine), test)

    def test_the_response_varies_with_the_cookie_if_it_was_used(
        self, engine: sessile.Engine
    ) -> None:
        async def test(client: Client) -> None:
            await client.get(("set", "a", 1))
            for step in [SHOW, ("set", "b", 2)]:
                await client.get(step)
                assert "Cookie" in client.all("vary")
                assert client.all("cache-control") == ["private"]
            await client.get()
            assert client.all("vary") == client.all("set-cookie") == []

        self.run(sessile.aio.Engine(engine), test)

    def test_an_id_that_the_client_chose_is_not_adopted(self, engine: sessile.Engine) -> None:
        with sessile.Engine.in_memory(threads=False) as elsewhere:
            chosen = [elsewhere.create().token.reveal(), "chosen", "A" * 48]

        async def test(client: Client) -> None:
            for token in chosen:
                client.cookies = {NAME: token}
                await client.get(("set", "a", 1))
                assert client.cookies[NAME] != token
                attacker = Client(client._ask)
                attacker.cookies = {NAME: token}
                assert await attacker.get(SHOW) == "{}"
                assert NAME not in attacker.cookies, "what is not good is cleared"

        self.run(sessile.aio.Engine(engine), test)

    def test_a_login_changes_the_token_and_keeps_the_data(self, engine: sessile.Engine) -> None:
        async def test(client: Client) -> None:
            await client.get(("set", "cart", ["teapot"]))
            attacker = client.copy()
            await client.get(("set", "a", 1), ("log_in", "alice"), ("set", "b", 2))
            assert client.cookies[NAME] != attacker.cookies[NAME]
            assert await client.get(SHOW) == "{'a': 1, 'b': 2, 'cart': ['teapot']}"
            assert await attacker.get(SHOW) == "{}"
            assert engine.count("alice") == 1

        self.run(sessile.aio.Engine(engine), test)

    def test_somebody_else_who_logs_in_gets_none_of_the_data(
        self, engine: sessile.Engine
    ) -> None:
        async def test(client: Client) -> None:
            await client.get(("log_in", "alice"), ("set", "secret", 1))
            await client.get(("log_in", "bob"))
            assert await client.get(SHOW) == "{}"
            assert (engine.count("alice"), engine.count("bob")) == (0, 1)

        self.run(sessile.aio.Engine(engine), test)

    @pytest.mark.parametrize("leave", ["log_out", "clear"])
    def test_a_logout_ends_the_session(self, engine: sessile.Engine, leave: str) -> None:
        async def test(client: Client) -> None:
            await client.get(("log_in", "alice"), ("set", "a", 1))
            stolen = client.copy()
            await client.get((leave,))
            assert NAME not in client.cookies
            assert await stolen.get(SHOW) == "{}"
            assert engine.count("alice") == 0

        self.run(sessile.aio.Engine(engine), test)

    def test_requests_at_once_keep_each_others_values(self, engine: sessile.Engine) -> None:
        async def test(client: Client) -> None:
            await client.get(("set", "before", 0), ("set", "gone", 1))
            other = client.copy()

            async def faster() -> None:
                await other.get(("set", "b", 2), ("remove", "gone"))

            await client.get(SHOW, ("call", faster), ("set", "a", 1))
            assert await client.get(SHOW) == "{'a': 1, 'b': 2, 'before': 0}"

        self.run(sessile.aio.Engine(engine), test)

    def test_a_change_inside_a_value_is_noticed(self, engine: sessile.Engine) -> None:
        async def test(client: Client) -> None:
            await client.get(("set", "cart", []))
            await client.get(("append", "cart", "teapot"))
            assert await client.get(SHOW) == "{'cart': ['teapot']}"

        self.run(sessile.aio.Engine(engine), test)

    def test_a_slow_save_does_not_bring_a_session_back(self, engine: sessile.Engine) -> None:
        async def revoke() -> None:
            await asyncio.to_thread(engine.revoke_subject, "alice")

        async def test(client: Client) -> None:
            await client.get(("log_in", "alice"))
            await client.get(("set", "a", 1), ("call", revoke))
            assert client.status == 409
            assert engine.count("alice") == 0
            assert await client.get(SHOW) == "{}"

        self.run(sessile.aio.Engine(engine), test)

    @pytest.mark.parametrize("verb", ["verify_cookies", "patch_bytes"])
    def test_a_failure_of_the_store_is_a_503_and_no_logout(
        self, engine: sessile.Engine, verb: str
    ) -> None:
        failing = Failing(engine)

        async def test(client: Client) -> None:
            await client.get(("log_in", "alice"), ("set", "a", 1))
            before = dict(client.cookies)
            failing.verb = verb
            await client.get(("set", "b", 2))
            assert client.status == 503
            assert client.all("retry-after") == ["5"]
            assert client.cookies == before
            await client.get()
            assert client.status == 200, "a page without a session owes nothing to the store"
            failing.verb = ""
            assert await client.get(SHOW) == "{'a': 1}"

        self.run(failing, test)

    def test_an_expired_session_is_none(self, engine: sessile.Engine, clock: ManualClock) -> None:
        async def test(client: Client) -> None:
            await client.get(("log_in", "alice"), ("set", "a", 1))
            clock.advance(31 * 60)
            assert await client.get(SHOW) == "{}"
            assert NAME not in client.cookies

        self.run(sessile.aio.Engine(engine), test)
