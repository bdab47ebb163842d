"""Moving a live site over: an old session is imported, upgraded once, and then ours."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sessile
import sessile.aio
from conftest import ManualClock
from sessile import Engine, Importer, Reason

SECRET = "keyboard cat"
DAY_SECS = 86_400


def express_cookie(sid: str, secret: str = SECRET) -> str:
    signature = hmac.digest(secret.encode(), sid.encode(), "sha256")
    return "connect.sid=" + quote(f"s:{sid}." + base64.b64encode(signature).decode().rstrip("="))


def pair(session: dict[str, Any], secret: str, algorithm: str) -> str:
    value = base64.b64encode(json.dumps(session).encode()).decode()
    signature = hmac.digest(secret.encode(), f"session={value}".encode(), algorithm)
    text = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    return f"session={value}; session.sig={text}"


def row(clock: ManualClock, sid: str, session: dict[str, Any]) -> bytes:
    expires = int((clock().timestamp() + DAY_SECS) * 1000)
    return json.dumps({"sid": sid, "expires": expires, "session": session}).encode() + b"\n"


def until(clock: ManualClock) -> float:
    return clock().timestamp() + 30 * DAY_SECS


def test_a_client_of_an_express_site_stays_logged_in(engine: Engine, clock: ManualClock) -> None:
    importer = Importer.express([SECRET], until=until(clock), carry=["cart"])
    old = {"passport": {"user": 17}, "cart": [4], "secret": "hunter2"}
    file = io.BytesIO(row(clock, "abc", old) + b"nonsense\n\n" + row(clock, "visitor", {}))
    report = engine.import_rows(importer, file)
    assert (report.lines, report.imported, report.anonymous) == (4, 1, 1)
    assert report.refused_count == 1 and [line.number for line in report.refused] == [2]
    assert "nonsense" not in report.refused[0].why
    assert engine.count("17") == 1

    issued = engine.upgrade_cookies(importer, ["a=b", express_cookie("abc")])
    assert issued and issued.session.subject == "17"
    session = engine.verify(issued.token)
    assert session and engine.data(session) == {"cart": [4]}
    assert importer.clear_cookies()[0].startswith("connect.sid=; Max-Age=0;")

    # Side by side it is the same session; later the old cookie buys nothing.
    again = engine.upgrade_cookies(importer, express_cookie("abc"))
    assert again and again.session.handle == session.handle
    clock.advance(61)
    later = engine.upgrade_cookies(importer, express_cookie("abc"))
    assert later is not None and not later and later.reason is Reason.REUSED
    file.seek(0)
    assert engine.import_rows(importer, file).known == 1


def test_a_forged_or_a_foreign_cookie_is_worth_nothing(engine: Engine, clock: ManualClock) -> None:
    importer = Importer.express([b"newer", SECRET], until=until(clock), grace=0)
    engine.import_rows(importer, io.BytesIO(row(clock, "abc", {"passport": {"user": "alice"}})))
    assert engine.upgrade_cookies(importer, None) is None
    assert engine.upgrade_cookies(importer, "theme=dark") is None
    for cookie, reason in [
        (express_cookie("abc", "guessed"), Reason.BAD_SIGNATURE),
        (express_cookie("unknown"), Reason.UNKNOWN_SESSION),
    ]:
        found = engine.upgrade_cookies(importer, cookie)
        assert found is not None and not found and found.reason is reason
    clock.advance(31 * DAY_SECS)
    found = engine.upgrade_cookies(importer, express_cookie("abc"))
    assert found is not None and not found and found.reason is Reason.EXPIRED


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_pair_of_cookies_is_read_and_upgraded(
    engine: Engine, clock: ManualClock, algorithm: Any
) -> None:
    importer = Importer.cookie_session(
        [SECRET], until=until(clock), hash=algorithm, subject_at=["user"], lifetimes="aal2"
    )
    cookies = pair({"user": "alice", "theme": "dark"}, SECRET, algorithm)
    assert importer.read_pair(cookies) == {"user": "alice", "theme": "dark"}
    forged = importer.read_pair(pair({"user": "root"}, "guessed", algorithm))
    assert isinstance(forged, sessile.Rejected) and forged.reason is Reason.BAD_SIGNATURE
    assert importer.read_pair(None) is None
    issued = engine.upgrade_cookies(importer, cookies)
    assert issued and issued.session.subject == "alice"
    lifetime = issued.session.absolute_deadline - clock()
    assert lifetime.total_seconds() == DAY_SECS


def test_a_client_of_a_django_site_stays_logged_in(engine: Engine, clock: ManualClock) -> None:
    importer = Importer.django(until=until(clock), anonymous=True)
    key = "k" * 32
    rows = [
        {"session_key": key, "session_data": {"_auth_user_id": "7"}},
        {"session_key": "v" * 32, "session_data": {}},
    ]
    for each in rows:
        each["expire_date"] = "2026-01-02T00:00:00Z"
    file = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    assert engine.import_rows(importer, file).imported == 2
    issued = engine.upgrade_cookies(importer, f"sessionid={key}")
    assert issued and issued.session.subject == "7"
    visitor = engine.upgrade_cookies(importer, "sessionid=" + "v" * 32)
    assert visitor and visitor.session.subject is None


def test_a_client_of_a_meteor_site_stays_logged_in(engine: Engine, clock: ManualClock) -> None:
    importer = Importer.meteor(until=until(clock))
    token = "t" * 43
    hashed = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
    line = {"userId": "alice", "hashedToken": hashed, "when": "2026-01-01T00:00:00Z"}
    assert engine.import_rows(importer, io.BytesIO(json.dumps(line).encode())).imported == 1
    issued = engine.upgrade_login_token(importer, token)
    assert issued and issued.session.subject == "alice"
    for wrong, reason in [("", Reason.MALFORMED), ("u" * 43, Reason.UNKNOWN_SESSION)]:
        found = engine.upgrade_login_token(importer, wrong)
        assert not found and found.reason is reason


def test_what_an_importer_cannot_be_is_an_error(engine: Engine, clock: ManualClock) -> None:
    make: Any = Importer.express
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"secrets": []}, sessile.InvalidInputError),
        ({"secrets": [""]}, sessile.WeakSecretError),
        ({"secrets": "letters"}, TypeError),
        ({"secrets": [1]}, TypeError),
        ({"carry": "cart"}, TypeError),
        ({"subject_at": "user"}, TypeError),
        ({"lifetimes": "forever"}, sessile.InvalidConfigError),
        ({"unknown": 1}, TypeError),
    ]
    for options, error in wrong:
        with pytest.raises(error):
            make(**{"secrets": [SECRET], "until": until(clock), **options})
    hash_of_nobody: Any = "md5"
    with pytest.raises(sessile.InvalidConfigError):
        Importer.cookie_session([SECRET], until=until(clock), hash=hash_of_nobody)
    assert "cat" not in repr(Importer.express([SECRET], until=until(clock)))
    for importer in (
        Importer.django(until=clock().timestamp() + 401 * DAY_SECS),
        Importer.django(until=until(clock), grace=301),
        Importer.django(until=until(clock), devices_per_pair=101),
    ):
        with pytest.raises(sessile.InvalidConfigError):
            engine.import_rows(importer, io.BytesIO())


def test_a_file_that_fails_says_from_where_to_begin_anew(
    engine: Engine, clock: ManualClock
) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError("no disk")

    importer = Importer.django(until=until(clock))
    with pytest.raises(sessile.UnavailableError, match="before line 1"):
        engine.import_rows(importer, Broken())


def test_asyncio_upgrades_too(directory: Path) -> None:
    clock = ManualClock()
    importer = Importer.express([SECRET], until=until(clock))

    async def main() -> None:
        async with await sessile.aio.Engine.open(directory, clock=clock) as engine:
            file = io.BytesIO(row(clock, "abc", {"passport": {"user": "alice"}}))
            assert (await engine.import_rows(importer, file)).imported == 1
            issued = await engine.upgrade_cookies(importer, [express_cookie("abc")])
            assert issued and issued.session.subject == "alice"

    asyncio.run(main())
