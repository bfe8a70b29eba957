"""Gunicorn reads this file from the folder it starts in: in ./dev run, the image and systemd."""

import gc
import runpy
from typing import Any

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


def post_worker_init(worker: Any) -> None:
    """Keep the garbage collector from what was loaded at the start, and call it less often.

    Code, settings and the guide stay as long as the process: each full collection would go through
    them, and with Python's threshold of 700 objects a page causes several small ones (ADR 24).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
