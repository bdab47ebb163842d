"""Puts sessile into every application of Flask's own tests: a plugin of pytest."""

import flask
import sessile.flask

flask.Flask.session_interface = sessile.flask.Sessions(directory=None, threads=False)
