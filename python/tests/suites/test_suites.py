"""The frameworks' own tests of their sessions, with sessile behind them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fetch import source_of

HERE = Path(__file__).parent


def run(directory: Path, *command: str, **environment: str) -> str:
    """Runs a suite and gives what it printed; fails unless it succeeded."""
    paths = os.pathsep.join([str(HERE), str(directory)])
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    output = ran.stdout + ran.stderr
    assert ran.returncode == 0, output
    return output


def test_djangos_session_tests_pass() -> None:
    pytest.importorskip("django")
    tests = source_of("django-5.2.19") / "tests"
    output = run(
        tests, "-m", "django", "test", "django_cases", DJANGO_SETTINGS_MODULE="django_settings"
    )
    ran = re.search(r"Ran (\d+) tests", output)
    assert ran is not None and int(ran[1]) >= 89, output
    assert "skipped" not in output


def test_flasks_session_tests_pass() -> None:
    pytest.importorskip("flask")
    source = source_of("flask-3.1.3")
    # Left out by name: what an application without a secret key, or with several, may sign. These
    # sessions are signed by the engine's own keys.
    of_secret_key = [
        "test_basic.py::test_missing_session",
        "test_basic.py::test_session_secret_key_fallbacks",
        "test_testing.py::test_session_transactions_no_null_sessions",
    ]
    files = ["basic", "session_interface", "testing", "reqctx"]
    output = run(
        source,
        *("-m", "pytest", "-p", "flask_sessions", "-p", "no:cacheprovider", "-k", "session"),
        *(f"--deselect=tests/{name}" for name in of_secret_key),
        *("-W", "ignore", *(f"tests/test_{name}.py" for name in files)),
    )
    passed = re.search(r"(\d+) passed", output)
    assert passed is not None and int(passed[1]) >= 18, output
