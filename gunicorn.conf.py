"""Gunicorn finds this file by its name in the folder it is started in, so that every start of it
says the same: ./dev run, the container image, a unit of systemd."""

import os

from config.logs import keep_words_of_errors

logger_class = "config.gunicorn_logger.ServerLog"
loglevel = os.environ.get("LOG_LEVEL") or "info"
# Nobody in front of us says where the site begins: it is at the root, and what pages keep in memory
# names their addresses. By default gunicorn believes that of a proxy on the same machine, which
# passes on what anyone claims.
forwarder_headers = ""

keep_words_of_errors()
