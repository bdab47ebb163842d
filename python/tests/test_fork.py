"""Forks and other processes: an engine belongs to the process that opened it."""

import ctypes
import multiprocessing
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sessile
from sessile import Engine, Issued


def in_child(fork: Callable[[], int], body: Callable[[], None]) -> None:
    """Runs `body` in a forked child, and fails as it does there."""
    child = fork()
    if child == 0:
        code = 1
        try:
            body()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def use(engine: Engine, issued: Issued) -> list[Callable[[], object]]:
    session, token = issued.session, issued.token
    return [
        lambda: engine.verify(token),
        lambda: engine.verify_at_once(token),
        lambda: engine.peek(token),
        lambda: engine.verify_cookies(f"__Host-sid={token.reveal()}"),
        lambda: engine.verify_bearer(f"Bearer {token.reveal()}"),
        lambda: engine.verify_access("x"),
        lambda: engine.create("alice"),
        lambda: engine.data(session),
        lambda: engine.patch(session, {"a": 1}),
        lambda: engine.revoke(session),
        lambda: engine.rotate(session),
        lambda: engine.list("alice"),
        lambda: engine.sign("a", b"b"),
        lambda: engine.unsign("a", "b", 60),
        lambda: engine.csrf_token(session),
        lambda: engine.is_csrf_token(session, "x"),
        lambda: engine.keys(),
        lambda: engine.jwks(),
        lambda: engine.stats(),
        lambda: engine.subscribe(),
        lambda: engine.watch(session),
        lambda: engine.tick(),
        lambda: engine.close(),
    ]


# As a server in C forks: Python's own hooks do not run.
def plain_fork() -> int:
    return int(ctypes.CDLL(None).fork())


@pytest.mark.parametrize("fork", [os.fork, plain_fork])
def test_every_verb_of_an_engine_from_before_a_fork_says_so(
    directory: Path, fork: Callable[[], int]
) -> None:
    with Engine.open(directory) as engine:
        issued = engine.create("alice")
        assert engine.verify(issued.token)

        def child() -> None:
            for number, call in enumerate(use(engine, issued)):
                try:
                    call()
                except sessile.ForkedProcessError:
                    continue
                raise AssertionError(f"call {number} was answered")

        in_child(fork, child)
        # The parent's goes on.
        assert engine.verify(issued.token)
        engine.patch(issued.session, {"a": 1})


def test_a_child_of_a_process_with_the_embedded_store_is_told_that_it_cannot_have_it(
    directory: Path,
) -> None:
    engine = Engine.open(directory)
    engine.create("alice")
    engine.close()

    def child() -> None:
        for call in (engine.reopen, lambda: Engine.open(directory)):
            with pytest.raises(sessile.ForkedProcessError, match="start a new program"):
                call()
        with Engine.in_memory() as own:
            assert own.verify(own.create("bob").token)

    in_child(os.fork, child)
    with engine.reopen() as again:
        assert again.count("alice") == 1


def test_a_child_that_drops_an_engine_leaves_the_parents_alone(directory: Path) -> None:
    engines = [Engine.open(directory)]
    token = engines[0].create("alice").token
    in_child(os.fork, engines.clear)
    assert engines[0].verify(token)
    engines[0].close()


def verify_elsewhere(directory: Path, token: str, answers: "multiprocessing.Queue[str]") -> None:
    try:
        with Engine.open(directory) as engine:
            answers.put(str(bool(engine.verify(token))))
    except sessile.Error as error:
        answers.put(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_another_process_is_locked_out_and_told_what_to_do(directory: Path, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    answers: multiprocessing.Queue[str] = context.Queue()
    with Engine.open(directory) as engine:
        token = engine.create("alice").token.reveal()
        child = context.Process(target=verify_elsewhere, args=(directory, token, answers))
        child.start()
        answer = answers.get(timeout=60)
        child.join()
    assert answer.startswith("LockedError") and f"process {os.getpid()}" in answer
    child = context.Process(target=verify_elsewhere, args=(directory, token, answers))
    child.start()
    # Now that it is closed here.
    assert answers.get(timeout=60) == "True"
    child.join()
