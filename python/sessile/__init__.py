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
    ForeignAccess,
    Importer,
    Issued,
    Jwks,
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
from .settings import AccessTokens, Cookies, ImporterOptions, Settings
from .values import (
    ApiKey,
    Event,
    ExportSummary,
    ImportedRows,
    IssuedAccess,
    IssuedApiKey,
    IssuedSingleUse,
    KeyInfo,
    RefreshGrant,
    Refreshed,
    RefusedLine,
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
    "ForeignAccess",
    "ForkedProcessError",
    "ImportedRows",
    "Importer",
    "ImporterOptions",
    "InternalError",
    "InvalidConfigError",
    "InvalidInputError",
    "Issued",
    "IssuedAccess",
    "IssuedApiKey",
    "IssuedSingleUse",
    "Jwks",
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
    "RefusedLine",
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
