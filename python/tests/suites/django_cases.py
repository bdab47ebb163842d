"""Django's own session tests, with sessile as the backend: `unittest` runs them from its sources.

Left out by name: `test_empty_session_saved`, which reads the rows of Django's database backend.
"""

# Django's tests are there only while they run.
# mypy: ignore-errors

import sessile.django
from django.core import management
from django.test import SimpleTestCase
from sessions_tests import tests as suite

__all__ = ["Middleware", "OwnMiddleware", "Sessions"]


class Sessions(suite.SessionTestsMixin, SimpleTestCase):
    """The contract of a backend."""

    backend = sessile.django.SessionStore

    test_load_overlong_key = suite.CacheSessionTests.test_load_overlong_key

    def test_clearsessions_command(self) -> None:
        """The command works."""
        management.call_command("clearsessions")


class Middleware(suite.SessionMiddlewareTests):
    """Django's middleware over sessile."""

    test_empty_session_saved = None


class OwnMiddleware(Middleware):
    """The same with sessile's."""

    def setUp(self) -> None:
        """Puts sessile's in the place of Django's."""
        original = suite.SessionMiddleware
        suite.SessionMiddleware = sessile.django.SessionMiddleware
        self.addCleanup(setattr, suite, "SessionMiddleware", original)
