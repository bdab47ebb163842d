"""The examples of python/docs for asynchronous frameworks: each is run as it stands there."""

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sessile
import sessile.starlette

for _name in ("fastapi", "litestar", "aiohttp_session"):
    pytest.importorskip(_name)

from aiohttp.test_utils import TestClient as AiohttpClient
from aiohttp.test_utils import TestServer
from litestar.testing import TestClient as LitestarClient
from starlette.requests import Request
from starlette.testclient import TestClient

DOCS = Path(__file__).parents[1] / "docs"
URL = "https://site.example"


def example(name: str, directory: Path, number: int = 0) -> dict[str, Any]:
    code = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.S)[number]
    # A module, as Litestar looks up annotations in it.
    module = sys.modules["example"] = ModuleType("example")
    names = vars(module)
    names["directory"] = directory
    exec(compile(code, name, "exec"), names)
    return names


def assert_logs_in_and_out(client: Any) -> None:
    assert client.get("/").text == "nobody"
    client.post("/login")
    assert client.get("/").text == "alice"
    client.post("/logout")
    assert client.get("/").text == "nobody"


def test_the_starlette_example_logs_in_and_out(directory: Path) -> None:
    with TestClient(example("starlette.md", directory)["app"], URL) as client:
        assert_logs_in_and_out(client)
    # The application's end closes the engine.
    sessile.Engine.open(directory).close()


def test_the_fastapi_example_gives_access_to_who_is_signed_in(directory: Path) -> None:
    app = example("starlette.md", directory, 1)["app"]

    async def log_in(request: Request) -> None:
        await sessile.starlette.log_in(request, "alice")

    app.post("/login")(log_in)

    with TestClient(app, URL) as client:
        assert client.post("/token").status_code == 401
        client.post("/login")
        token = client.post("/token").json()["access_token"]
        client.cookies.clear()
        answer = client.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"subject": "alice", "scopes": []}
        assert "vary" not in answer.headers

        for headers in ({}, {"Authorization": f"Bearer {token}x"}, {"Authorization": "Basic eA=="}):
            answer = client.get("/me", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_litestar_example_logs_in_and_out(directory: Path) -> None:
    with LitestarClient(example("litestar.md", directory)["app"], URL) as client:
        assert_logs_in_and_out(client)
    sessile.Engine.open(directory).close()


@pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")
def test_the_aiohttp_example_logs_in_and_out(directory: Path) -> None:
    app = example("aiohttp.md", directory)["app"]

    async def test() -> None:
        async with AiohttpClient(TestServer(app)) as client:
            cookies: dict[str, str] = {}

            async def ask(method: str, path: str) -> str:
                # By hand, as aiohttp's own jar keeps `Secure` cookies from `http:`.
                client.session.cookie_jar.clear()
                header = "; ".join(f"{name}={value}" for name, value in cookies.items())
                async with client.request(method, path, headers={"Cookie": header}) as response:
                    found = {name: morsel.value for name, morsel in response.cookies.items()}
                    cookies.update(found)
                    return await response.text()

            assert await ask("GET", "/") == "nobody"
            await ask("POST", "/login")
            assert await ask("GET", "/") == "alice"
            await ask("POST", "/logout")
            assert await ask("GET", "/") == "nobody"

    asyncio.run(test())
    sessile.Engine.open(directory).close()
