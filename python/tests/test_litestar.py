"""The backend for Litestar's session middleware, called as a server calls the application."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sessile
import sessile.aio
from contract import AdapterContract, Answer, Client, Step, Verbs, perform

pytest.importorskip("litestar")

from litestar import Litestar, MediaType, Request, get
from sessile.litestar import SessionConfig, log_in, log_out


def application(config: SessionConfig, steps: list[list[Step]]) -> Litestar:
    @get("/", media_type=MediaType.TEXT)
    async def handle(request: Request[Any, Any, Any]) -> str:
        async def clear() -> None:
            request.clear_session()

        async def replace(value: Any) -> None:
            request.set_session(value)

        async def enter(subject: str) -> None:
            await log_in(request, subject)

        async def leave() -> None:
            await log_out(request)

        verbs: Verbs = {"clear": clear, "replace": replace, "log_in": enter, "log_out": leave}
        return await perform(steps.pop(0), request.session, verbs)

    return Litestar(
        [handle], middleware=[config.middleware], lifespan=[config.lives], openapi_config=None
    )


async def call(app: Litestar, cookies: str) -> Answer:
    headers = [(b"cookie", cookies.encode())] if cookies else []
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "scheme": "https",
        "server": ("localhost", 443),
        "client": ("localhost", 1),
        "http_version": "1.1",
        "headers": headers,
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answered = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], answered, body.decode()


class TestBackend(AdapterContract):
    def run(
        self, engine: sessile.aio.Engine, test: Callable[[Client], Awaitable[None]]
    ) -> None:
        steps: list[list[Step]] = []
        app = application(SessionConfig(engine=engine), steps)

        async def ask(cookies: str, wanted: list[Step]) -> Answer:
            steps.append(wanted)
            return await call(app, cookies)

        asyncio.run(test(Client(ask)))  # type: ignore[arg-type]

    def test_a_session_can_be_replaced_as_a_whole(self, engine: sessile.Engine) -> None:
        async def test(client: Client) -> None:
            await client.get(("set", "a", 1), ("set", "b", 2))
            await client.get(("replace", {"b": 2, "c": 3}))
            assert await client.get(("show",)) == "{'b': 2, 'c': 3}"

        self.run(sessile.aio.Engine(engine), test)
