"""Puts sessile into every application of Flask's own tests: a plugin of pytest."""

import _pytest.monkeypatch
import flask
import sessile.flask
from _pytest.compat import NOTSET

# What the conftest of Flask 3.1.3 calls what pytest 9 calls NOTSET.
_pytest.monkeypatch.notset = NOTSET  # type: ignore[attr-defined]

flask.Flask.session_interface = sessile.flask.Sessions(directory=None, threads=False)
