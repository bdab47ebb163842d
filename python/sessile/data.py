"""A session's data as a mapping that writes back what was changed, and nothing else."""

from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any, Self

from ._json import dumps, loads
from ._sessile import Engine, Session
from .errors import SessionGoneError
from .values import SessionInfo


class SessionData(MutableMapping[str, Any]):
    """The data of one session: read at first use, written by `save`.

    As a context manager it saves at the end, unless an exception is raised. What changed is found
    by comparing, so that a change inside a value is noticed, too; what did not change is not
    written, so that two requests never lose each other's values.

    >>> import sessile
    >>> engine = sessile.Engine.in_memory()
    >>> session = engine.create("alice").session
    >>> with sessile.SessionData(engine, session) as data:
    ...     data["cart"] = []
    >>> with sessile.SessionData(engine, session) as data:
    ...     data["cart"].append("teapot")
    >>> engine.data(session)
    {'cart': ['teapot']}
    >>> engine.close()
    """

    __slots__ = ("_engine", "_read", "_session", "_values", "accessed")

    def __init__(self, engine: Engine, session: str | Session | SessionInfo) -> None:
        """Reads nothing yet."""
        self._engine = engine
        self._session = session
        self._read: dict[str, bytes] | None = None
        self._values: dict[str, Any] = {}
        self.accessed = False
        """Whether anything was read or changed: then the response varies with the cookie."""

    @property
    def modified(self) -> bool:
        """Whether there is something to save."""
        return self.changes() != ({}, [])

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """Gives what `save` would set, as it is stored, and remove."""
        if self._read is None:
            return {}, []
        texts = {name: dumps(value).encode() for name, value in self._values.items()}
        set_ = {name: text for name, text in texts.items() if self._before(name) != text}
        return set_, [name for name in self._read if name not in texts]

    def save(self) -> None:
        """Writes what was changed; durable when it returns. Nothing is written if nothing was.

        Raises `SessionGoneError` if the session has ended: it is not brought back.
        """
        set_, removed = self.changes()
        if set_ or removed:
            self._engine.patch_bytes(self._session, set_, remove=removed)
            read = self._load()
            for name in removed:
                del read[name]
            read.update(set_)

    def _load(self) -> dict[str, bytes]:
        self.accessed = True
        if self._read is None:
            read = self._engine.data_bytes(self._session)
            if read is None:
                message = "the session is not valid, so it has no data"
                raise SessionGoneError(message)
            self._read = read
            self._values = {name: loads(text) for name, text in read.items()}
        return self._read

    def _before(self, name: str) -> bytes | None:
        """Gives how a value would have been written, had it been written here."""
        text = self._load().get(name)
        return None if text is None else dumps(loads(text)).encode()

    def __getitem__(self, name: str) -> Any:
        self._load()
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._load()
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self._load()
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._values)

    def __len__(self) -> int:
        self._load()
        return len(self._values)

    def __repr__(self) -> str:
        """Shows names only: values may be secret."""
        names = "not read yet" if self._read is None else sorted(self._values)
        return f"<SessionData {names}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.save()
