"""Gunicorn reads this file from the folder it starts in: in ./dev run, the image and systemd."""

import runpy

from config.logs import log_uncaught_errors, unbuffer_output

unbuffer_output()
log_uncaught_errors()

# A malformed setting ends the server here, with one sentence. In a worker it would be a line of the
# log without the reason, and gunicorn would start the next worker for ever. Run, not imported:
# workers that start after a SIGHUP read the settings again.
settings = runpy.run_module("config.settings")

# With --threads for Django, and more for clients that are slow.
worker_class = "config.gunicorn_worker.Worker"
logger_class = "config.gunicorn_logger.GunicornLogger"
loglevel = settings["LOGGING"]["root"]["level"]
# The site is at the root, and its pages cache their addresses: trust no SCRIPT_NAME. By default
# gunicorn trusts the headers of any proxy on this machine, which passes on what clients send.
forwarder_headers = ""
