"""How session data are written: JSON, as short as it gets, and nothing but JSON."""

from json import JSONEncoder, loads

dumps = JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

__all__ = ["dumps", "loads"]
