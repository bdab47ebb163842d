"""What Django's session tests run with, and sessile behind them."""

INSTALLED_APPS = ["django.contrib.sessions", "sessions_tests"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SECRET_KEY = "of a test"
USE_TZ = False
SESSION_ENGINE = "sessile.django"
SESSILE = {"directory": None, "threads": False}
