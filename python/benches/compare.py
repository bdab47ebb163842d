"""What a request costs: sessile beside what Python servers use otherwise, in one process.

Each line is timed in rounds that take turns with those of all other lines, so that a machine
that is busy for a while is so for everyone; the median of the rounds counts. Prints a table.
"""

import platform
import statistics
import tempfile
import timeit
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import django
import flask
import itsdangerous
import jwt
import sessile
from cachelib import FileSystemCache, SimpleCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from flask_session import Session as FlaskSession

ROUNDS = 41
ROUND_SECS = 0.01
SECRET = "a secret of 32 bytes, for all alike"
ISSUER, AUDIENCE = "https://issuer.example", "https://api.example"
DATA = {"user": "alice", "cart": ["teapot", "cup"], "step": 2}

Line = tuple[str, str, Callable[[], object]]


def of_sessile(directory: str, algorithm: str) -> list[Line]:
    """Gives the lines of sessile, over the embedded store; everything is in the cache."""
    name: Any = algorithm
    access = sessile.AccessTokens(ISSUER, AUDIENCE, algorithm=name)
    engine = sessile.Engine.open(f"{directory}/{algorithm}", access_tokens=access)
    # The one that is asked about is not the only one there.
    others = [engine.create(f"user-{n}").token.reveal() for n in range(1000)]
    assert all(engine.verify(token) for token in others)
    issued = engine.create("alice")
    session, token = issued.session, issued.token.reveal()
    engine.patch(session, DATA)
    cookie = f"theme=dark; {engine.set_cookies(issued)[0].split(';')[0]}"
    jwt_text = engine.issue_access(session).token.reveal()
    assert engine.verify(token) and engine.verify_cookies(cookie) and engine.verify_access(jwt_text)
    assert engine.data(session) == DATA
    handle = session.handle

    def load() -> dict[str, Any]:
        found = engine.verify_cookies(cookie)
        data = engine.data(found) if found else None
        assert data is not None
        return data

    lines: list[Line] = [
        (f"sessile `verify_access`, {algorithm}", algorithm, lambda: engine.verify_access(jwt_text))
    ]
    if algorithm == "HS256":
        lines += [
            ("sessile `verify`", "token", lambda: engine.verify(token)),
            ("sessile `verify_cookies`", "token", lambda: engine.verify_cookies(cookie)),
            ("sessile `verify_cookies` and `data`", "load", load),
            ("sessile `data`", "load", lambda: engine.data(handle)),
        ]
    return lines


def of_itsdangerous() -> list[Line]:
    """Gives the lines of signed texts."""
    signer = itsdangerous.Signer(SECRET)
    timed = itsdangerous.TimestampSigner(SECRET)
    serializer = itsdangerous.URLSafeTimedSerializer(SECRET)
    plain, text, value = signer.sign("alice"), timed.sign("alice"), serializer.dumps(DATA)
    return [
        ("itsdangerous `Signer.unsign`", "token", lambda: signer.unsign(plain)),
        ("itsdangerous `TimestampSigner.unsign`", "token", lambda: timed.unsign(text, 3600)),
        ("itsdangerous `URLSafeTimedSerializer.loads`", "load", lambda: serializer.loads(value)),
    ]


def of_pyjwt() -> list[Line]:
    """Gives the lines of JWTs."""
    lines: list[Line] = []
    private = Ed25519PrivateKey.generate()
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": 4_000_000_000}
    for algorithm, signing, verifying in (
        ("HS256", SECRET, SECRET),
        ("EdDSA", private, private.public_key()),
    ):
        text = jwt.encode(claims, signing, algorithm)

        def decode(text: str = text, key: Any = verifying, algorithm: str = algorithm) -> object:
            return jwt.decode(text, key, [algorithm], audience=AUDIENCE, issuer=ISSUER)

        lines.append((f"PyJWT `decode`, {algorithm}", algorithm, decode))
    return lines


def of_django(directory: str) -> list[Line]:
    """Gives the lines of Django's session stores: a new store object, then its first read."""
    settings.configure(
        SECRET_KEY=SECRET,
        INSTALLED_APPS=["django.contrib.sessions"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{directory}/django.sqlite",
            }
        },
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        SESSION_FILE_PATH=directory,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.contrib.sessions.backends import cache, db, file, signed_cookies

    lines: list[Line] = []
    for name, module in (
        ("cache (locmem)", cache),
        ("db (SQLite)", db),
        ("file", file),
        ("signed_cookies", signed_cookies),
    ):
        store = module.SessionStore()
        store.update(DATA)
        store.save()
        key = store.session_key

        def load(module: Any = module, key: str | None = key) -> object:
            return module.SessionStore(key)["user"]

        assert load() == "alice"
        lines.append((f"Django session, {name}", "load", load))
    return lines


def of_flask(directory: str) -> list[Line]:
    """Gives the lines of Flask: opening the session of a request, and reading from it."""
    lines: list[Line] = []
    for name, cache in (
        ("Flask session, signed cookie", None),
        ("Flask-Session, cachelib in memory", SimpleCache()),
        ("Flask-Session, cachelib in files", FileSystemCache(f"{directory}/flask")),
    ):
        app = flask.Flask(name.split(",")[0])
        app.secret_key = SECRET
        if cache is not None:
            app.config |= {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": cache}
            FlaskSession(app)

        @app.get("/")
        def index() -> str:
            flask.session.update(DATA)
            return ""

        client = app.test_client()
        client.get("/")
        cookie = client.get_cookie("session")
        assert cookie is not None
        request = app.request_class({"HTTP_COOKIE": f"theme=dark; session={cookie.value}"})

        def load(app: flask.Flask = app, request: flask.Request = request) -> object:
            opened = app.session_interface.open_session(app, request)
            assert opened is not None
            return opened["user"]

        assert load() == "alice"
        lines.append((name, "load", load))
    return lines


def measure(lines: list[Line]) -> dict[str, float]:
    """Gives the nanoseconds of each line."""
    timers = {name: timeit.Timer(call) for name, _, call in lines}
    numbers = {}
    for name, timer in timers.items():
        number, took = timer.autorange()
        numbers[name] = max(1, int(number * ROUND_SECS / took))
    rounds: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            rounds[name].append(timer.timeit(numbers[name]) / numbers[name] * 1e9)
    return {name: statistics.median(each) for name, each in rounds.items()}


def main() -> None:
    """Measures everything and prints the table."""
    with tempfile.TemporaryDirectory() as directory:
        lines = of_sessile(directory, "HS256") + of_sessile(directory, "EdDSA")
        lines += of_itsdangerous() + of_pyjwt() + of_django(directory) + of_flask(directory)
        figures = measure(lines)
    names = {
        "token": ("sessile `verify`", "Is this token good?"),
        "load": ("sessile `verify_cookies` and `data`", "Whose session is it, and what is in it?"),
        "HS256": ("sessile `verify_access`, HS256", "Is this JWT good (HS256)?"),
        "EdDSA": ("sessile `verify_access`, EdDSA", "Is this JWT good (Ed25519)?"),
    }
    packages = ["sessile", "itsdangerous", "PyJWT", "Django", "Flask", "Flask-Session"]
    print(f"CPython {platform.python_version()};", ", ".join(f"{p} {version(p)}" for p in packages))
    print("\n| | ns | of sessile's |\n|---|---:|---:|")
    for question, (base, title) in names.items():
        print(f"| **{title}** | | |")
        asked = [name for name, about, _ in lines if about == question]
        for name in sorted(asked, key=figures.__getitem__):
            ratio = figures[name] / figures[base]
            print(f"| {name} | {figures[name]:,.0f} | {ratio:,.1f} x |")


if __name__ == "__main__":
    main()
