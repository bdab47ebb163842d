"""Sessions of a real Django, dumped as the documentation of cookie::foreign says."""

import io
import json
import sys

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    SECRET_KEY="old site",
    INSTALLED_APPS=["django.contrib.sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SESSION_COOKIE_AGE=14 * 86_400,
    USE_TZ=True,
)
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

cookies = []
for number in range(20):
    session = SessionStore()
    session["_auth_user_id"] = str(number)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = "5f" * 32
    session["cart"] = ["zoë", number]
    session.save()
    cookies.append({"header": f"theme=dark; {settings.SESSION_COOKIE_NAME}={session.session_key}",
                    "subject": str(number)})

out = io.StringIO()
for row in Session.objects.iterator():
    print(json.dumps({"session_key": row.session_key, "session_data": row.get_decoded(),
                      "expire_date": row.expire_date.isoformat()}), file=out)
json.dump({"cookies": cookies, "rows": out.getvalue()}, sys.stdout)
