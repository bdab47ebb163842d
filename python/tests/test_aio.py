"""asyncio: at once from memory, in a thread from the store, nothing lost by a cancellation."""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import sessile
import sessile.aio
from sessile import Reason

ASYNC_ONLY = {"sync"}
SYNC_ONLY = {
    # Waits in a thread of the host's: `subscribe` is for a loop.
    "on_event",
    # Opens an engine, as `open` does; `Engine(sessile.Engine.restore(...))` takes it.
    "reopen",
    "restore",
    # What the awaited verbs are made of.
    "verify_at_once",
    "verify_access_at_once",
    "data_at_once",
    "bearer_token",
}


def verbs(engine: type) -> set[str]:
    return {name for name in dir(engine) if not name.startswith("_")}


def test_asyncio_has_every_verb() -> None:
    assert verbs(sessile.aio.Engine) - ASYNC_ONLY == verbs(sessile.Engine) - SYNC_ONLY
    assert verbs(sessile.Engine) >= SYNC_ONLY


def test_verbs_have_the_same_words_and_arguments() -> None:
    for name in verbs(sessile.aio.Engine) - ASYNC_ONLY - {"open", "in_memory"}:
        here, there = getattr(sessile.aio.Engine, name), getattr(sessile.Engine, name)
        if not callable(here):
            continue
        names = [list(inspect.signature(each).parameters) for each in (here, there)]
        assert names[0] == names[1], name


def test_a_session_lives_and_ends(directory: Path) -> None:
    async def main() -> None:
        async with await sessile.aio.Engine.open(directory) as engine:
            issued = await engine.create("alice", device_label="Firefox")
            session = await engine.verify(issued.token)
            assert session and session.subject == "alice"
            await engine.patch(session, {"cart": ["tea"]})
            assert await engine.data(session) == {"cart": ["tea"]}
            assert await engine.update(session, lambda data: data["cart"].pop()) == "tea"
            cookie = engine.set_cookies(issued)[0].split(";")[0]
            assert await engine.verify_cookies(cookie)
            assert await engine.verify_cookies([cookie, "a=b"])
            assert await engine.verify_cookies(iter([cookie, "__Host-sid=x"]))
            assert await engine.verify_cookies(None) is None
            assert await engine.verify_bearer(f"Bearer {issued.token.reveal()}")
            assert await engine.verify_bearer("Basic x") is None
            assert [info.device_label for info in await engine.list("alice")] == ["Firefox"]
            await engine.revoke(session)
            assert (await engine.verify(issued.token)).reason is Reason.REVOKED_SESSION
            assert await engine.data(session) is None
        assert engine.closed
        with pytest.raises(sessile.ClosedError):
            await engine.create("alice")

    asyncio.run(main())


def steps(coroutine: Coroutine[Any, Any, object]) -> int:
    """Counts how often a coroutine gives the loop a turn; it must not need one to finish."""
    count = 0
    try:
        while True:
            coroutine.send(None)
            count += 1
    except StopIteration:
        return count


def test_what_the_cache_knows_is_answered_without_a_turn_of_the_loop(directory: Path) -> None:
    access = sessile.AccessTokens("https://a.example", "https://b.example")
    with sessile.Engine.open(directory, access_tokens=access) as sync:
        engine = sessile.aio.Engine(sync)
        issued = sync.create("alice")
        token = sync.issue_access(issued.session).token
        cookie = sync.set_cookies(issued)[0].split(";")[0]
        sync.patch(issued.session, {"a": 1})
        assert sync.verify(issued.token) and sync.data(issued.session)
        for coroutine in (
            engine.verify(issued.token),
            engine.verify("nonsense"),
            engine.verify_access(token),
            engine.verify_cookies(cookie),
            engine.data(issued.session),
        ):
            assert steps(coroutine) == 0


def test_what_the_store_must_say_is_asked_in_a_thread_and_counted_once(directory: Path) -> None:
    with sessile.Engine.open(directory) as sync:
        token = sync.create("alice").token

    async def main() -> None:
        async with await sessile.aio.Engine.open(directory) as engine:
            verifying = asyncio.create_task(engine.verify(token))
            await asyncio.sleep(0)
            assert not verifying.done()
            assert await verifying
            assert engine.stats().cache_misses == 1

    asyncio.run(main())


def test_the_loop_goes_on_while_a_call_waits(directory: Path) -> None:
    async def main() -> None:
        async with await sessile.aio.Engine.open(directory) as engine:
            session = (await engine.create("alice")).session
            is_waiting, may_go_on = threading.Event(), threading.Event()

            def change(_: dict[str, Any]) -> str:
                is_waiting.set()
                may_go_on.wait(timeout=30)
                return "done"

            waiting = asyncio.create_task(engine.update(session, change))
            while not is_waiting.is_set():
                await asyncio.sleep(0)
            # The loop runs, and so does the engine.
            assert await engine.create("bob")
            may_go_on.set()
            assert await waiting == "done"

    asyncio.run(main())


async def until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.001)


def test_a_session_that_was_created_for_a_cancelled_caller_is_revoked() -> None:
    async def main() -> None:
        async with sessile.aio.Engine.in_memory() as engine:
            with engine.sync.subscribe() as events:
                for _ in range(20):
                    creating = asyncio.create_task(engine.create("alice"))
                    await asyncio.sleep(0)
                    creating.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await creating
                created: set[str | None] = set()
                revoked: set[str | None] = set()

                def is_all_revoked() -> bool:
                    while event := events.next(timeout=0):
                        (created if event.kind == "created" else revoked).add(event.handle)
                    return len(created) == 20 and created == revoked

                await until(is_all_revoked)
            assert await engine.count("alice") == 0

    asyncio.run(main())


def test_a_cancelled_wait_loses_no_event() -> None:
    async def main() -> None:
        async with sessile.aio.Engine.in_memory() as engine, await engine.subscribe() as events:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.01)
            handles = [(await engine.create("alice")).session.handle for _ in range(3)]
            told = [(await anext(events)).handle for _ in range(3)]
            assert told == handles

    asyncio.run(main())


def test_a_loop_over_events_ends_with_the_engine() -> None:
    async def main() -> None:
        engine = sessile.aio.Engine.in_memory()
        events = await engine.subscribe()
        told: list[str] = []

        async def listen() -> None:
            async for event in events:
                told.append(event.kind)

        listening = asyncio.create_task(listen())
        await engine.create("alice")
        await until(lambda: told == ["created"])
        await engine.close()
        await asyncio.wait_for(listening, 10)
        assert told == ["created"]

    asyncio.run(main())


def test_a_watch_is_awaited_by_many_and_survives_a_cancelled_one() -> None:
    async def main() -> None:
        async with sessile.aio.Engine.in_memory() as engine:
            session = (await engine.create("alice")).session
            watch = await engine.watch(session)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(watch, 0.01)
            assert watch.ended is None

            async def wait() -> Reason:
                return await watch

            waiting = [asyncio.create_task(wait()) for _ in range(3)]
            await asyncio.sleep(0)
            await engine.revoke(session)
            assert await asyncio.gather(*waiting) == [Reason.REVOKED_SESSION] * 3
            assert await watch is watch.ended is Reason.REVOKED_SESSION

    asyncio.run(main())


def test_a_session_that_ends_after_its_loop_disturbs_nobody() -> None:
    engine = sessile.Engine.in_memory()

    async def main() -> sessile.aio.Watch:
        asynchronous = sessile.aio.Engine(engine)
        return await asynchronous.watch((await asynchronous.create("alice")).session)

    watch = asyncio.run(main())
    engine.revoke_all()
    assert watch.ended is Reason.REVOKED_ALL
    engine.close()
