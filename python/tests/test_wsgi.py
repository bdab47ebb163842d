"""The WSGI middleware, under the checker of PEP 3333."""

from collections.abc import Callable, Iterable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
import sessile
import sessile.wsgi
from conftest import ManualClock

View = Callable[[sessile.wsgi.Session], str]


class Client:
    """A browser: keeps the cookies that it is given."""

    def __init__(self, sessions: sessile.wsgi.Sessions) -> None:
        self.sessions = sessions
        self.cookies: dict[str, str] = {}
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def get(self, cookies: str | None = None) -> str:
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if cookies or header:
            environ["HTTP_COOKIE"] = cookies or header
        environ["QUERY_STRING"] = ""
        body = validator(self.sessions)(environ, self._start)
        try:
            text = b"".join(body).decode()
        finally:
            body.close()  # type: ignore[attr-defined]
        for cookie in self.set_cookies():
            for name, morsel in SimpleCookie(cookie).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return text

    def _start(
        self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda _data: None

    def set_cookies(self) -> list[str]:
        return [value for name, value in self.headers if name == "Set-Cookie"]

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


@pytest.fixture
def views() -> list[View]:
    """What the application does: the last of these."""
    return []


@pytest.fixture
def sessions(clock: ManualClock, views: list[View]) -> Iterator[sessile.wsgi.Sessions]:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        text = views[-1](environ[sessile.wsgi.ENVIRON_KEY]).encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text]

    sessions = sessile.wsgi.Sessions(application, None, clock=clock, threads=False)
    yield sessions
    sessions.close()


@pytest.fixture
def client(sessions: sessile.wsgi.Sessions) -> Client:
    return Client(sessions)


def visit(session: sessile.wsgi.Session) -> str:
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


def log_in(session: sessile.wsgi.Session) -> str:
    session.log_in("alice")
    return ""


def read(session: sessile.wsgi.Session) -> str:
    return f"{session.subject} {dict(session)}"


def test_a_session_is_created_at_the_first_write_and_found_again(
    client: Client, views: list[View]
) -> None:
    views.append(read)
    assert client.get() == "None {}"
    assert client.set_cookies() == []
    assert client.header("Vary") == "Cookie"
    assert client.header("Cache-Control") == "private"

    views.append(visit)
    assert [client.get(), client.get()] == ["1", "2"]


def test_what_the_session_is_not_used_for_has_no_vary(client: Client, views: list[View]) -> None:
    views.append(lambda _session: "static")
    client.get()
    assert client.header("Vary") is None
    assert client.header("Cache-Control") is None
    assert client.set_cookies() == []


def test_the_session_cookie_is_sent_again_only_when_due(client: Client, views: list[View]) -> None:
    views.append(visit)
    client.get()
    assert any(cookie.startswith("__Host-sid=") for cookie in client.set_cookies())
    client.get()
    assert not any(cookie.startswith("__Host-sid=") for cookie in client.set_cookies())


def test_a_login_changes_the_token_and_keeps_the_data(client: Client, views: list[View]) -> None:
    views.append(visit)
    client.get()
    planted = dict(client.cookies)
    views.append(log_in)
    client.get()
    assert client.cookies["__Host-sid"] != planted["__Host-sid"]
    views.append(read)
    assert client.get() == "alice {'visits': 1}"

    # Whoever had planted the token from before the login has nothing.
    attacker = Client(client.sessions)
    attacker.cookies = planted
    assert attacker.get() == "None {}"


@pytest.mark.parametrize("chosen", ["chosen-by-attacker", "A" * 48, "x" * 5000, ""])
def test_a_token_that_the_client_chose_is_never_adopted(
    client: Client, views: list[View], chosen: str
) -> None:
    views.append(log_in)
    client.get(f"__Host-sid={chosen}")
    given = client.cookies["__Host-sid"]
    assert given != chosen
    views.append(read)
    assert Client(client.sessions).get(f"__Host-sid={chosen}") == "None {}"
    assert client.get() == "alice {}"


def test_two_requests_that_change_different_values_both_count(
    client: Client, views: list[View]
) -> None:
    views.append(visit)
    client.get()

    def slow(session: sessile.wsgi.Session) -> str:
        session["slow"] = len(session)

        def fast(session: sessile.wsgi.Session) -> str:
            session["fast"] = 1
            del session["visits"]
            return ""

        views.append(fast)
        other = Client(client.sessions)
        other.cookies = dict(client.cookies)
        other.get()
        return ""

    views.append(slow)
    client.get()
    views.append(read)
    assert client.get() == "None {'fast': 1, 'slow': 1}"


def test_a_slow_save_does_not_bring_back_a_session_that_was_ended(
    client: Client, views: list[View]
) -> None:
    views.append(log_in)
    client.get()
    before = dict(client.cookies)

    def slow(session: sessile.wsgi.Session) -> str:
        session["late"] = True
        client.sessions.engine.revoke_subject("alice")
        return "written"

    views.append(slow)
    assert client.get() == "The session ended while the request was under way."
    assert client.status == "409 Conflict"
    assert client.set_cookies() == []
    views.append(read)
    assert Client(client.sessions).get(f"__Host-sid={before['__Host-sid']}") == "None {}"
    assert client.sessions.engine.count("alice") == 0


def test_a_logout_ends_the_session_and_clears_the_cookies(
    client: Client, views: list[View]
) -> None:
    views.append(log_in)
    client.get()
    token = client.cookies["__Host-sid"]

    def log_out(session: sessile.wsgi.Session) -> str:
        session.log_out()
        return ""

    views.append(log_out)
    client.get()
    assert client.cookies == {}
    assert not client.sessions.engine.verify(token)


def test_emptying_it_logs_out_too(client: Client, views: list[View]) -> None:
    views.append(log_in)
    client.get()

    def clear(session: sessile.wsgi.Session) -> str:
        session.clear()
        return ""

    views.append(clear)
    client.get()
    assert client.cookies == {}
    assert client.sessions.engine.count("alice") == 0


def test_another_login_ends_the_session_of_the_one_before(
    client: Client, views: list[View]
) -> None:
    views.append(log_in)
    client.get()

    def log_in_bob(session: sessile.wsgi.Session) -> str:
        session["of"] = "alice"
        session.log_in("bob")
        return ""

    views.append(log_in_bob)
    client.get()
    views.append(read)
    assert client.get() == "bob {}"
    assert client.sessions.engine.count("alice") == 0


def test_a_failure_of_the_store_is_a_503_and_clears_no_cookie(
    client: Client, views: list[View]
) -> None:
    views.append(visit)
    client.get()
    before = dict(client.cookies)
    client.sessions.engine.close()
    for view in (visit, read):
        views.append(view)
        assert client.get() == "The session store is not available."
        assert client.status == "503 Service Unavailable"
        assert client.header("Retry-After") is not None
        assert client.cookies == before


def test_a_change_inside_a_value_is_saved(client: Client, views: list[View]) -> None:
    def fill(session: sessile.wsgi.Session) -> str:
        session.setdefault("cart", []).append("teapot")
        return ""

    views.append(fill)
    client.get()
    client.get()
    views.append(read)
    assert client.get() == "None {'cart': ['teapot', 'teapot']}"
