"""Authentication of Django REST framework: by session cookie, or by bearer token.

    REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["sessile.drf.BearerAuthentication"]}

`python/docs/drf.md` has the contract.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from rest_framework import authentication, exceptions, status
from rest_framework.request import Request

from . import _web, django
from ._sessile import Access, Engine, Reason, Rejected, Session
from .errors import Error, InvalidConfigError, SessionGoneError

__all__ = ["BearerAuthentication", "SessionAuthentication", "Unavailable"]


class Unavailable(exceptions.APIException):
    """503: the store failed. Nothing is known about who is asking."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _web.FAILURE_TEXTS[503]
    default_code = "unavailable"


class Interrupted(exceptions.APIException):
    """409: the session ended while the request was under way."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _web.FAILURE_TEXTS[409]
    default_code = "interrupted"


class SessionAuthentication(authentication.SessionAuthentication):
    """DRF's own, cross-site checks included, but a 401 without a session and a 503 on failure."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Gives the user that Django's session names."""
        with _as_api():
            return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        """Makes it a 401: without a challenge DRF answers 403, as if it knew who is asking."""
        return 'Cookie realm="api"'


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer` with a session token or an access token of the engine.

    `request.auth` is the `Session` or the `Access`; `request.user` the user whose primary key is
    its subject.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[Any, Session | Access] | None:
        """Gives user and session. `None`: there is no such header, so others may try."""
        with _as_api():
            engine = django.engine()
            header = request.META.get("HTTP_AUTHORIZATION")
            token = engine.bearer_token(header)
            if token is None:
                return None
            verdict = _verify(engine, token)
            if isinstance(verdict, Rejected):
                _web.log.debug("a bearer token was rejected: %s", verdict.reason.name)
                raise _not_authenticated()
            session = verdict.session if isinstance(verdict, Access) else verdict
            return self._user_of(session), verdict

    def authenticate_header(self, request: Request) -> str:
        """Gives the challenge of RFC 6750: a 401, not a 403."""
        return f'{self.keyword} realm="api"'

    def _user_of(self, session: Session) -> Any:
        if session.subject is None:
            raise _not_authenticated()
        model = get_user_model()
        try:
            key = model._meta.pk.to_python(session.subject)
            user = model._default_manager.get(pk=key)
        except (model.DoesNotExist, ValidationError, ValueError):
            raise _not_authenticated() from None
        if not user.is_active or not _is_hash_current(user, session):
            raise _not_authenticated()
        return user


def _verify(engine: Engine, token: str) -> Session | Access | Rejected:
    """Tells the two kinds apart: a JWT has dots, a session token none."""
    if "." not in token:
        return engine.verify(token)
    try:
        return engine.verify_access(token)
    except InvalidConfigError:
        # `SESSILE` names no access tokens, so this is none.
        return Rejected(Reason.WRONG_KIND)


def _is_hash_current(user: Any, session: Session) -> bool:
    """Whether the password is the one that a session of a Django login began with."""
    stored = (django.engine().data_bytes(session) or {}).get(HASH_SESSION_KEY)
    if stored is None:
        return True
    value = import_string(settings.SESSION_SERIALIZER)().loads(stored)
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(value, known) for known in hashes)


def _not_authenticated() -> exceptions.AuthenticationFailed:
    """The same for every reason: a client is not told which."""
    return exceptions.AuthenticationFailed("The token is not valid.")


@contextlib.contextmanager
def _as_api() -> Iterator[None]:
    try:
        yield
    except (SessionGoneError, UpdateError) as error:
        raise Interrupted from error
    except Error as error:
        _web.failure_status(error)
        raise Unavailable from error
