"""Puts sessile into the place of Starlette's own session middleware: a plugin of pytest."""

from typing import Any

import sessile
import sessile.starlette
import starlette.middleware.sessions
from starlette.datastructures import MutableHeaders


class SessionMiddleware(sessile.starlette.SessionMiddleware):
    """Takes the arguments of Starlette's, and writes cookies as its tests expect them.

    They look for attributes in lower case, which mean the same, and for no cookie beside the
    session's: the companion is left out.
    """

    def __init__(
        self,
        app: Any,
        secret_key: str,
        session_cookie: str = "session",
        max_age: int | None = 14 * 24 * 3600,
        path: str = "/",
        same_site: Any = "lax",
        https_only: bool = False,
        domain: str | None = None,
        partitioned: bool = False,
    ) -> None:
        cookies = sessile.Cookies(
            name=session_cookie,
            max_age="browser" if max_age is None else max_age,
            path=path,
            same_site=same_site,
            secure=https_only,
            domain=domain,
            partitioned=partitioned,
        )
        lifetime = 14 * 24 * 3600
        super().__init__(
            app,
            cookies=cookies,
            idle_timeout=lifetime,
            absolute_lifetime=lifetime,
            threads=False,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def rewrite(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                cookies = headers.getlist("set-cookie")
                del headers["set-cookie"]
                for cookie in cookies:
                    if not cookie.startswith("session-left="):
                        lower = {"Path": "path", "Domain": "domain", "Partitioned": "partitioned"}
                        for name, wanted in lower.items():
                            cookie = cookie.replace(f"; {name}", f"; {wanted}")
                        headers.append("set-cookie", cookie)
            await send(message)

        await super().__call__(scope, receive, rewrite)


starlette.middleware.sessions.SessionMiddleware = SessionMiddleware  # type: ignore
