"""How session data are written: JSON, as short as it gets, and nothing but JSON."""

from json import JSONDecoder, JSONEncoder, loads

dumps = JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

# What `loads` is made of: the value that begins at an index, and where it ends.
scan = JSONDecoder().scan_once  # type: ignore[attr-defined]

__all__ = ["dumps", "loads", "scan"]
