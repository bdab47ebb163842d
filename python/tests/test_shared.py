"""The store of several processes: what one of them ends is ended in all."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
import sessile


def _serve(directory: str, asked: Any, answers: Any) -> None:
    """Does what it is asked, in another process, until it is asked nothing."""
    with sessile.Engine.open(directory, store="lmdb") as engine:
        answers.put("open")
        for verb, argument in iter(asked.get, None):
            answer = getattr(engine, verb)(argument)
            answers.put(answer if isinstance(answer, bool) or answer is None else bool(answer))


class Other:
    """Another process with the same directory."""

    def __init__(self, directory: Path) -> None:
        spawn: Any = multiprocessing.get_context("spawn")
        self.asked, self.answers = spawn.Queue(), spawn.Queue()
        arguments = (str(directory), self.asked, self.answers)
        self.process = spawn.Process(target=_serve, args=arguments)
        self.process.start()
        assert self.answers.get(timeout=30) == "open"

    def __call__(self, verb: str, argument: str) -> object:
        self.asked.put((verb, argument))
        return self.answers.get(timeout=30)

    def close(self) -> None:
        self.asked.put(None)
        self.process.join(30)
        assert self.process.exitcode == 0


def test_what_another_process_revokes_is_rejected_at_the_next_verify(directory: Path) -> None:
    with sessile.Engine.open(directory, store="lmdb") as engine:
        other = Other(directory)
        issued = engine.create("alice")
        token = issued.token.reveal()
        # Known to both, and in the caches of both.
        assert engine.verify(token) and other("verify", token)
        assert engine.verify_at_once(token)
        assert other("revoke", issued.session.handle) is True
        rejected = engine.verify(token)
        assert not rejected and rejected.reason is sessile.Reason.REVOKED_SESSION

        issued = engine.create("alice")
        assert other("verify", issued.token.reveal())
        engine.revoke_subject("alice")
        assert other("verify", issued.token.reveal()) is False

        issued = engine.create("bob")
        assert engine.verify(issued.token)
        other("suspend", "bob")
        assert engine.verify(issued.token).reason is sessile.Reason.SUSPENDED
        other.close()


def test_what_was_written_is_there_when_it_is_opened_again(directory: Path) -> None:
    with sessile.Engine.open(directory, store="lmdb") as engine:
        session = engine.create("alice").session
        engine.patch(session, {"cart": ["tea"]})
        assert engine.stats().store == "lmdb"
    with sessile.Engine.open(directory, store="lmdb") as engine:
        assert engine.data(session.handle) == {"cart": ["tea"]}
        engine.close()
        with engine.reopen() as again:
            assert again.data(session.handle) == {"cart": ["tea"]}


def test_an_export_is_restored_into_either_store(tmp_path: Path) -> None:
    secret = os.urandom(32)
    with sessile.Engine.open(tmp_path / "a", master_secret=secret) as engine:
        token = engine.create("alice").token
        with (tmp_path / "export").open("wb") as out:
            engine.export(out)
    with (
        (tmp_path / "export").open("rb") as file,
        sessile.Engine.restore(
            file, tmp_path / "b", sessions="valid", master_secret=secret, store="lmdb"
        ) as engine,
    ):
        assert engine.verify(token)
        assert engine.stats().store == "lmdb"


def test_what_a_store_cannot_be_is_an_error(directory: Path) -> None:
    wrong: Any = "redis"
    with pytest.raises(sessile.InvalidConfigError, match="store"):
        sessile.Engine.open(directory, store=wrong)
    number: Any = 1
    with pytest.raises(TypeError, match="store"):
        sessile.Engine.open(directory, store=number)
    with pytest.raises(sessile.InvalidConfigError, match="memory"):
        sessile.Engine.in_memory(store="lmdb")
    assert not directory.exists()
