"""Workers: one serves, and whoever comes second is told why it does not."""

import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sessile
import sessile.wsgi

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="gunicorn forks")

SITE = """
import os, sessile.wsgi
def application(environ, start_response):
    session = environ[sessile.wsgi.ENVIRON_KEY]
    session["visits"] = session.get("visits", 0) + 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {session['visits']}".encode()]
application = sessile.wsgi.Sessions(application, os.environ["SESSIONS"])
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site_of_test.py").write_text(SITE)
    return tmp_path


def serve(site: Path, workers: int) -> Iterator[tuple[str, Path]]:
    """Gives the address of a gunicorn that loaded the application before it forked."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = site / "log"
    command = [sys.executable, "-m", "gunicorn", "--preload", f"-w{workers}"]
    command += ["-b", f"127.0.0.1:{port}", "--log-file", str(log), "site_of_test:application"]
    environment = {**os.environ, "PYTHONPATH": str(site), "SESSIONS": str(site / "sessions")}
    with (site / "stderr").open("w") as stderr:
        server = subprocess.Popen(command, cwd=site, env=environment, stderr=stderr)
    try:
        deadline = time.monotonic() + 20
        while log.read_text().count("Booting worker") < workers if log.exists() else True:
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/", site / "stderr"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def get(address: str, cookie: str = "") -> tuple[int, str, str]:
    request = urllib.request.Request(address, headers={"Cookie": cookie})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or [""]
            found = re.match("__Host-sid=[^;]+", cookies[0])
            return answer.status, answer.read().decode(), found[0] if found else ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), ""


def test_one_worker_serves_although_the_application_was_loaded_before_the_fork(
    site: Path,
) -> None:
    for address, _log in serve(site, workers=1):
        status, first, cookie = get(address)
        assert (status, first.split()[1]) == (200, "1")
        status, second, _none = get(address, cookie)
        assert (status, second.split()[1]) == (200, "2")


def test_of_four_workers_one_serves_and_the_others_say_what_to_do(site: Path) -> None:
    for address, log in serve(site, workers=4):
        seen: dict[int, set[str]] = {200: set(), 503: set()}
        deadline = time.monotonic() + 30
        while not (seen[200] and seen[503]):
            assert time.monotonic() < deadline, (seen, log.read_text())
            status, body, _cookie = get(address)
            seen[status].add(body.split()[0])
        assert len(seen[200]) == 1
        assert "LockedError" in log.read_text()
        assert "pid" in log.read_text() or "process" in log.read_text()


def _open(directory: str, answers: "multiprocessing.Queue[str]") -> None:
    try:
        sessile.Engine.open(directory).close()
        answers.put("opened")
    except sessile.Error as error:
        answers.put(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize(
    ("method", "says"),
    [("fork", "ForkedProcessError: .*fork before the first open"), ("spawn", "LockedError: .*{}")],
)
def test_a_second_process_is_told_what_to_do(directory: Path, method: str, says: str) -> None:
    context: Any = multiprocessing.get_context(method)
    answers = context.Queue()
    with sessile.Engine.open(directory, threads=False):
        child = context.Process(target=_open, args=(str(directory), answers))
        child.start()
        answer = answers.get(timeout=20)
        child.join(20)
    # A second program is told the pid of the one that has the store.
    assert re.search(says.format(os.getpid()), answer), answer
