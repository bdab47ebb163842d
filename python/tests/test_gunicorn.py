"""Workers: of the embedded store one serves, and the second is told why it does not; of the shared
store all serve."""

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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sessile
import sessile.wsgi

SITE = """
import os, sessile.wsgi
def application(environ, start_response):
    session, worker = environ[sessile.wsgi.ENVIRON_KEY], str(os.getpid())
    path, said = environ["PATH_INFO"], ""
    if path == "/in":
        session.log_in("alice")
    elif path == "/who":
        # Of the cache, and of what the adapter reads of the store for it.
        found = bool(session.engine.verify_cookies(environ["HTTP_COOKIE"]))
        said = f"{found},{session.subject}"
    elif path == "/out":
        if worker != environ["QUERY_STRING"]:
            session.log_out()
            said = "out"
    else:
        session["visits"] = session.get("visits", 0) + 1
        said = str(session["visits"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{worker} {said}".encode()]
settings = {"store": os.environ["STORE"]} if "STORE" in os.environ else {}
application = sessile.wsgi.Sessions(application, os.environ["SESSIONS"], **settings)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site_of_test.py").write_text(SITE)
    return tmp_path


def serve(site: Path, workers: int, **more: str) -> Iterator[tuple[str, Path]]:
    """Gives the address of a gunicorn that loaded the application before it forked."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = site / "log"
    command = [sys.executable, "-m", "gunicorn", "--preload", f"-w{workers}"]
    command += ["-b", f"127.0.0.1:{port}", "--log-file", str(log), "site_of_test:application"]
    environment = {**os.environ, "PYTHONPATH": str(site), "SESSIONS": str(site / "sessions")}
    environment.update(more)
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


def said_by_all(address: str, cookie: str) -> dict[str, set[str]]:
    """Gives what each of four workers says, asked by eight clients at once until all have."""
    said: dict[str, set[str]] = {}
    deadline = time.monotonic() + 30
    with ThreadPoolExecutor(8) as clients:
        while len(said) < 4:
            assert time.monotonic() < deadline, said
            for status, body, _cookie in clients.map(get, [address] * 16, [cookie] * 16):
                assert status == 200
                worker, subject = body.split()
                said.setdefault(worker, set()).add(subject)
    return said


def test_four_workers_serve_from_the_shared_store_and_a_logout_at_one_holds_in_all(
    site: Path,
) -> None:
    for address, _log in serve(site, workers=4, STORE="lmdb"):
        status, body, cookie = get(address + "in")
        assert status == 200 and cookie
        first = body.strip()
        # From here on it is in the cache of each.
        known = said_by_all(address + "who", cookie)
        assert first in known and all(said == {"True,alice"} for said in known.values())
        deadline = time.monotonic() + 30
        while not body.endswith(" out"):
            assert time.monotonic() < deadline
            with ThreadPoolExecutor(8) as clients:
                found = clients.map(get, [f"{address}out?{first}"] * 8, [cookie] * 8)
                body = max((body for _, body, _ in found), key=lambda body: body.endswith(" out"))
        assert not body.startswith(first)
        known = said_by_all(address + "who", cookie)
        assert first in known and all(said == {"False,None"} for said in known.values())


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
