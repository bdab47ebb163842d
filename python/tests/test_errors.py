"""Exceptions: one base, one class for each kind, messages that say what to do."""

import pickle
import re
from pathlib import Path

import pytest
import sessile
from sessile import Engine, ErrorKind


def classes() -> list[type[sessile.Error]]:
    named = [getattr(sessile, name) for name in sessile.__all__ if name.endswith("Error")]
    return [each for each in named if each is not sessile.Error]


def test_every_kind_has_a_class_of_its_own() -> None:
    assert {each.kind for each in classes()} == set(ErrorKind)
    assert len(classes()) == len(ErrorKind)


@pytest.mark.parametrize("error", classes())
def test_classes_derive_from_the_base_and_pickle(error: type[sessile.Error]) -> None:
    assert issubclass(error, sessile.Error) and error.__doc__
    assert error.__module__ == "sessile"
    again = pickle.loads(pickle.dumps(error("text")))
    assert type(again) is error and again.args == ("text",) and again.kind is error.kind


def test_a_second_open_names_the_process_and_the_remedy(directory: Path) -> None:
    with (
        Engine.open(directory),
        pytest.raises(sessile.LockedError, match=r"open in process \d+.*one engine"),
    ):
        Engine.open(directory)
    Engine.open(directory).close()


def test_a_closed_engine_says_so(directory: Path) -> None:
    engine = Engine.open(directory)
    token = engine.create("alice").token
    engine.close()
    engine.close()
    assert engine.closed and repr(engine) == "<closed Engine over sled>"
    for call in (lambda: engine.create(), lambda: engine.verify(token), lambda: engine.tick()):
        with pytest.raises(sessile.ClosedError):
            call()


def test_settings_are_checked_by_name() -> None:
    with pytest.raises(sessile.InvalidConfigError, match="idle_timeout is 500 ms"):
        Engine.in_memory(idle_timeout=0.5)
    with pytest.raises(TypeError, match="idle_timout: there is no such setting"):
        Engine.in_memory(idle_timout=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="idle_timeout: a duration is"):
        Engine.in_memory(idle_timeout="5 minutes")  # type: ignore[arg-type]
    with pytest.raises(sessile.InvalidConfigError, match="at_limit"):
        Engine.in_memory(max_sessions_per_subject=3, at_limit="x")  # type: ignore[arg-type]
    for duration in (-1, float("nan"), float("inf")):
        with pytest.raises(sessile.InvalidInputError, match="no duration"):
            Engine.in_memory(idle_timeout=duration)


def test_every_setting_is_taken(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    every: sessile.Settings = {
        "idle_timeout": 60,
        "absolute_lifetime": 3600,
        "lifetimes": "aal2",
        "rotate_every": 120,
        "rotation_grace": 5,
        "refresh_grace": 5,
        "expiring_soon": 30,
        "max_sessions_per_subject": 5,
        "at_limit": "evict_oldest",
        "data_len_max_bytes": 1024,
        "cache_len_max_bytes": 1 << 20,
        "store_cache_len_max_bytes": 16 << 20,
        "create_durability": "buffered",
        "cookies": sessile.Cookies(),
        "access_tokens": sessile.AccessTokens("a", "b", algorithm="HS256"),
        "api_key_prefix": "shop",
        "master_secret_file": key_file,
        "threads": True,
        "tick_every": 0.5,
        "clock": None,
        "trust_clock": False,
        "require_power_loss_safety": False,
        "on_rollback": "refuse",
    }
    others = {"master_secret", "master_secret_env"}
    assert set(every) | others == set(sessile.Settings.__annotations__)
    with Engine.open(tmp_path / "store", **every) as engine:
        session = engine.create("alice").session
        assert (session.absolute_deadline - session.created).total_seconds() == 3600
        assert session.time_left.total_seconds() == 60
        assert engine.introspect(engine.create("bob").token)["active"]
    assert key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("secret", "error"),
    [
        ({"master_secret": b"short"}, sessile.WeakSecretError),
        ({"master_secret_env": "SESSILE_NO_SUCH_VARIABLE"}, sessile.Error),
        ({"master_secret_file": "/dev/null/x"}, sessile.KeyFileError),
    ],
)
def test_a_bad_secret_opens_nothing(
    directory: Path, secret: sessile.Settings, error: type[sessile.Error]
) -> None:
    with pytest.raises(error) as caught:
        Engine.open(directory, **secret)
    assert "short" not in re.sub("shorter", "", str(caught.value))


def test_what_is_no_handle_is_invalid_input(engine: Engine) -> None:
    token = engine.create("alice").token.reveal()
    for text in ("", "x", token):
        with pytest.raises(sessile.InvalidInputError, match="not a session handle") as caught:
            engine.revoke(text)
        assert isinstance(caught.value, ValueError) and caught.value.kind is ErrorKind.INVALID_INPUT
        assert token not in str(caught.value)
    with pytest.raises(TypeError, match="named by its handle"):
        engine.revoke(7)  # type: ignore[arg-type]


def test_an_engine_left_open_is_told_and_closed(directory: Path) -> None:
    engine = Engine.open(directory)
    token = engine.create("alice").token
    with pytest.warns(ResourceWarning, match="left open"):
        del engine
    with Engine.open(directory) as engine:
        assert engine.verify(token)


def test_an_engine_is_reopened_with_its_settings(directory: Path) -> None:
    with Engine.open(directory, idle_timeout=60) as engine:
        token = engine.create("alice").token
        with pytest.raises(sessile.LockedError):
            engine.reopen()
    with engine.reopen() as again:
        assert again.verify(token)
        assert again.create("alice").session.time_left.total_seconds() == 60
    with Engine.in_memory() as engine, pytest.raises(sessile.InvalidInputError):
        engine.reopen()
