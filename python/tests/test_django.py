"""Django's sessions in sessile: what Django's own tests do not ask for."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
import pytest
import sessile

os.environ["DJANGO_SETTINGS_MODULE"] = "django_site"
django.setup()

import django_site  # noqa: E402
import sessile.django  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.sessions.backends.base import UpdateError  # noqa: E402
from django.contrib.sessions.exceptions import SessionInterrupted  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import AsyncClient, Client, override_settings  # noqa: E402
from django.utils import timezone  # noqa: E402
from sessile.django import SessionStore  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def database() -> None:
    call_command("migrate", verbosity=0)


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    with override_settings(SESSILE={"directory": None, "threads": False}):
        yield
    django_site.before_save.clear()


@pytest.fixture(autouse=True)
def alice() -> Iterator[Any]:
    users: Any = get_user_model().objects
    user = users.create_user("alice", password="secret")
    users.create_user("bob")
    yield user
    users.all().delete()


@pytest.fixture
def client() -> Client:
    return Client()


def key_of(client: Client) -> str | None:
    cookie = client.cookies.get("sessionid")
    return cookie.value if cookie is not None and cookie.value else None


def client_with(key: str | None) -> Client:
    client = Client()
    client.cookies["sessionid"] = key or ""
    return client


def test_nothing_is_created_before_the_first_write(client: Client) -> None:
    answer = client.get("/read")
    assert answer.json() == {"user": "", "data": {}}
    assert key_of(client) is None
    assert answer["Vary"] == "Cookie"
    assert answer["Cache-Control"] == "private"
    assert "Vary" not in client.get("/static-like")


def test_a_login_changes_the_key_and_keeps_the_data(client: Client) -> None:
    client.get("/set/theme/dark")
    planted = key_of(client)
    answer = client.get("/login/alice")
    assert key_of(client) not in (None, planted)
    # What a receiver of `user_logged_in` sees is the key that the client gets.
    assert answer.json()["key"] == key_of(client)
    assert client.get("/read").json() == {"user": "alice", "data": {"theme": "dark"}}
    assert client_with(planted).get("/read").json() == {"user": "", "data": {}}


@pytest.mark.parametrize("chosen", ["chosen-by-attacker", "a" * 32, "A" * 48])
def test_a_key_that_the_client_chose_is_never_adopted(chosen: str) -> None:
    client = client_with(chosen)
    client.get("/login/alice")
    assert key_of(client) not in (None, chosen)
    assert client_with(chosen).get("/read").json() == {"user": "", "data": {}}

    visitor = client_with(chosen)
    visitor.get("/set/a/1")
    assert key_of(visitor) not in (None, chosen)
    store = SessionStore(chosen)
    store["a"] = 1
    store.save()
    assert store.session_key != chosen


def test_two_requests_that_change_different_values_both_count(client: Client) -> None:
    client.get("/set/first/1")
    one, two = SessionStore(key_of(client)), SessionStore(key_of(client))
    one["second"], two["third"] = 2, 3
    one.save()
    two.save()
    assert client.get("/read").json()["data"] == {"first": "1", "second": 2, "third": 3}


def test_a_removed_value_stays_removed_when_another_request_saves(client: Client) -> None:
    client.get("/set/first/1")
    one, two = SessionStore(key_of(client)), SessionStore(key_of(client))
    two["second"] = 2
    del one["first"]
    one.save()
    two.save()
    assert client.get("/read").json()["data"] == {"second": 2}


def test_log_out_everywhere_ends_every_session_of_the_user(alice: Any) -> None:
    laptop, phone, bob = Client(), Client(), Client()
    laptop.get("/login/alice")
    phone.get("/login/alice")
    bob.get("/login/bob")
    assert len(sessile.django.sessions_of(alice)) == 2

    here = SessionStore(key_of(laptop))
    sessile.django.log_out_everywhere(alice, except_=here)
    assert laptop.get("/read").json()["user"] == "alice"
    assert phone.get("/read").json()["user"] == ""

    sessile.django.log_out_everywhere(alice)
    assert laptop.get("/read").json()["user"] == ""
    assert bob.get("/read").json()["user"] == "bob"
    assert sessile.django.sessions_of(alice) == []


def test_a_slow_save_does_not_bring_back_a_session_that_was_ended(
    client: Client, alice: Any
) -> None:
    client.get("/login/alice")
    django_site.before_save.append(lambda: sessile.django.log_out_everywhere(alice))
    answer = client.get("/set/late/1")
    assert answer.status_code == 400
    assert "sessionid" not in answer.cookies
    assert not sessile.django.engine().verify(key_of(client) or "")
    assert sessile.django.sessions_of(alice) == []


def test_a_key_cycled_too_late_does_not_bring_back_the_session(
    client: Client, alice: Any
) -> None:
    client.get("/login/alice")
    late = SessionStore(key_of(client))
    assert late["_auth_user_id"] == str(alice.pk)
    sessile.django.log_out_everywhere(alice)
    with pytest.raises(SessionInterrupted):
        late.cycle_key()
    with pytest.raises(UpdateError):
        late.save()
    assert sessile.django.sessions_of(alice) == []


def test_an_unchanged_session_that_was_ended_cannot_be_saved(client: Client, alice: Any) -> None:
    client.get("/login/alice")
    late = SessionStore(key_of(client))
    assert late["_auth_user_id"] == str(alice.pk)
    sessile.django.log_out_everywhere(alice)
    with pytest.raises(UpdateError):
        late.save()


def test_a_logout_ends_the_session(client: Client, alice: Any) -> None:
    client.get("/login/alice")
    key = key_of(client)
    client.get("/logout")
    assert key_of(client) is None
    assert client_with(key).get("/read").json()["user"] == ""
    assert sessile.django.sessions_of(alice) == []


def test_a_changed_password_keeps_this_session_alone(client: Client) -> None:
    elsewhere = Client()
    client.get("/login/alice")
    elsewhere.get("/login/alice")
    before = key_of(client)
    client.get("/password")
    assert key_of(client) != before
    assert client.get("/read").json()["user"] == "alice"
    assert client_with(before).get("/read").json()["user"] == ""
    assert elsewhere.get("/read").json()["user"] == ""


def test_another_login_ends_the_session_of_the_one_before(client: Client, alice: Any) -> None:
    client.get("/login/alice")
    client.get("/set/of/alice")
    client.get("/login/bob")
    assert client.get("/read").json() == {"user": "bob", "data": {}}
    assert sessile.django.sessions_of(alice) == []


def test_a_failure_of_the_store_is_a_503_and_clears_no_cookie(client: Client) -> None:
    client.get("/login/alice")
    key = key_of(client)
    sessile.django.engine().close()
    for path in ("/read", "/set/a/1"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer["Retry-After"] == "5"
        assert "sessionid" not in answer.cookies
    assert key_of(client) == key
    assert client.get("/static-like").status_code == 200


def test_a_failure_while_saving_is_a_503(client: Client) -> None:
    client.get("/set/a/1")
    django_site.before_save.append(lambda: sessile.django.engine().close())
    answer = client.get("/set/b/2")
    assert answer.status_code == 503
    assert "sessionid" not in answer.cookies


def test_an_expiry_of_its_own_is_kept() -> None:
    clock = [datetime.now(UTC)]
    settings = {"directory": None, "threads": False, "clock": lambda: clock[0]}
    with override_settings(SESSILE=settings):
        store = SessionStore()
        store["a"] = 1
        store.set_expiry(timedelta(days=20))
        store.save()
        clock[0] += timedelta(days=19)
        assert SessionStore(store.session_key).get("a") == 1


def test_an_expiry_that_is_set_later_reaches_the_engine() -> None:
    clock = [datetime.now(UTC)]
    settings = {"directory": None, "threads": False, "clock": lambda: clock[0]}
    with override_settings(SESSILE=settings):
        store = SessionStore()
        store["a"] = 1
        store.save()
        clock[0] += timedelta(days=1)
        later = SessionStore(store.session_key)
        later.set_expiry(28 * 86_400)
        later.save()
        clock[0] += timedelta(days=20)
        assert SessionStore(later.session_key).get("a") == 1


def test_a_moment_that_has_passed_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SessionStore()
    store["a"] = 1
    store.set_expiry(60)
    store.save()
    assert SessionStore(store.session_key).get("a") == 1
    after = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr(timezone, "now", lambda: after)
    assert SessionStore(store.session_key).get("a") is None
    assert "deadline" not in str(list(store.keys()))


def test_keys_and_values_are_what_the_serializer_makes_of_them() -> None:
    store = SessionStore()
    store[1] = [True, None, "ü"]
    store.save()
    assert dict(SessionStore(store.session_key).items()) == {"1": [True, None, "ü"]}


def test_the_async_methods_keep_the_same_promises(alice: Any) -> None:
    async def use() -> None:
        store = SessionStore()
        await store.aset("_auth_user_id", str(alice.pk))
        await store.aset("a", 1)
        await store.asave()
        one, two = SessionStore(store.session_key), SessionStore(store.session_key)
        await one.aset("b", 2)
        await two.aset("c", 3)
        await one.asave()
        await two.asave()
        read = SessionStore(store.session_key)
        assert [await read.aget(name) for name in "abc"] == [1, 2, 3]
        assert await read.aexists(read.session_key)
        before = read.session_key
        await read.acycle_key()
        assert not await read.aexists(before)
        await asyncio.to_thread(sessile.django.log_out_everywhere, alice)
        await read.aset("late", 1)
        with pytest.raises(UpdateError):
            await read.asave()
        stranger = SessionStore("chosen-by-attacker")
        assert await stranger.aload() == {}
        assert stranger.session_key is None

    asyncio.run(use())


def test_an_async_login_is_a_login(alice: Any) -> None:
    async def use() -> None:
        client = AsyncClient()
        answer = await client.get("/alogin/alice")
        assert answer.json()["key"] == client.cookies["sessionid"].value
        assert (await client.get("/read")).json() == {"user": "alice", "data": {"how": "async"}}

    asyncio.run(use())
    assert len(sessile.django.sessions_of(alice)) == 1


def test_clearsessions_sweeps_and_leaves_a_running_server_its_store(tmp_path: Path) -> None:
    call_command("clearsessions")
    directory = tmp_path / "sessions"
    with (
        sessile.Engine.open(directory, threads=False),
        override_settings(SESSILE={"directory": directory}),
    ):
        call_command("clearsessions")


def test_settings_without_a_directory_are_refused() -> None:
    with override_settings(SESSILE={}), pytest.raises(ImproperlyConfigured, match="directory"):
        sessile.django.engine()
