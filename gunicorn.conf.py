"""Gunicorn finds this file by its name in the folder it is started in, so that every start of it
says the same: ./dev run, the container image, a unit of systemd."""

import os

from config.logs import keep_words_of_errors

logger_class = "config.gunicorn.ServerLog"
loglevel = os.environ.get("LOG_LEVEL") or "info"

keep_words_of_errors()
