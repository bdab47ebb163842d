from enum import IntEnum
from typing import Final

__all__ = ["Error", "ErrorKind", "Reason", "__version__"]

__version__: Final[str]

class Error(Exception):
    """What every exception of sessile derives from."""

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
