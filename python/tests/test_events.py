"""Events, watches, and callbacks."""

import threading
import time
from datetime import timedelta

import pytest
import sessile
from conftest import ManualClock
from sessile import Engine, Event, Reason


def drain(events: sessile.Subscription) -> list[Event]:
    return list(iter(lambda: events.next(timeout=0), None))


def test_events_come_in_order_and_name_no_token(engine: Engine, clock: ManualClock) -> None:
    with engine.subscribe() as events:
        issued = engine.create("alice", idle_timeout=90)
        handle = issued.session.handle
        engine.patch(issued.session, {"a": 1})
        rotated = engine.rotate(issued.session).session
        clock.advance(31)
        engine.tick()
        engine.revoke(rotated)
        engine.suspend("bob", clock.now + timedelta(days=1))
        engine.reinstate("bob")
        engine.bump_claims("bob")
        engine.revoke_subject("bob")
        engine.revoke_all()
        engine.rotate_key()
        told = drain(events)
    kinds = [event.kind for event in told if event.kind != "touched"]
    assert kinds == [
        "created",
        "data_changed",
        "rotated",
        "expiring_soon",
        "revoked",
        "suspended",
        "reinstated",
        "claims_changed",
        "subject_revoked",
        "all_revoked",
        "keys_changed",
    ]
    by_kind = {event.kind: event for event in told}
    created = by_kind["created"]
    assert (created.handle, created.subject) == (handle, "alice")
    assert by_kind["rotated"].rotated_to == rotated.handle and by_kind["rotated"].handle == handle
    assert by_kind["revoked"].cause == "revoked" and by_kind["revoked"].handle == rotated.handle
    assert by_kind["expiring_soon"].deadline == rotated.idle_deadline
    assert by_kind["suspended"].deadline == clock.now + timedelta(days=1)
    assert issued.token.reveal() not in repr(told)
    assert events.closed and events.next(timeout=0) is None


def test_refreshes_uses_and_expiries_are_told(engine: Engine, clock: ManualClock) -> None:
    single = engine.issue_single_use("reset")
    issued = engine.create("alice", refresh=True)
    visit = engine.create(idle_timeout=60)
    assert issued.refresh_token is not None
    with engine.subscribe() as events:
        assert engine.refresh(issued.refresh_token) and engine.consume("reset", single.token)
        clock.advance(61)
        engine.tick()
        told = {event.kind: event for event in drain(events)}
    assert told["refreshed"].number == 1 and told["consumed"].handle == single.handle
    assert told["expired"].handle == visit.session.handle


def test_a_loop_over_events_ends_with_the_engine() -> None:
    engine = Engine.in_memory()
    events = engine.subscribe()
    told: list[str] = []

    def listen() -> None:
        told.extend(event.kind for event in events)

    thread = threading.Thread(target=listen)
    thread.start()
    engine.create("alice")
    engine.close()
    thread.join(timeout=10)
    assert not thread.is_alive() and told == ["created"]
    with pytest.raises(sessile.ClosedError):
        engine.subscribe()


def test_a_callback_hears_of_all_and_may_fail(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    is_done = threading.Event()

    def tell(event: Event) -> None:
        told.append(event.kind)
        if event.kind == "created":
            raise LookupError("a listener's own fault")
        is_done.set()

    events = engine.on_event(tell)
    engine.revoke(engine.create("alice").session)
    assert is_done.wait(timeout=10)
    assert told == ["created", "revoked"]
    assert "a listener's own fault" in caplog.text
    events.close()


def test_a_watch_ends_with_its_session_and_not_with_a_rotation(engine: Engine) -> None:
    session = engine.create("alice").session
    watch = engine.watch(session)
    told: list[Reason] = []
    watch.on_end(told.append)
    new = engine.rotate(session).session
    assert watch.ended is None and watch.wait(timeout=0) is None and told == []
    engine.revoke(new)
    assert watch.wait() is Reason.REVOKED_SESSION is watch.ended
    assert told == [Reason.REVOKED_SESSION]
    watch.on_end(told.append)
    assert len(told) == 2
    assert engine.watch(session).ended is not None


def test_a_watch_ends_when_the_time_runs_out(engine: Engine, clock: ManualClock) -> None:
    watch = engine.watch(engine.create("alice", idle_timeout=60).session)
    clock.advance(60)
    engine.tick()
    assert watch.ended is Reason.IDLE_EXPIRED


def test_waiting_for_a_closed_engine_is_an_error() -> None:
    engine = Engine.in_memory()
    watch = engine.watch(engine.create("alice").session)
    engine.close()
    with pytest.raises(sessile.ClosedError):
        watch.wait(timeout=10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_watcher_that_fails_disturbs_nobody(engine: Engine) -> None:
    session = engine.create("alice").session
    watch = engine.watch(session)

    def fail(_: Reason) -> None:
        raise LookupError("a watcher's own fault")

    told: list[Reason] = []
    watch.on_end(fail)
    watch.on_end(told.append)
    assert engine.revoke(session) is True
    assert told == [Reason.REVOKED_SESSION]


def test_a_wait_leaves_the_interpreter_to_others(engine: Engine) -> None:
    session = engine.create("alice").session
    watch = engine.watch(session)
    started = threading.Event()

    def revoke() -> None:
        started.wait()
        engine.revoke(session)

    thread = threading.Thread(target=revoke)
    thread.start()
    begun = time.monotonic()
    started.set()
    assert watch.wait(timeout=10) is Reason.REVOKED_SESSION
    assert time.monotonic() - begun < 5
    thread.join()
