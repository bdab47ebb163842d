from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from os import PathLike
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar, Unpack, final

from .settings import Duration, Moment, Preset, Settings
from .values import RefreshGrant, SessionInfo, Token

__all__ = ["Engine", "ErrorKind", "Issued", "Reason", "Rejected", "Session", "__version__"]

__version__: Final[str]

_T = TypeVar("_T")
_HasHandle: TypeAlias = str | Session | SessionInfo
_TokenText: TypeAlias = str | Token
_Headers: TypeAlias = str | bytes | Iterable[str | bytes]

class ErrorKind(IntEnum):
    """What kind of failure an error is."""

    INVALID_INPUT = 1
    INVALID_CONFIG = 2
    LOCKED = 3
    UNAVAILABLE = 4
    CORRUPT = 5
    CONFLICT = 6
    SESSION_GONE = 7
    OUTCOME_UNKNOWN = 8
    WRITES_REFUSED = 9
    NEWER_FORMAT = 10
    ROLLED_BACK = 11
    WEAK_SECRET = 12
    KEY_FILE = 13
    WRONG_SECRET = 14
    POWER_LOSS_UNSAFE = 15
    TOO_MANY_SESSIONS = 16
    SUSPENDED = 17
    TOO_LARGE = 18
    FORKED = 19
    CLOSED = 20
    NO_SUCH_KEY = 21
    NO_RANDOMNESS = 22
    INTERNAL = 23

class Reason(IntEnum):
    """Why a token was rejected. For the host's log only."""

    MALFORMED = 1
    BAD_SIGNATURE = 2
    UNKNOWN_KEY = 3
    WRONG_KIND = 4
    WRONG_PURPOSE = 5
    NOT_YET_VALID = 6
    EXPIRED = 7
    IDLE_EXPIRED = 8
    REVOKED_SESSION = 9
    REVOKED_SUBJECT = 10
    REVOKED_ALL = 11
    DENIED = 12
    SUSPENDED = 13
    STALE_CLAIMS = 14
    REUSED = 15
    UNKNOWN_SESSION = 16
    AMBIGUOUS = 17
    WRONG_ISSUER = 18
    WRONG_AUDIENCE = 19
    MISSING_CLAIM = 20
    WRONG_CLIENT = 21
    BEYOND_GRANT = 22

@final
class Session:
    """A session that was valid at the moment of the call. Counts as true."""

    @property
    def handle(self) -> str: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def created(self) -> datetime: ...
    @property
    def authenticated_at(self) -> datetime | None: ...
    @property
    def last_seen(self) -> datetime: ...
    @property
    def idle_deadline(self) -> datetime: ...
    @property
    def absolute_deadline(self) -> datetime: ...
    @property
    def time_left(self) -> timedelta: ...
    @property
    def verified_at(self) -> datetime: ...
    @property
    def is_rotation_due(self) -> bool: ...
    @property
    def renewed_token(self) -> Token | None: ...
    @property
    def rotated_to(self) -> str | None: ...
    @property
    def claims_version(self) -> int: ...
    @property
    def are_claims_stale(self) -> bool: ...
    @property
    def reason(self) -> None: ...
    def is_authenticated_within(self, period: Duration) -> bool: ...
    def __bool__(self) -> Literal[True]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Rejected:
    """A token that is not valid, or no longer. Counts as false."""

    __match_args__: Final = ("reason",)
    def __new__(cls, reason: int) -> Self: ...
    @property
    def reason(self) -> Reason: ...
    def __bool__(self) -> Literal[False]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Issued:
    """A new session and the tokens that go to the client."""

    @property
    def token(self) -> Token: ...
    @property
    def session(self) -> Session: ...
    @property
    def refresh_token(self) -> Token | None: ...

@final
class Engine:
    """One open store with its caches and keys."""

    # Opening and closing
    @staticmethod
    def open(directory: str | PathLike[str], **settings: Unpack[Settings]) -> Engine: ...
    @staticmethod
    def in_memory(**settings: Unpack[Settings]) -> Engine: ...
    def reopen(self) -> Engine: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *_exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...

    # Sessions
    def create(
        self,
        subject: str | None = None,
        *,
        retire: _TokenText | None = None,
        idle_timeout: Duration | None = None,
        absolute_lifetime: Duration | None = None,
        lifetimes: Preset | None = None,
        device_label: str | None = None,
        not_before: Moment | None = None,
        refresh: bool | RefreshGrant | None = None,
        amr: list[str] | None = None,
        acr: str | None = None,
    ) -> Issued: ...
    def verify(self, token: _TokenText) -> Session | Rejected: ...
    def verify_at_once(self, token: _TokenText) -> Session | Rejected | None: ...
    def peek(self, token: _TokenText) -> Session | Rejected: ...
    def touch(self, session: _HasHandle) -> bool: ...
    def rotate(
        self,
        session: _HasHandle,
        *,
        device_label: str | None = None,
        grace: Duration | None = None,
        lifetimes: Preset | None = None,
        idle_timeout: Duration | None = None,
        absolute_lifetime: Duration | None = None,
    ) -> Issued: ...
    def log_in(
        self,
        session: _HasHandle,
        subject: str,
        *,
        amr: list[str] | None = None,
        acr: str | None = None,
        device_label: str | None = None,
        grace: Duration | None = None,
        lifetimes: Preset | None = None,
        idle_timeout: Duration | None = None,
        absolute_lifetime: Duration | None = None,
    ) -> Issued: ...
    def reauthenticate(
        self, session: _HasHandle, *, amr: list[str] | None = None, acr: str | None = None
    ) -> Issued: ...
    def revoke(self, session: _HasHandle) -> bool: ...
    def revoke_subject(self, subject: str, *, except_: _HasHandle | None = None) -> None: ...
    def revoke_all(self) -> None: ...
    def suspend(self, subject: str, until: Moment | None = None) -> None: ...
    def reinstate(self, subject: str) -> None: ...
    def bump_claims(self, subject: str) -> int: ...
    def list(self, subject: str) -> list[SessionInfo]: ...
    def count(self, subject: str) -> int: ...
    def is_active(self, subject: str) -> bool: ...

    # Data
    def data(self, session: _HasHandle) -> dict[str, Any] | None: ...
    def data_bytes(self, session: _HasHandle) -> dict[str, bytes] | None: ...
    def patch(
        self,
        session: _HasHandle,
        set: Mapping[str, Any] | None = None,
        *,
        remove: Iterable[str] | None = None,
    ) -> None: ...
    def patch_bytes(
        self,
        session: _HasHandle,
        set: Mapping[str, bytes] | None = None,
        *,
        remove: Iterable[str] | None = None,
    ) -> None: ...
    def update(self, session: _HasHandle, change: Callable[[dict[str, Any]], _T]) -> _T: ...

    # Cookies and headers
    def verify_cookies(self, headers: _Headers | None) -> Session | Rejected | None: ...
    def peek_cookies(self, headers: _Headers | None) -> Session | Rejected | None: ...
    def verify_bearer(self, header: str | bytes | None) -> Session | Rejected | None: ...
    def set_cookies(self, issued: Issued) -> list[str]: ...
    def renew_cookies(self, session: Session) -> list[str]: ...
    def clear_cookies(self) -> list[str]: ...
    @property
    def cookie_names(self) -> tuple[str, str]: ...
