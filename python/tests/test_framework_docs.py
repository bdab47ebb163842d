"""The examples of python/docs: each is run as it stands there."""

import os
import re
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

DOCS = Path(__file__).parents[1] / "docs"


def example(name: str, directory: Path) -> dict[str, Any]:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.S)
    names: dict[str, Any] = {"directory": directory, "__name__": "example"}
    exec(compile(code, name, "exec"), names)
    return names


def test_the_wsgi_example_counts_visits(directory: Path) -> None:
    application = example("wsgi.md", directory)["application"]
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    cookies: list[str] = []

    def start(_status: str, headers: list[tuple[str, str]]) -> Any:
        cookies.extend(value.split(";")[0] for name, value in headers if name == "Set-Cookie")

    assert b"".join(application(environ, start)) == b"visit 1"
    environ["HTTP_COOKIE"] = "; ".join(cookies)
    assert b"".join(application(environ, start)) == b"visit 2"
    application.close()


def test_the_flask_example_logs_in_and_out(directory: Path) -> None:
    app = example("flask.md", directory)["app"]
    client = app.test_client()
    assert client.get("/").text == "nobody"
    client.post("/login")
    assert client.get("/").text == "alice"
    client.post("/logout")
    assert client.get("/").text == "nobody"
    app.session_interface.close()


def test_the_django_and_drf_examples_are_settings_that_work(directory: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_site"
    import django

    django.setup()
    from django.test import override_settings
    from django.utils.module_loading import import_string

    settings = example("django.md", directory)
    names = [name for name in settings if name.isupper()]
    assert names == ["SESSION_ENGINE", "SESSILE", "MIDDLEWARE"]
    with override_settings(**{name: settings[name] for name in names}):
        import sessile.django

        store = sessile.django.SessionStore()
        store["a"] = 1
        store.save()
        assert sessile.django.SessionStore(store.session_key)["a"] == 1
    framework = example("drf.md", directory)["REST_FRAMEWORK"]
    for name in framework["DEFAULT_AUTHENTICATION_CLASSES"]:
        assert import_string(name).__module__ == "sessile.drf"
