"""A server with two workers: on the embedded store one serves and the other says why it cannot; on
the shared store both do."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

SITE = """
from starlette.applications import Starlette
import sessile.starlette

app = Starlette()
app.add_middleware(sessile.starlette.SessionMiddleware, directory={directory!r}, store={store!r})
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


STARTED = "startup complete"


def said_by_two(
    tmp_path: Path, directory: Path, store: str, is_enough: Callable[[str], bool]
) -> str:
    """Gives what a server with two workers said until it was enough."""
    (tmp_path / "two_workers.py").write_text(SITE.format(directory=str(directory), store=store))
    command = [sys.executable, "-m", "uvicorn", "two_workers:app", "--workers", "2"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--port", str(free_port())],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        text = ""
        while not is_enough(text):
            assert time.monotonic() < deadline, text
            assert server.poll() is None or is_enough(log.read_text()), text
            time.sleep(0.05)
            text = log.read_text()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    return text


def test_the_second_worker_ends_at_its_start_and_names_the_remedy(
    tmp_path: Path, directory: Path
) -> None:
    text = said_by_two(
        tmp_path, directory, "sled", lambda text: "LockedError" in text and STARTED in text
    )
    said = next(line for line in text.splitlines() if "LockedError" in line)
    # Which process has it is said, too, unless that was just about to write it down.
    assert re.search(r"open in (process \d+|another process)", said), said
    assert "share one engine" in said


def test_on_the_shared_store_both_workers_start(tmp_path: Path, directory: Path) -> None:
    text = said_by_two(tmp_path, directory, "lmdb", lambda text: text.count(STARTED) == 2)
    assert "LockedError" not in text
