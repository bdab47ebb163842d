"""Flask's sessions in sessile: what Flask's own tests do not ask for."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import flask
import pytest
import sessile
import sessile.flask
from conftest import ManualClock
from flask.testing import FlaskClient


Happening = Callable[[], object]


@pytest.fixture
def before_save() -> list[Happening]:
    """What happens, once, between a view and the saving of its session."""
    return []


@pytest.fixture
def app(clock: ManualClock, before_save: list[Happening]) -> Iterator[flask.Flask]:
    app = flask.Flask(__name__)

    @app.after_request
    def happen(response: flask.Response) -> flask.Response:
        while before_save:
            before_save.pop()()
        return response

    sessions = sessile.flask.Sessions(None, clock=clock, threads=False)
    app.session_interface = sessions

    @app.get("/set/<name>/<value>")
    def set_value(name: str, value: str) -> str:
        flask.session[name] = value
        return ""

    @app.get("/read")
    def read() -> dict[str, object]:
        session: Any = flask.session
        return {"subject": session.subject, **session}

    @app.get("/login/<subject>")
    def log_in(subject: str) -> str:
        sessile.flask.log_in(subject)
        return ""

    @app.get("/logout")
    def log_out() -> str:
        sessile.flask.log_out()
        return ""

    @app.get("/clear")
    def clear() -> str:
        flask.session.clear()
        return ""

    @app.get("/static-like")
    def static_like() -> str:
        return ""

    yield app
    sessions.close()


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()


def token_of(client: FlaskClient) -> str | None:
    cookie = client.get_cookie("session")
    return None if cookie is None else cookie.value


def engine_of(app: flask.Flask) -> sessile.Engine:
    sessions = app.session_interface
    assert isinstance(sessions, sessile.flask.Sessions)
    return sessions.engine(app)


def test_nothing_is_created_before_the_first_write(client: FlaskClient) -> None:
    answer = client.get("/read")
    assert answer.json == {"subject": None}
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Vary"] == "Cookie"
    assert answer.headers["Cache-Control"] == "private"
    assert token_of(client) is None


def test_a_login_changes_the_token_and_keeps_the_data(
    app: flask.Flask, client: FlaskClient
) -> None:
    client.get("/set/theme/dark")
    planted = token_of(client)
    assert planted is not None
    client.get("/login/alice")
    assert token_of(client) != planted
    assert client.get("/read").json == {"subject": "alice", "theme": "dark"}

    attacker = app.test_client()
    attacker.set_cookie("session", planted)
    assert attacker.get("/read").json == {"subject": None}


@pytest.mark.parametrize("chosen", ["chosen-by-attacker", "A" * 48])
def test_a_token_that_the_client_chose_is_never_adopted(app: flask.Flask, chosen: str) -> None:
    client = app.test_client()
    client.set_cookie("session", chosen)
    client.get("/login/alice")
    assert token_of(client) != chosen
    other = app.test_client()
    other.set_cookie("session", chosen)
    assert other.get("/read").json == {"subject": None}


def test_two_requests_that_change_different_values_both_count(
    app: flask.Flask, client: FlaskClient, before_save: list[Happening]
) -> None:
    client.get("/set/first/1")
    other = app.test_client()
    other.set_cookie("session", token_of(client) or "")
    before_save.append(lambda: other.get("/set/second/2"))
    client.get("/set/third/3")
    assert client.get("/read").json == {
        "subject": None,
        "first": "1",
        "second": "2",
        "third": "3",
    }


def test_a_slow_save_does_not_bring_back_a_session_that_was_ended(
    app: flask.Flask, client: FlaskClient, before_save: list[Happening]
) -> None:
    client.get("/login/alice")
    token = token_of(client)
    before_save.append(lambda: engine_of(app).revoke_subject("alice"))
    answer = client.get("/set/late/1")
    assert answer.status_code == 409
    assert "Set-Cookie" not in answer.headers
    assert not engine_of(app).verify(token or "")
    assert engine_of(app).count("alice") == 0


def test_logging_out_and_clearing_end_the_session(
    app: flask.Flask, client: FlaskClient
) -> None:
    for path in ("/logout", "/clear"):
        client.get("/login/alice")
        token = token_of(client)
        client.get(path)
        assert token_of(client) is None
        assert not engine_of(app).verify(token or "")


def test_a_failure_of_the_store_is_a_503_and_clears_no_cookie(
    app: flask.Flask, client: FlaskClient
) -> None:
    client.get("/login/alice")
    token = token_of(client)
    engine_of(app).close()
    answer = client.get("/read")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Set-Cookie" not in answer.headers
    assert token_of(client) == token
    assert client.get("/static-like").status_code == 200


def test_a_failure_while_saving_replaces_the_response(
    app: flask.Flask, client: FlaskClient, before_save: list[Happening]
) -> None:
    client.get("/login/alice")
    before_save.append(engine_of(app).close)
    answer = client.get("/set/a/1")
    assert answer.status_code == 503
    assert answer.text == "The session store is not available."


def test_a_session_lives_as_long_as_flask_says(
    app: flask.Flask, client: FlaskClient, clock: ManualClock
) -> None:
    client.get("/set/theme/dark")
    client.get("/login/alice")
    clock.advance(timedelta(days=30).total_seconds())
    assert client.get("/read").json == {"subject": "alice", "theme": "dark"}
    clock.advance(timedelta(days=2).total_seconds())
    answer = client.get("/read")
    assert answer.json == {"subject": None}
    assert token_of(client) is None


def test_another_login_ends_the_session_of_the_one_before(
    app: flask.Flask, client: FlaskClient
) -> None:
    client.get("/login/alice")
    client.get("/set/of/alice")
    client.get("/login/bob")
    assert client.get("/read").json == {"subject": "bob"}
    assert engine_of(app).count("alice") == 0
