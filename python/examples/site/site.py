"""A single-page site over sessile: `make python-site`.

The page keeps an access token in memory and sends it with every call; the refresh token, which
gets it the next one, is in a cookie that only `/api/refresh` is sent. The session's own cookie
serves the stream of events, and its companion the countdown.
"""

import argparse
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import sessile
import sessile.starlette
import uvicorn
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel
from sessile.fastapi import Bearer, CurrentSession, SignedIn

HERE = Path(__file__).parent
REFRESH = "__Secure-refresh"
ENDS = {"IDLE_EXPIRED": "expired", "EXPIRED": "expired"}
SALT = os.urandom(16)


def hash_of(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1)


PASSWORDS = {name: hash_of("barnacle") for name in ("ada", "grace")}


def same_origin(sec_fetch_site: Annotated[str | None, Header()] = None) -> None:
    """Refuses what another site's page sends: cookies come along with that, too."""
    if sec_fetch_site not in (None, "same-origin", "none"):
        raise HTTPException(403)


class Credentials(BaseModel):
    name: str
    password: str


def label_of(agent: str) -> str:
    browsers = {"Firefox/": "Firefox", "Edg/": "Edge", "Chrome/": "Chrome", "Safari/": "Safari"}
    systems = {"Windows": "Windows", "Android": "Android", "Mac OS": "macOS", "Linux": "Linux"}
    browser = next((name for mark, name in browsers.items() if mark in agent), "A browser")
    system = next((name for mark, name in systems.items() if mark in agent), "some system")
    return f"{browser} on {system}"


def give_refresh(response: Response, token: sessile.Token | None) -> None:
    assert token is not None
    response.set_cookie(
        REFRESH,
        token.reveal(),
        max_age=14 * 24 * 3600,
        path="/api/refresh",
        secure=True,
        httponly=True,
        samesite="strict",
    )


def take_refresh(response: Response) -> None:
    response.delete_cookie(REFRESH, "/api/refresh", secure=True, httponly=True, samesite="strict")


def site(directory: str, idle_secs: float) -> FastAPI:
    app = FastAPI(openapi_url=None, dependencies=[Depends(same_origin)])
    app.add_middleware(
        sessile.starlette.SessionMiddleware,
        directory=directory,
        idle_timeout=idle_secs,
        access_tokens=sessile.AccessTokens("https://holdfast.example", "https://holdfast.example"),
    )
    add_sign_in(app, idle_secs)
    add_devices(app)
    add_pages(app)
    return app


def add_sign_in(app: FastAPI, idle_secs: float) -> None:
    def proven(given: Credentials) -> str:
        # A plain function: FastAPI runs it in a thread, as hashing takes a while on purpose.
        wanted = PASSWORDS.get(given.name, b"")
        if not hmac.compare_digest(hash_of(given.password), wanted):
            raise HTTPException(401, "Name and password do not go together.")
        return given.name

    @app.post("/api/sign-in")
    async def sign_in(
        name: Annotated[str, Depends(proven)],
        session: CurrentSession,
        request: Request,
        response: Response,
    ) -> dict[str, str]:
        await session.log_out()
        label = label_of(request.headers.get("user-agent", ""))
        # As long as any session here, and not the 14 days of a refresh token's.
        await session.log_in(
            name,
            refresh=True,
            device_label=label,
            idle_timeout=idle_secs,
            absolute_lifetime=max(idle_secs, 12 * 3600),
        )
        assert session.issued is not None and session.verified is not None
        give_refresh(response, session.issued.refresh_token)
        access = await session.engine.issue_access(session.verified)
        return {"name": name, "access": access.token.reveal()}

    @app.post("/api/refresh")
    async def refresh(
        request: Request,
        response: Response,
        token: Annotated[str | None, Cookie(alias=REFRESH)] = None,
    ) -> dict[str, Any]:
        engine = request.scope["session"].engine
        found = await engine.refresh(token) if token else None
        if not found:
            response.status_code = 401
            take_refresh(response)
            return {}
        give_refresh(response, found.refresh_token)
        return {"name": found.session.subject, "access": found.access.token.reveal()}

    @app.post("/api/sign-out")
    async def sign_out(session: CurrentSession) -> None:
        await session.log_out()

    @app.post("/api/stay")
    async def stay(session: SignedIn) -> None:
        """Does nothing: that the session was asked for is enough."""


def add_devices(app: FastAPI) -> None:
    @app.get("/api/devices")
    async def devices(access: Bearer, request: Request) -> list[dict[str, Any]]:
        listed = await request.scope["session"].engine.list(access.subject)
        return [
            {
                "handle": each.handle,
                "label": each.device_label,
                "isThis": each.handle == access.session.handle,
            }
            for each in listed
        ]

    @app.post("/api/devices/{handle}/revoke")
    async def revoke(handle: str, access: Bearer, request: Request) -> None:
        engine = request.scope["session"].engine
        if handle not in [each.handle for each in await engine.list(access.subject)]:
            raise HTTPException(404)
        await engine.revoke(handle)

    @app.post("/api/devices/revoke-all")
    async def revoke_all(access: Bearer, request: Request) -> None:
        await request.scope["session"].engine.revoke_subject(access.subject)


def add_pages(app: FastAPI) -> None:
    @app.get("/api/events")
    async def events(session: SignedIn) -> StreamingResponse:
        assert session.verified is not None
        watch = await session.engine.watch(session.verified)

        async def told() -> AsyncIterator[str]:
            yield "event: open\ndata: \n\n"
            reason = await watch
            yield f"event: end\ndata: {ENDS.get(reason.name, 'revoked')}\n\n"

        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(told(), media_type="text/event-stream", headers=headers)

    @app.get("/")
    async def page() -> FileResponse:
        policy = "default-src 'self'; frame-ancestors 'none'"
        return FileResponse(HERE / "index.html", headers={"Content-Security-Policy": policy})

    @app.get("/{name}")
    async def asset(name: str) -> FileResponse:
        if name not in ("site.js", "style.css"):
            raise HTTPException(404)
        return FileResponse(HERE / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="target/python-site", help="where sessions are kept")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--idle-secs", type=float, default=1800)
    options = parser.parse_args()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(f"http://localhost:{options.port}/", flush=True)

    # An open stream of events would keep the server from its end.
    Server(
        uvicorn.Config(
            site(options.data, options.idle_secs),
            port=options.port,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    ).run()


if __name__ == "__main__":
    main()
