"""Cookies and the Authorization header."""

from datetime import timedelta

import pytest
import sessile
from conftest import ManualClock
from sessile import Cookies, Engine, Reason


def pair(set_cookie: str) -> str:
    return set_cookie.split(";")[0]


def test_what_is_set_verifies(engine: Engine) -> None:
    issued = engine.create("alice")
    cookie, companion = engine.set_cookies(issued)
    assert cookie.startswith(f"__Host-sid={issued.token.reveal()}; Max-Age=43200; Path=/; Secure")
    assert "HttpOnly" in cookie and "HttpOnly" not in companion
    assert issued.token.reveal() not in companion
    header = f"theme=dark; {pair(cookie)}; {pair(companion)}"
    for headers in (header, header.encode(), [header], ("a=1", header.encode())):
        session = engine.verify_cookies(headers)
        assert session and session.handle == issued.session.handle
        assert engine.peek_cookies(headers)
    assert engine.cookie_values(header) == [issued.token.reveal()]
    assert engine.cookie_names == ("__Host-sid", "__Host-sid-left")


@pytest.mark.parametrize("headers", [None, "", b"", [], "sid=x", "\ud800=\xff", b"\xff\xfe=1"])
def test_no_cookie_is_not_a_rejection(
    engine: Engine, headers: str | bytes | list[str] | None
) -> None:
    assert engine.verify_cookies(headers) is None
    assert engine.cookie_values(headers) == []


def test_a_planted_cookie_is_passed_over_and_two_valid_ones_are_refused(engine: Engine) -> None:
    alice, mallory = (engine.create(name) for name in ("alice", "mallory"))
    own, planted = (pair(engine.set_cookies(issued)[0]) for issued in (alice, mallory))
    session = engine.verify_cookies(f"__Host-sid=forged; {own}")
    assert session and session.subject == "alice"
    both = engine.verify_cookies([own, planted])
    assert both is not None and both.reason is Reason.AMBIGUOUS


def test_what_is_no_header_is_a_type_error(engine: Engine) -> None:
    for headers in (7, [7]):
        with pytest.raises(TypeError):
            engine.verify_cookies(headers)  # type: ignore[arg-type]


def test_a_bearer_token_is_read_from_its_header(engine: Engine) -> None:
    token = engine.create("alice").token.reveal()
    assert engine.verify_bearer(f"Bearer {token}")
    assert engine.verify_bearer(f"bearer {token}".encode())
    assert engine.bearer_token(f"Bearer {token}") == token
    for header in (None, "", f"Basic {token}", token):
        assert engine.verify_bearer(header) is None
    rejected = engine.verify_bearer("Bearer nonsense")
    assert rejected is not None and rejected.reason is Reason.MALFORMED


def test_cookies_are_renewed_and_cleared(engine: Engine) -> None:
    issued = engine.create("alice")
    [companion] = engine.renew_cookies(issued.session)
    assert companion.startswith("__Host-sid-left=1800.")
    engine.rotate_key()
    session = engine.verify(issued.token)
    assert session and session.renewed_token
    assert engine.verify(session.renewed_token)
    assert len(engine.renew_cookies(session)) == 2
    assert all("Max-Age=0" in cookie for cookie in engine.clear_cookies())


def test_the_settings_of_cookies(clock: ManualClock) -> None:
    cookies = Cookies(
        name="__Secure-sid",
        domain="shop.example",
        same_site="strict",
        path="/app",
        partitioned=True,
        max_age=timedelta(hours=1),
        companion_name="__Secure-left",
    )
    with Engine.in_memory(cookies=cookies, clock=clock) as engine:
        cookie, companion = engine.set_cookies(engine.create("alice"))
        assert "; Max-Age=3600; Path=/app; Domain=shop.example; Secure; SameSite=Strict" in cookie
        assert cookie.endswith("; Partitioned; HttpOnly") and companion.startswith("__Secure-left=")
    with Engine.in_memory(cookies=Cookies(max_age="browser")) as engine:
        assert "Max-Age" not in engine.set_cookies(engine.create())[0]
    with pytest.raises(sessile.InvalidConfigError, match="__Host-"):
        Engine.in_memory(cookies=Cookies(domain="shop.example"))
