"""The interpreter's lock and the engine's own: nobody waits in a circle, or for long."""

import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sessile import Engine


@pytest.fixture
def others() -> Iterator[Callable[[], int]]:
    """Counts how often another thread ran, which it does only when the GIL is given up."""
    ran = itertools.count()
    ran_last = 0
    is_over = False

    def run() -> None:
        nonlocal ran_last
        while not is_over:
            ran_last = next(ran)
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: ran_last
    finally:
        is_over = True
        sys.setswitchinterval(interval)
        thread.join()


@pytest.mark.parametrize("verb", ["create", "patch", "rotate", "revoke", "suspend", "consume"])
def test_what_waits_for_the_disk_lets_other_threads_run(
    directory: Path, others: Callable[[], int], verb: str
) -> None:
    with Engine.open(directory, threads=False) as engine:
        for _ in range(200):
            session = engine.create("alice").session
            token = engine.issue_single_use("reset").token
            before = others()
            match verb:
                case "create":
                    engine.create("alice")
                case "patch":
                    engine.patch(session, {"a": 1})
                case "rotate":
                    engine.rotate(session)
                case "revoke":
                    engine.revoke(session)
                case "suspend":
                    engine.suspend("bob")
                case "consume":
                    engine.consume("reset", token)
            if others() > before:
                return
    pytest.fail(f"{verb} never let another thread run")


def test_a_thread_of_the_engine_that_logs_meets_no_deadlock(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The maintenance thread needs the GIL to log, while others hold it and verify."""
    now = 1_800_000_000.0
    caplog.set_level(logging.DEBUG, "sessile")

    def clock() -> float:
        nonlocal now
        # A step back at every call, which the engine has to say so about.
        now -= 1
        return now

    with Engine.in_memory(clock=clock, tick_every=0.01) as engine:
        token = engine.create("alice").token.reveal()
        deadline = time.monotonic() + 20
        while not caplog.records and time.monotonic() < deadline:
            assert engine.verify(token)
            engine.patch(engine.create("alice").session, {"a": 1})
    records = [record for record in caplog.records if "stepped back" in record.getMessage()]
    assert records and records[0].levelname == "WARNING"
    assert records[0].name.startswith("sessile.")
    assert token not in caplog.text


def test_a_log_handler_that_fails_disturbs_no_call(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    now = 1_800_000_000.0

    class Fails(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise LookupError(record.getMessage())

    with Engine.open(directory, clock=lambda: now, threads=False) as engine:
        engine.create("alice")
    now -= 10 * 86_400
    loggers = [logging.getLogger(name) for name in ("sessile.engine.open", "sessile.engine.clock")]
    fails = Fails()
    for logger in loggers:
        logger.addFilter(fails)
    try:
        with Engine.open(directory, clock=lambda: now, threads=False) as engine:
            assert engine.create("alice").session.subject == "alice"
    finally:
        for logger in loggers:
            logger.removeFilter(fails)
    assert len(unraisable) == 1


def test_many_threads_use_one_engine(directory: Path) -> None:
    faults: list[BaseException] = []

    def work(n: int) -> None:
        try:
            for _ in range(30):
                issued = engine.create(f"user-{n}")
                engine.patch(issued.session, {"n": n})
                assert engine.verify(issued.token)
                assert engine.data(issued.session) == {"n": n}
                rotated = engine.rotate(issued.session)
                engine.revoke(rotated.session)
                assert not engine.verify(rotated.token)
        except BaseException as error:
            faults.append(error)

    with Engine.open(directory, tick_every=0.01) as engine:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []
