"""A server with two workers on the embedded store: one serves, the other says why it cannot."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

SITE = """
from starlette.applications import Starlette
import sessile.starlette

app = Starlette()
app.add_middleware(sessile.starlette.SessionMiddleware, directory={directory!r})
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_the_second_worker_ends_at_its_start_and_names_the_remedy(
    tmp_path: Path, directory: Path
) -> None:
    (tmp_path / "two_workers.py").write_text(SITE.format(directory=str(directory)))
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
        while "LockedError" not in text or "startup complete" not in text:
            assert time.monotonic() < deadline, text
            assert server.poll() is None or "LockedError" in text, text
            time.sleep(0.05)
            text = log.read_text()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    said = next(line for line in text.splitlines() if "LockedError" in line)
    assert re.search(r"process \d+", said), said
