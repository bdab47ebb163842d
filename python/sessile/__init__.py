"""sessile: an embedded session engine.

Creates, verifies and revokes web sessions and tokens in your own process.
"""

from ._sessile import Error, ErrorKind, Reason, __version__

__all__ = ["Error", "ErrorKind", "Reason", "__version__"]
