"""Session data: JSON by name, merged by name."""

import json
import threading
from typing import Any

import pytest
import sessile
from conftest import ManualClock
from sessile import Engine, SessionData


def test_a_patch_changes_what_it_names(engine: Engine) -> None:
    session = engine.create("alice").session
    assert engine.data(session) == {}
    engine.patch(session, {"cart": ["tea"], "step": 1, "note": None, "ü": {"é": 0.1}})
    engine.patch(session.handle, {"step": 2}, remove=["note", "never there"])
    assert engine.data(session) == {"cart": ["tea"], "step": 2, "ü": {"é": 0.1}}
    assert engine.data_bytes(session) == {
        "cart": b'["tea"]',
        "step": b"2",
        "ü": '{"é":0.1}'.encode(),
    }


def test_what_comes_back_is_a_copy(engine: Engine) -> None:
    session = engine.create("alice").session
    engine.patch(session, {"cart": []})
    for _ in range(2):
        data = engine.data(session)
        assert data == {"cart": []}
        data["cart"].append("not saved")


def test_raw_values_are_stored_as_they_are(engine: Engine) -> None:
    session = engine.create("alice").session
    engine.patch_bytes(session, {"raw": b"\x00\xff"})
    assert engine.data_bytes(session) == {"raw": b"\x00\xff"}
    with pytest.raises(TypeError):
        engine.patch_bytes(session, {"raw": "text"})  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_what_is_no_json_is_refused_and_changes_nothing(engine: Engine, value: Any) -> None:
    session = engine.create("alice").session
    engine.patch(session, {"a": 1})
    with pytest.raises((TypeError, ValueError)):
        engine.patch(session, {"a": 2, "b": value})
    assert engine.data(session) == {"a": 1}


def test_data_end_with_their_session(engine: Engine) -> None:
    session = engine.create("alice").session
    engine.patch(session, {"a": 1})
    engine.revoke(session)
    assert engine.data(session) is None
    with pytest.raises(sessile.SessionGoneError):
        engine.patch(session, {"a": 2})
    assert engine.data(session) is None


def test_too_much_is_refused_by_size(engine: Engine) -> None:
    session = engine.create("alice").session
    with pytest.raises(sessile.TooLargeError, match="65536"):
        engine.patch(session, {"a": "x" * 65536})
    with pytest.raises(sessile.InvalidInputError):
        engine.patch(session, {"": 1})


def test_parallel_updates_lose_nothing(engine: Engine) -> None:
    session = engine.create("alice").session
    engine.patch(session, {"n": 0})

    def add(data: dict[str, int]) -> int:
        data["n"] += 1
        return data["n"]

    def work() -> None:
        for _ in range(100):
            engine.update(session, add)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.update(session, add) == 401


def test_an_update_that_raises_changes_nothing(engine: Engine) -> None:
    session = engine.create("alice").session
    engine.patch(session, {"n": 1})

    def fail(data: dict[str, Any]) -> None:
        data["n"] = 2
        raise LookupError("on the way")

    with pytest.raises(LookupError, match="on the way"):
        engine.update(session, fail)
    assert engine.data(session) == {"n": 1}
    assert engine.update(session, lambda data: data.pop("n")) == 1
    assert engine.data(session) == {}


def test_a_mapping_saves_what_changed_and_nothing_else(engine: Engine) -> None:
    session = engine.create("alice").session
    engine.patch(session, {"cart": ["tea"], "step": 1, "gone": True})
    data = SessionData(engine, session)
    assert not data.accessed and not data.modified
    assert dict(data) == {"cart": ["tea"], "step": 1, "gone": True}
    assert data.accessed and not data.modified
    data["cart"].append("cup")
    del data["gone"]
    assert data.modified
    # Another request, meanwhile.
    engine.patch(session, {"step": 2})
    data.save()
    assert not data.modified
    assert engine.data(session) == {"cart": ["tea", "cup"], "step": 2}
    data["step"] = 3
    data.save()
    assert engine.data(session) == {"cart": ["tea", "cup"], "step": 3}


def test_a_mapping_saves_at_the_end_unless_something_is_raised(engine: Engine) -> None:
    session = engine.create("alice").session
    with SessionData(engine, session) as data:
        data["a"] = 1
        assert len(data) == 1 and "a" in data
    with pytest.raises(LookupError), SessionData(engine, session) as data:  # noqa: PT012
        data["a"] = 2
        raise LookupError
    assert engine.data(session) == {"a": 1}


def test_a_mapping_of_an_ended_session_is_not_brought_back(
    engine: Engine, clock: ManualClock
) -> None:
    issued = engine.create("alice")
    data = SessionData(engine, issued.session)
    data["a"] = 1
    engine.revoke(issued.session)
    with pytest.raises(sessile.SessionGoneError):
        data.save()
    with pytest.raises(sessile.SessionGoneError):
        SessionData(engine, issued.session).get("a")


def test_a_mapping_hides_its_values(engine: Engine) -> None:
    data = SessionData(engine, engine.create("alice").session)
    assert repr(data) == "<SessionData not read yet>"
    data["password"] = "hunter2"
    assert repr(data) == "<SessionData ['password']>"


@pytest.mark.parametrize("text", [b'  {"a": 1}  ', b"1\n", '"é"'.encode("utf-16"), b"1" * 30])
def test_json_of_others_is_read_however_it_is_spaced_and_encoded(
    engine: Engine, text: bytes
) -> None:
    session = engine.create("alice").session
    engine.patch_bytes(session, {"a": text})
    assert engine.data(session) == {"a": json.loads(text)}


@pytest.mark.parametrize("text", [b"", b"{", b"1 2", b"\xff\xff", b"nonsense"])
def test_what_is_no_json_is_an_error_and_not_a_guess(engine: Engine, text: bytes) -> None:
    session = engine.create("alice").session
    engine.patch_bytes(session, {"a": text})
    with pytest.raises(ValueError):  # noqa: PT011
        engine.data(session)
    assert engine.data_bytes(session) == {"a": text}
