"""A Django site for the tests of `sessile.django` and `sessile.drf`: settings, views, URLs."""

from typing import Any

from django.contrib import auth
from django.http import HttpRequest, JsonResponse
from django.urls import path

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
]
MIDDLEWARE = [
    "sessile.django.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "file:site?mode=memory&cache=shared",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "of a test"
ROOT_URLCONF = "django_site"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
SESSION_ENGINE = "sessile.django"
SESSILE = {"directory": None, "threads": False}

before_save: list[Any] = []
"""What happens between a view and the saving of the session."""


def read(request: HttpRequest) -> JsonResponse:
    """Shows who is logged in, and the session."""
    data = {name: value for name, value in request.session.items() if name[0] != "_"}
    return JsonResponse({"user": request.user.get_username(), "data": data})


def set_value(request: HttpRequest, name: str, value: str) -> JsonResponse:
    """Sets a value; something else may happen before it is saved."""
    request.session[name] = value
    for happen in before_save:
        happen()
    return JsonResponse({})


def log_in(request: HttpRequest, name: str) -> JsonResponse:
    """Logs a user in."""
    auth.login(request, auth.get_user_model().objects.get(username=name))
    return JsonResponse({"key": request.session.session_key})


async def alog_in(request: HttpRequest, name: str) -> JsonResponse:
    """Logs a user in without threads for each call."""
    user = await auth.get_user_model().objects.aget(username=name)
    await auth.alogin(request, user)
    await request.session.aset("how", "async")
    return JsonResponse({"key": request.session.session_key})


def log_out(request: HttpRequest) -> JsonResponse:
    """Logs out."""
    auth.logout(request)
    return JsonResponse({})


def change_password(request: HttpRequest) -> JsonResponse:
    """Changes the password and stays logged in here."""
    user: Any = request.user
    user.set_password("another")
    user.save()
    auth.update_session_auth_hash(request, user)
    return JsonResponse({})


def static_like(_request: HttpRequest) -> JsonResponse:
    """Uses no session."""
    return JsonResponse({})


def who(request: HttpRequest) -> Any:
    """Asks DRF who it is."""
    from rest_framework.decorators import api_view, authentication_classes, permission_classes
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response

    from sessile.drf import BearerAuthentication, SessionAuthentication

    @api_view(["GET", "POST"])
    @authentication_classes([BearerAuthentication, SessionAuthentication])
    @permission_classes([IsAuthenticated])
    def view(api_request: Any) -> Response:
        return Response({"user": api_request.user.get_username()})

    return view(request)


who.csrf_exempt = True  # type: ignore[attr-defined]

urlpatterns = [
    path("read", read),
    path("set/<name>/<value>", set_value),
    path("login/<name>", log_in),
    path("alogin/<name>", alog_in),
    path("logout", log_out),
    path("password", change_password),
    path("static-like", static_like),
    path("who", who),
]
