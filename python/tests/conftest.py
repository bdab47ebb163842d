"""What the tests have in common: a clock that stands still, and an engine that goes by it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sessile


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> Iterator[sessile.Engine]:
    access = sessile.AccessTokens("https://issuer.example", "https://api.example")
    with sessile.Engine.in_memory(clock=clock, threads=False, access_tokens=access) as engine:
        yield engine


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "sessions"
