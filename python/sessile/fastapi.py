"""Dependencies of FastAPI, over `sessile.starlette.SessionMiddleware`.

`CurrentSession`, `SignedIn` and `Bearer` annotate parameters. `python/docs/starlette.md` has the
contract.
"""

from typing import Annotated, cast

from fastapi import Depends, HTTPException
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from . import starlette
from ._sessile import Access

__all__ = ["Bearer", "CurrentSession", "SignedIn"]


async def _session(request: HTTPConnection) -> starlette.Session:
    return starlette.session(request)


async def _signed_in(request: HTTPConnection) -> starlette.Session:
    session = starlette.session(request)
    if session.subject is None:
        raise HTTPException(401, "Not authenticated", {"Cache-Control": "no-store"})
    return session


class _Bearer(HTTPBearer):
    """The access token of the `Authorization` header; FastAPI's own reads the header."""

    async def __call__(self, request: HTTPConnection) -> Access:  # type: ignore[override]
        credentials = await super().__call__(request)
        assert credentials is not None
        # Not `request.session`: the response does not vary with the cookie.
        engine = cast("starlette.Session", request.scope["session"]).engine
        access = await engine.verify_access(credentials.credentials)
        if not isinstance(access, Access):
            # RFC 6750, 3.1. Why it is not good is for the host's log only.
            challenge = 'Bearer error="invalid_token"'
            raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": challenge})
        return access


CurrentSession = Annotated[starlette.Session, Depends(_session)]
"""The session of the request, whoever it belongs to."""

SignedIn = Annotated[starlette.Session, Depends(_signed_in)]
"""The session of somebody who is logged in; else the answer is 401."""

Bearer = Annotated[Access, Depends(_Bearer(scheme_name="sessile", bearerFormat="JWT"))]
"""A good access token, with its session; else the answer is 401, as RFC 6750 wants it."""
