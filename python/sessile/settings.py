"""What an engine can be opened with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from os import PathLike
from typing import Literal, TypeAlias, TypedDict

Duration: TypeAlias = timedelta | float
"""A length of time: a `timedelta`, or seconds."""

Moment: TypeAlias = datetime | float
"""A point in time: a `datetime` with a time zone, or seconds since 1970."""

Preset: TypeAlias = Literal["remember_me", "refresh", "aal1", "aal2", "aal3"]
"""A pair of idle timeout and absolute lifetime, by name.

`remember_me`: 7 and 30 days. `refresh`: 14 and 90 days. `aal1`, `aal2`, `aal3`: those of NIST
SP 800-63B-4.
"""

AtLimit: TypeAlias = Literal["evict_least_recently_used", "evict_oldest", "refuse"]
"""What becomes of one session more than a subject may have."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """How the session cookie is written and found. What a browser would refuse is an error."""

    name: str = "__Host-sid"
    companion_name: str | None = None
    """The cookie that tells the page's scripts how long is left. `None`: the name and `-left`."""
    path: str = "/"
    domain: str | None = None
    secure: bool = True
    same_site: Literal["strict", "lax", "none"] = "lax"
    partitioned: bool = False
    max_age: Duration | Literal["session", "browser"] = "session"
    """How long a browser may keep it. `session`: as long as the session lasts; `browser`: until
    the browser is closed."""


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """What the engine's access tokens (JWTs) are."""

    issuer: str
    audience: str
    lifetime: Duration = 300
    """5 minutes; 10 seconds to 1 hour."""
    algorithm: Literal["HS256", "EdDSA", "ES256"] = "EdDSA"
    fully_specified: bool = False
    """Whether Ed25519 is called `Ed25519` in them (RFC 9864), and not `EdDSA`."""


class Settings(TypedDict, total=False):
    """The keyword arguments of `Engine`, `Engine.open` and `Engine.in_memory`."""

    idle_timeout: Duration
    """How long a session lives unused. 30 minutes; 1 second to 400 days."""
    absolute_lifetime: Duration
    """How long a session lives at all. 12 hours; 1 second to 400 days."""
    lifetimes: Preset
    """Both at once."""
    rotate_every: Duration
    """After how long a verified session says that a rotation is due. Off; 1 minute and more."""
    rotation_grace: Duration
    """How long the token from before a rotation still answers, read-only. 10 s; 0 to 5 min."""
    refresh_grace: Duration
    """How long a replaced refresh token gets the same successor again. 10 s; 0 to 5 min."""
    expiring_soon: Duration
    """How long before a session ends subscribers hear of it. 1 minute; 1 second to 1 day."""
    max_sessions_per_subject: int
    """How many sessions a subject may have. Off; 1 to 1,000."""
    at_limit: AtLimit
    """What happens to one more: `evict_least_recently_used` unless given."""
    data_len_max_bytes: int
    """The most that the data of a session may take. 64 KiB; 0 to 64 KiB."""
    cache_len_max_bytes: int
    """The most that the cache of verified sessions may take. 256 MiB; 64 KiB to 1 TiB."""
    store_cache_len_max_bytes: int
    """The most that the embedded store's cache should take. 128 MiB; 16 MiB to 4 GiB."""
    create_durability: Literal["durable", "buffered"]
    """When `create` returns: once the session survives a crash (the default), or before."""
    cookies: Cookies
    """How the cookies are written and found."""
    access_tokens: AccessTokens
    """Access tokens, and what they say. None by default."""
    api_key_prefix: str
    """What API keys begin with, before a `_`, so that scanners of source code find them."""
    master_secret: bytes
    """The secret that seals the keys, 32 bytes or more. By default a file in the directory."""
    master_secret_env: str
    """The environment variable that holds it."""
    master_secret_file: str | PathLike[str]
    """The file that holds it."""
    threads: bool
    """Whether the engine has a thread for maintenance, from its first use on. `True`; else call
    `tick`."""
    tick_every: Duration
    """How often that thread works. 1 second; 10 ms to 1 minute."""
    clock: Callable[[], Moment] | None
    """The time, for tests: read before each call, and standing still in between."""
    trust_clock: bool
    """Takes the clock's time as it is, although the store was used at a later one."""
    require_power_loss_safety: bool
    """Refuses to open a directory where a durable commit would not survive a power loss."""
    on_rollback: Literal["refuse", "revoke_all"]
    """What to do when the store was rolled back. `refuse` unless given."""
