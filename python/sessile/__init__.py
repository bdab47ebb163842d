"""sessile: an embedded session engine.

Creates, verifies and revokes web sessions and tokens in your own process.

>>> import sessile
>>> engine = sessile.Engine.in_memory()
>>> issued = engine.create("alice", device_label="Firefox on Linux")
>>> session = engine.verify(issued.token)
>>> bool(session), session.subject
(True, 'alice')
>>> engine.revoke(session)
True
>>> engine.verify(issued.token)
<Rejected: revoked_session>
>>> engine.close()
"""

from ._sessile import (
    Access,
    Engine,
    ErrorKind,
    Issued,
    Reason,
    Rejected,
    Session,
    Subscription,
    Watch,
    __version__,
)
from .data import SessionData
from .errors import (
    Error,
    ClosedError,
    ConflictError,
    CorruptError,
    ForkedProcessError,
    InternalError,
    InvalidConfigError,
    InvalidInputError,
    KeyFileError,
    LockedError,
    NewerFormatError,
    NoRandomnessError,
    NoSuchKeyError,
    OutcomeUnknownError,
    PowerLossUnsafeError,
    RolledBackError,
    SessionGoneError,
    SuspendedError,
    TooLargeError,
    TooManySessionsError,
    UnavailableError,
    WeakSecretError,
    WritesRefusedError,
    WrongSecretError,
)
from .settings import AccessTokens, Cookies, Settings
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
    "AccessTokens",
    "ApiKey",
    "ClosedError",
    "ConflictError",
    "Cookies",
    "CorruptError",
    "Engine",
    "Error",
    "ErrorKind",
    "Event",
    "ExportSummary",
    "ForkedProcessError",
    "InternalError",
    "InvalidConfigError",
    "InvalidInputError",
    "Issued",
    "IssuedAccess",
    "IssuedApiKey",
    "IssuedSingleUse",
    "KeyFileError",
    "KeyInfo",
    "LockedError",
    "NewerFormatError",
    "NoRandomnessError",
    "NoSuchKeyError",
    "OutcomeUnknownError",
    "PowerLossUnsafeError",
    "Reason",
    "RefreshGrant",
    "Refreshed",
    "Rejected",
    "RolledBackError",
    "Session",
    "SessionData",
    "SessionGoneError",
    "SessionInfo",
    "Settings",
    "SingleUse",
    "Stats",
    "Subscription",
    "SuspendedError",
    "TickReport",
    "Token",
    "TooLargeError",
    "TooManySessionsError",
    "UnavailableError",
    "Unsigned",
    "Watch",
    "WeakSecretError",
    "WritesRefusedError",
    "WrongSecretError",
    "__version__",
]
