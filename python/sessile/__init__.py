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

from ._sessile import Engine, ErrorKind, Issued, Reason, Rejected, Session, __version__
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
from .values import RefreshGrant, SessionInfo, Token

__all__ = [
    "AccessTokens",
    "ClosedError",
    "ConflictError",
    "Cookies",
    "CorruptError",
    "Engine",
    "Error",
    "ErrorKind",
    "ForkedProcessError",
    "InternalError",
    "InvalidConfigError",
    "InvalidInputError",
    "Issued",
    "KeyFileError",
    "LockedError",
    "NewerFormatError",
    "NoRandomnessError",
    "NoSuchKeyError",
    "OutcomeUnknownError",
    "PowerLossUnsafeError",
    "Reason",
    "RefreshGrant",
    "Rejected",
    "RolledBackError",
    "Session",
    "SessionGoneError",
    "SessionInfo",
    "Settings",
    "SuspendedError",
    "Token",
    "TooLargeError",
    "TooManySessionsError",
    "UnavailableError",
    "WeakSecretError",
    "WritesRefusedError",
    "WrongSecretError",
    "__version__",
]
