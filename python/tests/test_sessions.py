"""Sessions, from their creation to their end."""

import pickle
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sessile
from conftest import ManualClock
from sessile import Engine, Reason, Rejected, Session


def test_a_session_verifies_until_it_is_revoked(engine: Engine) -> None:
    issued = engine.create("alice", device_label="Firefox", amr=["pwd"], acr="aal1")
    session = engine.verify(issued.token)
    assert session and session.subject == "alice" and session.reason is None
    assert session.handle == issued.session.handle
    assert engine.revoke(session) is True
    rejected = engine.verify(issued.token)
    assert not rejected and rejected.reason is Reason.REVOKED_SESSION
    assert engine.revoke(session) is False


def test_verification_takes_texts_and_tokens(engine: Engine) -> None:
    token = engine.create().token
    assert engine.verify(token) and engine.verify(token.reveal())
    with pytest.raises(TypeError, match="a token is a str or a Token, not int"):
        engine.verify(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "x", "A" * 48, "é" * 24, "\ud800", "x" * 100_000, "\0"])
def test_what_is_no_token_is_rejected_and_not_an_error(engine: Engine, text: str) -> None:
    assert engine.verify(text).reason is Reason.MALFORMED
    assert engine.peek(text).reason is Reason.MALFORMED


def test_lifetimes_are_timedeltas_or_seconds_and_end_on_the_millisecond(
    engine: Engine, clock: ManualClock
) -> None:
    issued = engine.create("alice", idle_timeout=timedelta(seconds=60), absolute_lifetime=90)
    clock.advance(59.999)
    assert engine.peek(issued.token)
    assert engine.verify(issued.token)
    clock.advance(30)
    peeked = engine.peek(issued.token)
    assert peeked and peeked.time_left == timedelta(milliseconds=1)
    clock.advance(0.001)
    assert engine.verify(issued.token).reason is Reason.EXPIRED
    idle = engine.create("alice", idle_timeout=60)
    clock.advance(60)
    assert engine.verify(idle.token).reason is Reason.IDLE_EXPIRED


def test_presets_are_given_by_name(engine: Engine, clock: ManualClock) -> None:
    session = engine.create("alice", lifetimes="remember_me").session
    assert session.absolute_deadline - session.created == timedelta(days=30)
    assert session.idle_deadline - session.created == timedelta(days=7)
    shorter = engine.create("alice", lifetimes="remember_me", idle_timeout=60).session
    assert shorter.time_left == timedelta(minutes=1)
    with pytest.raises(sessile.InvalidConfigError, match="lifetimes"):
        engine.create("alice", lifetimes="forever")  # type: ignore[arg-type]


def test_moments_are_aware_datetimes_in_utc(engine: Engine, clock: ManualClock) -> None:
    session = engine.create("alice").session
    assert session.created == clock.now and session.created.tzinfo is UTC
    assert session.verified_at == session.last_seen == session.authenticated_at == clock.now
    later = engine.create("alice", not_before=clock.now + timedelta(hours=1))
    assert engine.verify(later.token).reason is Reason.NOT_YET_VALID
    clock.advance(3600)
    assert engine.verify(later.token)
    with pytest.raises(ValueError, match="time zone"):
        engine.suspend("alice", datetime(2030, 1, 1))


def test_peek_keeps_nothing_alive(engine: Engine, clock: ManualClock) -> None:
    token = engine.create("alice", idle_timeout=60).token
    for _ in range(3):
        clock.advance(19)
        assert engine.peek(token)
    clock.advance(3)
    assert not engine.verify(token)


def test_touch_keeps_a_session_alive(engine: Engine, clock: ManualClock) -> None:
    issued = engine.create("alice", idle_timeout=60)
    for _ in range(5):
        clock.advance(50)
        assert engine.touch(issued.session) is True
    clock.advance(60)
    assert engine.touch(issued.session.handle) is False


def test_the_old_token_answers_read_only_after_a_rotation(
    engine: Engine, clock: ManualClock
) -> None:
    old = engine.create("alice")
    new = engine.rotate(old.session, device_label="Safari")
    seen = engine.verify(old.token)
    assert seen and seen.rotated_to == new.session.handle
    with pytest.raises(sessile.SessionGoneError, match="read-only"):
        engine.patch(old.session, {"a": 1})
    assert engine.list("alice")[0].device_label == "Safari"
    clock.advance(10)
    assert not engine.verify(old.token)
    assert engine.verify(new.token)
    last = engine.rotate(new.session, grace=0)
    assert not engine.verify(new.token) and engine.verify(last.token)


def test_a_login_gives_a_visit_a_subject_and_keeps_its_data(engine: Engine) -> None:
    visit = engine.create()
    assert visit.session.subject is None and visit.session.authenticated_at is None
    engine.patch(visit.session, {"cart": ["teapot"]})
    issued = engine.log_in(visit.session, "alice", amr=["pwd", "otp"], acr="aal2")
    assert issued.session.subject == "alice"
    assert engine.data(issued.session) == {"cart": ["teapot"]}
    [info] = engine.list("alice")
    assert (info.amr, info.acr) == (["pwd", "otp"], "aal2")


def test_a_login_adopts_no_session_of_the_client(engine: Engine) -> None:
    planted = engine.create().token.reveal()
    issued = engine.create("alice", retire=planted)
    assert issued.token.reveal() != planted
    assert not engine.verify(planted)
    forged = engine.create("alice", retire="A" * 48)
    assert forged.token.reveal() != "A" * 48


def test_reauthentication_begins_the_deadline_anew(engine: Engine, clock: ManualClock) -> None:
    issued = engine.create("alice", idle_timeout=3600, absolute_lifetime=3600)
    clock.advance(1800)
    session = engine.verify(issued.token)
    assert session and not session.is_authenticated_within(1800)
    again = engine.reauthenticate(session, amr=["hwk"]).session
    assert again.absolute_deadline == clock.now + timedelta(hours=1)
    assert again.is_authenticated_within(timedelta(minutes=1))


def test_revoking_a_subject_leaves_the_exception(engine: Engine) -> None:
    tokens = [engine.create("alice") for _ in range(3)]
    engine.revoke_subject("alice", except_=tokens[1].session)
    assert [bool(engine.verify(issued.token)) for issued in tokens] == [False, True, False]
    assert engine.verify(tokens[0].token).reason is Reason.REVOKED_SUBJECT
    assert engine.count("alice") == 1
    engine.revoke_all()
    assert engine.verify(tokens[1].token).reason is Reason.REVOKED_ALL
    assert engine.is_active("alice") is False


def test_the_suspended_are_out_until_reinstated(engine: Engine, clock: ManualClock) -> None:
    token = engine.create("alice").token
    engine.suspend("alice", clock.now + timedelta(minutes=5))
    assert engine.verify(token).reason is Reason.SUSPENDED
    with pytest.raises(sessile.SuspendedError):
        engine.create("alice")
    engine.reinstate("alice")
    assert engine.verify(token)


def test_changed_claims_are_told(engine: Engine) -> None:
    token = engine.create("alice").token
    version = engine.bump_claims("alice")
    session = engine.verify(token)
    assert session and session.are_claims_stale and session.claims_version < version
    assert not engine.rotate(session).session.are_claims_stale


def test_a_subject_has_as_many_sessions_as_the_settings_allow(clock: ManualClock) -> None:
    with Engine.in_memory(clock=clock, max_sessions_per_subject=2, threads=False) as engine:
        first = engine.create("alice")
        for _ in range(2):
            clock.advance(1)
            engine.create("alice")
        assert not engine.verify(first.token) and engine.count("alice") == 2
    limits: sessile.Settings = {"max_sessions_per_subject": 1, "at_limit": "refuse"}
    with Engine.in_memory(**limits) as engine:
        engine.create("alice")
        with pytest.raises(sessile.TooManySessionsError):
            engine.create("alice")


def test_sessions_survive_a_reopen(directory: Path) -> None:
    with Engine.open(directory) as engine:
        token = engine.create("alice").token
    with Engine.open(str(directory)) as engine:
        assert engine.verify_at_once(token) is None
        assert engine.verify(token)
        assert engine.verify_at_once(token)
        stats = engine.stats()
        assert (stats.store, stats.cache_misses, stats.cache_hits) == ("sled", 1, 1)


def test_verdicts_are_values(engine: Engine) -> None:
    token = engine.create("alice").token
    assert engine.verify(token) == engine.verify(token)
    assert engine.verify(token) != engine.create("alice").session
    assert len({engine.verify(token), engine.verify(token)}) == 1
    match engine.verify("nonsense"):
        case Rejected(reason):
            assert reason is Reason.MALFORMED
        case Session():
            pytest.fail("let in")
    assert engine.verify("nonsense") == Rejected(Reason.MALFORMED)
    with pytest.raises(ValueError, match="no reason"):
        Rejected(255)


def test_values_are_pickled_and_an_engine_is_not(engine: Engine) -> None:
    issued = engine.create("alice", amr=["pwd"])
    values: list[object] = [engine.list("alice")[0], engine.verify("x"), issued.token]
    values += [engine.stats(), engine.keys()[0], engine.create_api_key("alice", "ci")]
    for value in values:
        assert pickle.loads(pickle.dumps(value)) == value
    assert pickle.loads(pickle.dumps(issued.token)).reveal() == issued.token.reveal()
    with pytest.raises(TypeError, match="one per process and store"):
        pickle.dumps(engine)
    # The answer of a moment, which nobody should find in a cache.
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(issued.session)


def test_threads_that_verify_and_revoke_see_every_revoke_at_once(engine: Engine) -> None:
    """A token that was revoked before the call is let in by no thread."""
    faults: list[str] = []

    def work() -> None:
        for _ in range(300):
            issued = engine.create("alice")
            if not engine.verify(issued.token):
                faults.append("rejected before the revoke")
            engine.revoke(issued.session)
            if engine.verify(issued.token):
                faults.append("let in after the revoke")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_the_clock_of_the_host_is_read_at_every_call_and_its_faults_are_raised(
    clock: ManualClock,
) -> None:
    now = 1_800_000_000.0

    def seconds() -> float:
        if now < 0:
            raise RuntimeError("the clock is broken")
        return now

    with Engine.in_memory(clock=seconds, threads=False) as engine:
        issued = engine.create("alice", idle_timeout=60)
        assert issued.session.created.timestamp() == now
        now += 60
        assert not engine.verify(issued.token)
        now = -1
        with pytest.raises(RuntimeError, match="broken"):
            engine.verify(issued.token)
        now = 1_800_000_100.0
    with pytest.raises(TypeError, match="a moment is"):
        Engine.in_memory(clock=lambda: "noon")  # type: ignore[arg-type, return-value]
