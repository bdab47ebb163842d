"""The exceptions: one class for each kind of failure, all under `Error`."""

from ._sessile import ErrorKind


class Error(Exception):
    """What every exception of sessile derives from. `kind` says what it is."""

    kind: ErrorKind = ErrorKind.INTERNAL


class InvalidInputError(Error, ValueError):
    """An argument is outside its limits. Nothing was read or written."""

    kind = ErrorKind.INVALID_INPUT


class InvalidConfigError(Error, ValueError):
    """A setting is outside its range. Nothing was opened."""

    kind = ErrorKind.INVALID_CONFIG


class LockedError(Error):
    """Another engine has the store open; the message says which process, and what to do."""

    kind = ErrorKind.LOCKED


class UnavailableError(Error):
    """The store could not be reached or read. Nothing is known about the session.

    Answer 503: do not let the client in, and do not clear its cookie.
    """

    kind = ErrorKind.UNAVAILABLE


class CorruptError(Error):
    """Stored bytes are damaged. They are left as they are."""

    kind = ErrorKind.CORRUPT


class ConflictError(Error):
    """Concurrent changes won every retry. Nothing was written."""

    kind = ErrorKind.CONFLICT


class SessionGoneError(Error):
    """The session is gone (revoked, expired or never there): there was nothing to change."""

    kind = ErrorKind.SESSION_GONE


class OutcomeUnknownError(Error):
    """A write may or may not have reached the disk. Writes are refused until it is reopened."""

    kind = ErrorKind.OUTCOME_UNKNOWN


class WritesRefusedError(Error):
    """An earlier write failed at the disk: no more writes until it is reopened."""

    kind = ErrorKind.WRITES_REFUSED


class NewerFormatError(Error):
    """The store was written by a newer version of sessile. Nothing was changed."""

    kind = ErrorKind.NEWER_FORMAT


class RolledBackError(Error):
    """The store is older than what it had acknowledged: a restored copy or a truncated file."""

    kind = ErrorKind.ROLLED_BACK


class WeakSecretError(Error, ValueError):
    """A secret is too short or too predictable. It was not taken."""

    kind = ErrorKind.WEAK_SECRET


class KeyFileError(Error):
    """The key file is missing, readable by others, or not ours. Nothing was opened."""

    kind = ErrorKind.KEY_FILE


class WrongSecretError(Error):
    """The master secret does not open the store's keyring. Nothing was opened."""

    kind = ErrorKind.WRONG_SECRET


class PowerLossUnsafeError(Error):
    """The directory cannot promise to survive a power loss, and the settings ask for it."""

    kind = ErrorKind.POWER_LOSS_UNSAFE


class TooManySessionsError(Error):
    """The subject has as many sessions as the settings allow. None was created."""

    kind = ErrorKind.TOO_MANY_SESSIONS


class SuspendedError(Error):
    """The subject is suspended. No session was created."""

    kind = ErrorKind.SUSPENDED


class TooLargeError(Error, ValueError):
    """A value is larger than its limit. Nothing was written."""

    kind = ErrorKind.TOO_LARGE


class ForkedProcessError(Error):
    """The engine was opened before a fork and is used in the child. Open a new one there."""

    kind = ErrorKind.FORKED


class ClosedError(Error):
    """The engine is closed."""

    kind = ErrorKind.CLOSED


class NoSuchKeyError(Error):
    """No signing key is active, or none with that id exists."""

    kind = ErrorKind.NO_SUCH_KEY


class NoRandomnessError(Error):
    """The operating system gave no random bytes. Nothing was created."""

    kind = ErrorKind.NO_RANDOMNESS


class InternalError(Error):
    """A bug in sessile. Nothing was answered as valid."""

    kind = ErrorKind.INTERNAL


_CLASSES: dict[ErrorKind, type[Error]] = {each.kind: each for each in Error.__subclasses__()}

__all__ = [
    "Error",
    "ClosedError",
    "ConflictError",
    "CorruptError",
    "ForkedProcessError",
    "InternalError",
    "InvalidConfigError",
    "InvalidInputError",
    "KeyFileError",
    "LockedError",
    "NewerFormatError",
    "NoRandomnessError",
    "NoSuchKeyError",
    "OutcomeUnknownError",
    "PowerLossUnsafeError",
    "RolledBackError",
    "SessionGoneError",
    "SuspendedError",
    "TooLargeError",
    "TooManySessionsError",
    "UnavailableError",
    "WeakSecretError",
    "WritesRefusedError",
    "WrongSecretError",
]

# Tracebacks and pickles name them as their users do.
for _class in (Error, *_CLASSES.values()):
    _class.__module__ = "sessile"


def class_of(number: int) -> type[Error]:
    """Gives the class for a kind's number. A kind that has none is an `Error` with that kind."""
    kind = ErrorKind(number)
    if kind not in _CLASSES:
        _CLASSES[kind] = type("Error", (Error,), {"kind": kind, "__module__": "sessile"})
    return _CLASSES[kind]
