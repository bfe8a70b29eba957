"""Gunicorn's logging, named by gunicorn.conf.py."""

import logging.config
from typing import Any

from gunicorn.glogging import Logger

from config.logs import configuration


class GunicornLogger(Logger):  # type: ignore[misc]
    """Log as the rest of the product does, from the first line on, and write no access log.

    Gunicorn's access log holds paths and IP addresses; safety.request_log_middleware logs
    requests instead.
    """

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        level = logging.getLevelName(self.loglevel)
        logging.config.dictConfig(configuration(level))

    def access(self, *args: Any) -> None:
        return None

    # stacklevel: a line names the caller rather than this file.
    def critical(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self.error_log.critical(msg, *args, stacklevel=2, **kwargs)

    def error(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self.error_log.error(msg, *args, stacklevel=2, **kwargs)

    def warning(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self.error_log.warning(msg, *args, stacklevel=2, **kwargs)

    def info(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self.error_log.info(msg, *args, stacklevel=2, **kwargs)

    def debug(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self.error_log.debug(msg, *args, stacklevel=2, **kwargs)

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        self.error_log.exception(msg, *args, stacklevel=2, **kwargs)
