"""Fetches the frameworks' own test suites: from the package registry, by hash, never kept here."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SHA256 = {
    "django-5.2.19": "ad03d8abc51dbff95ebf34b27123cf0c26a3b62db7ba0cd520783686362533d1",
    "flask-3.1.3": "0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb",
    "starlette-1.10.0": "b8399098d4c1e3522734f7235dc79b1fc967f96cf139c81e0fa30479e0685f9b",
}

_ROOT = Path(__file__).parents[3]


def source_of(name: str) -> Path:
    """Gives the directory of an unpacked source distribution; skips the test without one."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", _ROOT / "target")) / "suites"
    unpacked = target / name
    if not unpacked.is_dir():
        _unpack(_download(name, target), target)
    return unpacked


def _download(name: str, target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    project, version = name.rsplit("-", 1)
    wanted = target / f"{name}.txt"
    wanted.write_text(f"{project}=={version} --hash=sha256:{SHA256[name]}\n")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    download += ["--no-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", str(target)]
    ran = subprocess.run(download, capture_output=True, text=True, check=False)
    if "DO NOT MATCH THE HASHES" in ran.stderr:
        pytest.fail(f"{name} is not what it was when it was written down: {ran.stderr}")
    if ran.returncode != 0:
        pytest.skip(f"the registry does not give {name}: {ran.stderr.strip()[-200:]}")
    return target / f"{name}.tar.gz"


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as members:
        members.extractall(target, filter="data")
