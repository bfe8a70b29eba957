import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# The server starts with a guide it can read and keys it can use, or not at all.
from healing.guide import guide  # noqa: E402
from vault.sealing import ring  # noqa: E402

guide()
ring()
