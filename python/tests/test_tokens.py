"""Every other kind of token, and the keys under them."""

import base64
import io
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
import sessile
from conftest import ManualClock
from sessile import Engine, Reason, RefreshGrant, Token


def test_no_token_shows_itself_to_who_does_not_ask(engine: Engine) -> None:
    issued = engine.create("alice", refresh=True)
    session = issued.session
    assert issued.refresh_token is not None
    holders: list[tuple[object, Token]] = [
        (issued, issued.token),
        (issued, issued.refresh_token),
        (session, issued.token),
    ]
    access = engine.issue_access(session)
    single = engine.issue_single_use("reset", payload=b"hunter2")
    key = engine.create_api_key("alice", "ci")
    csrf = engine.csrf_token(session)
    holders += [(access, access.token), (single, single.token), (key, key.token), (csrf, csrf)]
    for holder, token in holders:
        for shown in (repr(holder), str(holder), f"{holder}", f"{token}", repr([token])):
            assert token.reveal() not in shown and "hunter2" not in shown
    assert {token.kind for _, token in holders} == {
        "session",
        "refresh",
        "access",
        "single_use",
        "api_key",
        "csrf",
    }


def test_an_access_token_stands_and_falls_with_its_session(
    engine: Engine, clock: ManualClock
) -> None:
    session = engine.create("alice").session
    issued = engine.issue_access(
        session, client="app", scopes=["read", "write"], claims={"tenant": {"id": 7}}, lifetime=60
    )
    for _ in range(2):
        access = engine.verify_access(issued.token)
        assert access and access.subject == "alice" and access.session.handle == session.handle
        assert access.scopes == ["read", "write"] and access.reason is None
        claims = access.claims
        assert claims["tenant"] == {"id": 7} and claims["client_id"] == "app"
        assert claims["aud"] == ["https://api.example"] and claims["sid"] == session.handle
    clock.advance(60)
    assert engine.verify_access(issued.token).reason is Reason.EXPIRED
    other = engine.issue_access(session).token
    assert engine.verify_access(other)
    engine.bump_claims("alice")
    assert engine.verify_access(other).reason is Reason.STALE_CLAIMS
    engine.revoke(session)
    assert engine.verify_access(other).reason is Reason.REVOKED_SESSION
    assert engine.verify_access("nonsense").reason is Reason.MALFORMED


def test_one_access_token_is_denied_alone(engine: Engine) -> None:
    session = engine.create("alice").session
    one, other = (engine.issue_access(session).token for _ in range(2))
    assert engine.verify_access(one) and engine.verify_access(other)
    assert engine.deny_access(one) is True
    assert engine.verify_access(one).reason is Reason.DENIED
    assert engine.verify_access(other) and engine.deny_access(one) is False


def test_access_tokens_need_settings() -> None:
    with Engine.in_memory() as engine:
        with pytest.raises(sessile.InvalidConfigError, match="not configured"):
            engine.issue_access(engine.create("alice").session)
        assert engine.jwks() == '{"keys":[]}'


def test_the_public_keys_verify_what_is_issued(engine: Engine) -> None:
    [key] = json.loads(engine.jwks())["keys"]
    token = engine.issue_access(engine.create("alice").session).token.reveal()
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert (header["kid"], header["typ"], key["crv"]) == (key["kid"], "at+jwt", "Ed25519")


def test_a_refresh_token_is_replaced_and_its_reuse_ends_the_session(
    engine: Engine, clock: ManualClock
) -> None:
    grant = RefreshGrant(client="app", scopes=["read", "write"])
    issued = engine.create("alice", refresh=grant)
    first = issued.refresh_token
    assert first is not None
    assert engine.refresh(first, client="other").reason is Reason.WRONG_CLIENT
    assert engine.refresh(first, client="app", scopes=["all"]).reason is Reason.BEYOND_GRANT
    second = engine.refresh(first, client="app", scopes=["read"])
    assert second and second.generation == 1 and not second.is_replay
    assert second.scopes == ["read"] and second.session.subject == "alice"
    again = engine.refresh(first, client="app")
    assert again and again.is_replay and again.refresh_token == second.refresh_token
    assert second.access is not None and engine.verify_access(second.access.token)
    clock.advance(11)
    assert engine.refresh(first, client="app").reason is Reason.REUSED
    assert not engine.verify(issued.token)
    assert engine.create("alice").refresh_token is None


def test_a_confirmed_refresh_leaves_the_grace_only(engine: Engine, clock: ManualClock) -> None:
    issued = engine.create("alice", refresh=True)
    first = issued.refresh_token
    assert first is not None
    assert engine.refresh(first)
    clock.advance(3600)
    assert engine.refresh(first)
    engine.confirm_refresh(issued.session, 1)
    assert engine.refresh(first).reason is Reason.REUSED


def test_a_single_use_token_is_used_once(engine: Engine, clock: ManualClock) -> None:
    issued = engine.issue_single_use(
        "reset", subject="alice", payload=b"\x00mail", lifetime=timedelta(minutes=5)
    )
    assert issued.deadline == clock.now + timedelta(minutes=5)
    assert engine.consume("login", issued.token).reason is Reason.WRONG_PURPOSE
    peeked = engine.peek_single_use("reset", issued.token)
    used = engine.consume("reset", issued.token.reveal())
    assert used and used == peeked and used.payload == b"\x00mail" and used.subject == "alice"
    session = engine.create("alice").session
    engine.bind_single_use(used, session)
    assert engine.consume("reset", issued.token).reason is Reason.REUSED
    assert engine.peek(engine.create().token) and not engine.touch(session)


def test_a_newer_single_use_token_takes_the_place_of_the_older(engine: Engine) -> None:
    old = engine.issue_single_use("reset", subject="alice")
    new = engine.issue_single_use("reset", subject="alice", supersede=True)
    assert not engine.consume("reset", old.token)
    assert engine.revoke_single_use(new) is True
    assert not engine.consume("reset", new.token)


def test_api_keys_are_named_scoped_listed_and_revoked(clock: ManualClock) -> None:
    with Engine.in_memory(clock=clock, api_key_prefix="shop", threads=False) as engine:
        issued = engine.create_api_key("alice", "ci", scopes=["deploy"], lifetime=3600)
        assert issued.token.reveal().startswith("shop_")
        key = engine.verify_api_key(issued.token)
        assert key and key.name == "ci" and key.scopes == ["deploy"]
        assert key.uses_this_minute == 1
        lasting = engine.create_api_key("alice", "bot", outlives_sessions=True)
        engine.revoke_subject("alice")
        assert not engine.verify_api_key(issued.token)
        assert [key.name for key in engine.list_api_keys("alice")] == ["bot"]
        assert engine.revoke_api_key(lasting.key) is True
        assert not engine.verify_api_key(lasting.token)


def test_a_signed_value_is_bound_to_its_purpose_and_age(
    engine: Engine, clock: ManualClock
) -> None:
    text = engine.sign("download", b"report.pdf")
    signed = engine.unsign("download", text, timedelta(hours=1))
    assert signed and signed.payload == b"report.pdf" and signed.signed_at == clock.now
    assert engine.unsign("upload", text, 3600).reason is Reason.BAD_SIGNATURE
    assert engine.unsign("download", text[:-1], 3600).reason
    clock.advance(3600)
    assert engine.unsign("download", text, 3600).reason is Reason.EXPIRED
    with pytest.raises(sessile.InvalidInputError):
        engine.sign("", b"")


def test_a_csrf_token_is_of_one_session(engine: Engine) -> None:
    alice, bob = (engine.create(name).session for name in ("alice", "bob"))
    token = engine.csrf_token(alice)
    assert engine.is_csrf_token(alice, token) and engine.is_csrf_token(alice, token.reveal())
    assert not engine.is_csrf_token(bob, token)
    for presented in (None, "", "x", "\ud800"):
        assert not engine.is_csrf_token(alice, presented)


def test_whatever_is_presented_is_introspected_and_revoked(engine: Engine) -> None:
    issued = engine.create("alice")
    told = engine.introspect(issued.token)
    assert told["active"] is True and told["sub"] == "alice"
    engine.revoke_presented(issued.token)
    assert engine.introspect(issued.token) == {"active": False}
    engine.revoke_presented("nonsense")


def test_keys_are_rotated_and_retired(engine: Engine) -> None:
    token = engine.create("alice").token
    [first] = engine.keys()
    published = engine.publish_key()
    assert [key.state for key in engine.keys()] == ["active", "published"]
    engine.activate_key(published)
    assert [key.state for key in engine.keys()] == ["verifying", "active"]
    assert engine.verify(token)
    engine.retire_key(first.id)
    assert engine.verify(token).reason is Reason.UNKNOWN_KEY
    with pytest.raises(sessile.InvalidInputError):
        engine.retire_key(published)
    with pytest.raises(sessile.NoSuchKeyError):
        engine.activate_key(200)
    with pytest.raises(sessile.InvalidInputError):
        engine.import_key("no key")


def test_an_export_brings_back_nothing_that_was_revoked(tmp_path: Path) -> None:
    secret = os.urandom(32)
    with Engine.open(tmp_path / "a", master_secret=secret) as engine:
        token = engine.create("alice").token
        out = io.BytesIO()
        summary = engine.export(out)
        assert summary.len_bytes == len(out.getvalue()) > 0
    with Engine.restore(
        io.BytesIO(out.getvalue()), tmp_path / "b", sessions="valid", master_secret=secret
    ) as engine:
        assert engine.verify(token)
    with Engine.restore(
        io.BytesIO(out.getvalue()), tmp_path / "c", master_secret=secret
    ) as engine:
        assert engine.verify(token).reason is Reason.REVOKED_ALL
    with pytest.raises(sessile.Error):
        Engine.restore(io.BytesIO(b"x"), tmp_path / "d", master_secret=secret)


def test_a_file_that_fails_is_the_cause(engine: Engine) -> None:
    class Broken(io.BytesIO):
        def write(self, _: object, /) -> int:
            raise OSError("no space")

    with pytest.raises(sessile.UnavailableError, match="no space"):
        engine.export(Broken())
