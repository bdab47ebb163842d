import builtins
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from os import PathLike
from types import TracebackType
from typing import IO, Any, Final, Literal, Self, TypeAlias, TypeVar, Unpack, final

from .settings import Duration, Moment, Preset, Settings
from .values import (
    ApiKey,
    Event,
    ExportSummary,
    IssuedAccess,
    IssuedApiKey,
    IssuedSingleUse,
    KeyInfo,
    RefreshGrant,
    Refreshed,
    SessionInfo,
    SingleUse,
    Stats,
    TickReport,
    Token,
    Unsigned,
)

__all__ = [
    "Access",
    "Engine",
    "ErrorKind",
    "Issued",
    "Reason",
    "Rejected",
    "Session",
    "Subscription",
    "Watch",
    "__version__",
]

__version__: Final[str]

_T = TypeVar("_T")
_HasHandle: TypeAlias = str | Session | SessionInfo | SingleUse | IssuedSingleUse | ApiKey
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
class Access:
    """An access token that was good at the moment of the call. Counts as true."""

    @property
    def claims(self) -> dict[str, Any]: ...
    @property
    def session(self) -> Session: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def scopes(self) -> list[str]: ...
    @property
    def reason(self) -> None: ...
    def __bool__(self) -> Literal[True]: ...

@final
class Subscription:
    """The events of an engine, in order for each session."""

    def next(self, timeout: Duration | None = None) -> Event | None: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Event: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *_exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...

@final
class Watch:
    """Ends when its session does, whatever ends it, but not when that is rotated."""

    @property
    def ended(self) -> Reason | None: ...
    def wait(self, timeout: Duration | None = None) -> Reason | None: ...
    def on_end(self, tell: Callable[[Reason], object]) -> None: ...

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
        amr: builtins.list[str] | None = None,
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
        amr: builtins.list[str] | None = None,
        acr: str | None = None,
        device_label: str | None = None,
        grace: Duration | None = None,
        lifetimes: Preset | None = None,
        idle_timeout: Duration | None = None,
        absolute_lifetime: Duration | None = None,
    ) -> Issued: ...
    def reauthenticate(
        self, session: _HasHandle, *, amr: builtins.list[str] | None = None, acr: str | None = None
    ) -> Issued: ...
    def revoke(self, session: _HasHandle) -> bool: ...
    def revoke_subject(self, subject: str, *, except_: _HasHandle | None = None) -> None: ...
    def revoke_all(self) -> None: ...
    def suspend(self, subject: str, until: Moment | None = None) -> None: ...
    def reinstate(self, subject: str) -> None: ...
    def bump_claims(self, subject: str) -> int: ...
    def list(self, subject: str) -> builtins.list[SessionInfo]: ...
    def count(self, subject: str) -> int: ...
    def is_active(self, subject: str) -> bool: ...

    # Data
    def data(self, session: _HasHandle) -> dict[str, Any] | None: ...
    def data_at_once(self, session: _HasHandle) -> dict[str, Any] | None: ...
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
    def bearer_token(self, header: str | bytes | None) -> str | None: ...
    def set_cookies(self, issued: Issued) -> builtins.list[str]: ...
    def renew_cookies(self, session: Session) -> builtins.list[str]: ...
    def clear_cookies(self) -> builtins.list[str]: ...
    def cookie_values(self, headers: _Headers | None) -> builtins.list[str]: ...
    @property
    def cookie_names(self) -> tuple[str, str]: ...

    # Access tokens
    def issue_access(
        self,
        session: _HasHandle,
        *,
        audiences: builtins.list[str] | None = None,
        client: str | None = None,
        scopes: builtins.list[str] | None = None,
        lifetime: Duration | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> IssuedAccess: ...
    def verify_access(self, token: _TokenText) -> Access | Rejected: ...
    def verify_access_at_once(self, token: _TokenText) -> Access | Rejected | None: ...
    def deny_access(self, token: _TokenText) -> bool: ...
    def jwks(self) -> str: ...

    # Refresh tokens
    def refresh(
        self,
        token: _TokenText,
        *,
        client: str | None = None,
        scopes: builtins.list[str] | None = None,
        audiences: builtins.list[str] | None = None,
    ) -> Refreshed | Rejected: ...
    def confirm_refresh(self, session: _HasHandle, generation: int) -> None: ...

    # Single-use tokens
    def issue_single_use(
        self,
        purpose: str,
        *,
        subject: str | None = None,
        payload: bytes | None = None,
        lifetime: Duration | None = None,
        supersede: bool = False,
    ) -> IssuedSingleUse: ...
    def peek_single_use(self, purpose: str, token: _TokenText) -> SingleUse | Rejected: ...
    def consume(self, purpose: str, token: _TokenText) -> SingleUse | Rejected: ...
    def bind_single_use(self, used: _HasHandle, session: _HasHandle) -> None: ...
    def revoke_single_use(self, token: _HasHandle) -> bool: ...

    # API keys
    def create_api_key(
        self,
        subject: str,
        name: str,
        *,
        scopes: builtins.list[str] | None = None,
        lifetime: Duration | None = None,
        outlives_sessions: bool = False,
    ) -> IssuedApiKey: ...
    def verify_api_key(self, token: _TokenText) -> ApiKey | Rejected: ...
    def list_api_keys(self, subject: str) -> builtins.list[ApiKey]: ...
    def revoke_api_key(self, key: _HasHandle) -> bool: ...

    # Signed values, tokens against cross-site requests, whatever is presented
    def sign(self, purpose: str, payload: bytes) -> str: ...
    def unsign(
        self, purpose: str, text: _TokenText, max_age: Duration
    ) -> Unsigned | Rejected: ...
    def csrf_token(self, session: _HasHandle) -> Token: ...
    def is_csrf_token(self, session: _HasHandle, presented: _TokenText | None) -> bool: ...
    def introspect(self, token: _TokenText) -> dict[str, Any]: ...
    def revoke_presented(self, token: _TokenText) -> None: ...

    # Keys
    def keys(self) -> builtins.list[KeyInfo]: ...
    def publish_key(self) -> int: ...
    def activate_key(self, id: int) -> None: ...
    def rotate_key(self) -> int: ...
    def retire_key(self, id: int) -> None: ...
    def import_key(self, pem: str) -> int: ...

    # Being told
    def subscribe(self) -> Subscription: ...
    def on_event(self, tell: Callable[[Event], object]) -> Subscription: ...
    def watch(self, session: _HasHandle) -> Watch: ...

    # Maintenance
    def stats(self) -> Stats: ...
    def tick(self) -> TickReport: ...
    def export(self, file: IO[bytes]) -> ExportSummary: ...
    @staticmethod
    def restore(
        file: IO[bytes],
        directory: str | PathLike[str],
        *,
        sessions: Literal["revoked", "valid"] = "revoked",
        **settings: Unpack[Settings],
    ) -> Engine: ...
