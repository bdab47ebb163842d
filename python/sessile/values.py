"""What the engine hands out, beside what it hands out at every request."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

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
