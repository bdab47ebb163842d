"""Django REST framework, by session cookie and by bearer token."""

from typing import Any

import pytest
import sessile
from django.test import Client, override_settings
from test_django import alice, client, database, key_of, site

import sessile.django  # isort: skip

__all__ = ["alice", "client", "database", "site"]


def who(client: Client, token: str) -> tuple[int, object]:
    answer = client.get("/who", headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def test_a_session_token_is_the_user(client: Client, alice: Any) -> None:
    token = sessile.django.engine().create(str(alice.pk)).token.reveal()
    assert who(client, token) == (200, {"user": "alice"})


def test_an_access_token_is_the_user_until_the_session_ends(alice: Any) -> None:
    access = sessile.AccessTokens("https://issuer.example", "https://api.example")
    settings = {"directory": None, "threads": False, "access_tokens": access}
    with override_settings(SESSILE=settings):
        engine = sessile.django.engine()
        issued = engine.create(str(alice.pk))
        token = engine.issue_access(issued.session).token.reveal()
        assert who(Client(), token) == (200, {"user": "alice"})
        sessile.django.log_out_everywhere(alice)
        assert who(Client(), token)[0] == 401


@pytest.mark.parametrize("token", ["chosen-by-attacker", "A" * 48, "a.b.c"])
def test_what_the_engine_did_not_issue_is_a_401(client: Client, token: str) -> None:
    answer = client.get("/who", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    # Whatever the reason, a client is told the same.
    assert answer.json() == {"detail": "The token is not valid."}


def test_nobody_is_a_401(client: Client) -> None:
    assert client.get("/who").status_code == 401


def test_an_anonymous_session_is_nobody(client: Client) -> None:
    token = sessile.django.engine().create().token.reveal()
    assert who(client, token)[0] == 401


def test_an_inactive_user_is_a_401(client: Client, alice: Any) -> None:
    token = sessile.django.engine().create(str(alice.pk)).token.reveal()
    alice.is_active = False
    alice.save()
    assert who(client, token)[0] == 401


def test_the_cookie_of_a_django_login_is_the_user(client: Client) -> None:
    client.get("/login/alice")
    assert client.get("/who").json() == {"user": "alice"}


def test_a_django_login_ends_with_the_password_for_bearers_too(
    client: Client, alice: Any
) -> None:
    client.get("/login/alice")
    token = key_of(client) or ""
    assert who(Client(), token) == (200, {"user": "alice"})
    alice.set_password("another")
    alice.save()
    assert who(Client(), token)[0] == 401


def test_a_failure_of_the_store_is_a_503(client: Client) -> None:
    client.get("/login/alice")
    token = key_of(client) or ""
    sessile.django.engine().close()
    assert who(Client(), token)[0] == 503
    assert client.get("/who").status_code == 503


def test_a_cookie_alone_does_not_pass_the_cross_site_check() -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/login/alice")
    assert client.post("/who").status_code == 403
    bearer = {"authorization": f"Bearer {key_of(client)}"}
    assert client.post("/who", headers=bearer).status_code == 200
