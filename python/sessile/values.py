"""What the engine hands out, beside what it hands out at every request."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from ._sessile import Session

TokenKind: TypeAlias = Literal["session", "refresh", "access", "single_use", "api_key", "csrf"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Token:
    """A secret for a client. `reveal()` gives the text; nothing else shows it.

    Not even `str(token)`: what lands in a log by accident would be good to whoever reads it.
    """

    kind: TokenKind
    _text: str = field(repr=False)

    def reveal(self) -> str:
        """Gives the text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Compares in constant time."""
        if not isinstance(other, Token):
            return NotImplemented
        is_same = hmac.compare_digest(self._text.encode(), other._text.encode())
        return is_same and self.kind == other.kind

    def __hash__(self) -> int:
        return hash((self.kind, self._text))

    def __repr__(self) -> str:
        return f"<Token {self.kind}: hidden, reveal() shows it>"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as lists show it."""

    handle: str
    """Its public name."""
    device_label: str | None
    """The label that the host gave it."""
    created: datetime
    last_seen: datetime
    """When the client was seen last, as the store knows: up to a minute old."""
    authenticated_at: datetime | None
    """When the subject proved who it is last."""
    amr: list[str]
    """How (RFC 8176)."""
    acr: str | None
    """The class of that (OpenID Connect Core, 2)."""
    idle_deadline: datetime
    """Unused until then, it ends."""
    absolute_deadline: datetime
    """It ends then, used or not."""


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """What a refresh token is bound to, beside its session."""

    client: str | None = None
    """Good for this client alone."""
    scopes: list[str] = field(default_factory=list)
    """At most which a refresh can ask for."""
    audiences: list[str] = field(default_factory=list)
    """At most which a refresh can ask for."""


@dataclass(frozen=True, slots=True)
class IssuedAccess:
    """A new access token."""

    token: Token
    """For an `Authorization: Bearer` header."""
    deadline: datetime
    """It is good until then."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh token was good for. Counts as true."""

    refresh_token: Token
    """For the next refresh."""
    access: IssuedAccess | None
    """If the settings have access tokens and the session a subject."""
    session: Session
    """The session."""
    generation: int
    """How many rotations there were."""
    scopes: list[str]
    """Those that were asked for and granted."""
    audiences: list[str]
    """Those that were asked for and granted."""
    is_replay: bool
    """Whether the token was replaced already, and this is the same answer once more."""

    def __bool__(self) -> Literal[True]:
        return True

    @property
    def reason(self) -> None:
        """Always `None`: so that a verdict has a reason whatever it is."""


@dataclass(frozen=True, slots=True)
class IssuedSingleUse:
    """A new single-use token."""

    token: Token
    """Into the link with it."""
    handle: str
    """Its public name."""
    deadline: datetime
    """It is good until then."""


@dataclass(frozen=True, slots=True)
class SingleUse:
    """What a single-use token stands for. Counts as true."""

    handle: str
    """Its public name."""
    subject: str | None
    """For whom it was made."""
    payload: bytes = field(repr=False)
    """What was to come back."""
    created: datetime
    deadline: datetime
    """It is good until then."""

    def __bool__(self) -> Literal[True]:
        return True

    @property
    def reason(self) -> None:
        """Always `None`: so that a verdict has a reason whatever it is."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A value that was signed here and has not been changed since. Counts as true."""

    payload: bytes
    """The value."""
    signed_at: datetime

    def __bool__(self) -> Literal[True]:
        return True

    @property
    def reason(self) -> None:
        """Always `None`: so that a verdict has a reason whatever it is."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, as lists show it and as verification gives it. Counts as true."""

    handle: str
    """Its public name."""
    subject: str
    """Whose it is."""
    name: str
    """Its owner's name for it."""
    scopes: list[str]
    """What it may be used for."""
    created: datetime
    deadline: datetime | None
    """It is good until then; `None`: until it is revoked."""
    last_used: datetime | None
    """When it was used last, kept to a minute."""
    uses_this_minute: int | None = None
    """How often this process has verified it within the last minute, this time included."""

    def __bool__(self) -> Literal[True]:
        return True

    @property
    def reason(self) -> None:
        """Always `None`: so that a verdict has a reason whatever it is."""


@dataclass(frozen=True, slots=True)
class IssuedApiKey:
    """A new API key."""

    token: Token
    """Shown to its owner once, and kept nowhere."""
    key: ApiKey


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A signing key, without its secret."""

    id: int
    """The second byte of the tokens that it signs."""
    state: Literal["published", "active", "verifying", "retired"]
    since: datetime
    """Since when it is in that state."""
    has_api_keys: bool
    """Whether it has signed an API key. Then it verifies until it is retired on purpose."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What an engine has done so far."""

    store: str
    """The store's name."""
    survives: Literal["nothing", "process_crash", "power_loss"]
    """What a durable commit survives."""
    cached_sessions: int
    cached_bytes: int
    cache_hits: int
    cache_misses: int
    cache_evictions: int
    unreadable_records: int
    """Rows that could not be read, and whose sessions are therefore rejected."""
    pending_touches: int
    """Touches that the store has yet to learn of."""


@dataclass(frozen=True, slots=True)
class TickReport:
    """What a tick did."""

    touches_written: int
    rows_swept: int
    is_more_due: bool
    """Whether more rows are due than one tick sweeps: tick again soon."""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote."""

    rows: int
    frames: int
    len_bytes: int


EventKind: TypeAlias = Literal[
    "created",
    "touched",
    "expiring_soon",
    "expired",
    "rotated",
    "refreshed",
    "consumed",
    "revoked",
    "data_changed",
    "subject_revoked",
    "suspended",
    "reinstated",
    "claims_changed",
    "all_revoked",
    "keys_changed",
    "missed",
    "other",
]

EndCause: TypeAlias = Literal[
    "revoked",
    "replaced",
    "evicted",
    "subject_revoked",
    "all_revoked",
    "suspended",
    "expired",
    "reuse",
    "other",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. It names handles and subjects, never a token."""

    kind: EventKind
    at: datetime
    """The engine's time."""
    handle: str | None = None
    """The session or single-use token; of `subject_revoked` the session that stays."""
    subject: str | None = None
    """The subject, where the event is about one or a session gets one."""
    rotated_to: str | None = None
    """Of `rotated`: the handle that the session has now."""
    deadline: datetime | None = None
    """Of `expiring_soon`: when it ends. Of `suspended`: until when; `None`: until reinstated."""
    cause: EndCause | None = None
    """Of `revoked`: why."""
    number: int | None = None
    """Of `refreshed`: the generation. Of `missed`: how many events are lost."""
