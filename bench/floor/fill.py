"""Data for the floor: one user among as many others as the product has."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.db import connection
from django.utils.crypto import get_random_string

OTHERS = """
INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff,
                       is_active, date_joined)
SELECT '!', false, 'other-' || n, 'Other', '', 'other-' || n || '@example.org', false, true, now()
FROM generate_series(1, %s) AS n
"""


def fill_database(*, people: int) -> dict[str, Any]:
    """Create the users; return the cookies and the CSRF token of one who is signed in."""
    person = User.objects.create(username="person", first_name="Noor", email="person@example.org")
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [people])
        cursor.execute("VACUUM ANALYZE")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    token = get_random_string(32)
    cookies = {
        settings.SESSION_COOKIE_NAME: session.session_key,
        settings.CSRF_COOKIE_NAME: token,
    }
    return {"person": cookies, "token": token}
