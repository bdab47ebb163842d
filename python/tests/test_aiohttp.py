"""The storage for aiohttp-session, behind a server of aiohttp."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sessile
import sessile.aio
from contract import AdapterContract, Answer, Client, Step, Verbs, perform

pytest.importorskip("aiohttp_session")

import aiohttp_session
import sessile.aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sessile.aiohttp import Storage, log_in, log_out, setup


# aiohttp-session's own: it keeps its session under a name, where aiohttp would like a key.
pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")


async def serve(
    storage: Storage, steps: list[list[Step]], test: Callable[[Client], Awaitable[None]]
) -> None:
    async def handle(request: web.Request) -> web.Response:
        wanted = steps.pop(0)
        if not wanted:
            return web.Response()

        async def clear() -> None:
            (await aiohttp_session.get_session(request)).invalidate()

        async def fresh() -> None:
            (await aiohttp_session.new_session(request))["fresh"] = True

        async def enter(subject: str) -> None:
            await log_in(request, subject)

        async def leave() -> None:
            await log_out(request)

        if wanted[0] == ("fresh",):
            await fresh()
            return web.Response()
        session = await aiohttp_session.get_session(request)
        verbs: Verbs = {"clear": clear, "log_in": enter, "log_out": leave}
        return web.Response(text=await perform(wanted, session, verbs))

    app = web.Application()
    setup(app, storage)
    app.router.add_get("/", handle)

    async with TestClient(TestServer(app)) as http:

        async def ask(cookies: str, wanted: list[Step]) -> Answer:
            steps.append(wanted)
            # By hand, as aiohttp's own jar keeps `Secure` cookies from `http:`.
            headers = {"Cookie": cookies} if cookies else {}
            http.session.cookie_jar.clear()
            async with http.get("/", headers=headers) as response:
                return response.status, list(response.headers.items()), await response.text()

        await test(Client(ask))


class TestStorage(AdapterContract):
    def run(
        self, engine: sessile.aio.Engine, test: Callable[[Client], Awaitable[None]]
    ) -> None:
        asyncio.run(serve(Storage(engine=engine), [], test))

    def test_a_new_session_ends_the_one_before(self, engine: sessile.Engine) -> None:
        async def test(client: Client) -> None:
            await client.get(("log_in", "alice"), ("set", "a", 1))
            old = client.copy()
            await client.get(("fresh",))
            assert await client.get(("show",)) == "{'fresh': True}"
            assert await old.get(("show",)) == "{}"
            assert engine.count("alice") == 0

        self.run(sessile.aio.Engine(engine), test)

    def test_nobody_else_names_a_session(self, engine: sessile.Engine) -> None:
        async def test() -> None:
            session = await Storage(engine=engine).new_session()
            with pytest.raises(RuntimeError):
                session.set_new_identity("chosen")
            with pytest.raises(RuntimeError):
                session.max_age = 5
            assert session.identity is None and session.new

        asyncio.run(test())
