"""What gunicorn says. gunicorn.conf.py, which it finds by itself, names this."""

import logging.config
from typing import Any

from gunicorn.glogging import Logger

from config.logs import configuration


class ServerLog(Logger):  # type: ignore[misc]
    """Gunicorn's words as lines of ours, from its very start, and no list of requests: that would
    hold paths and network addresses. Ours is written by safety.request_log_middleware."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        level = logging.getLevelName(self.loglevel)
        logging.config.dictConfig(configuration(level))

    def access(self, *args: Any) -> None:
        return None

    # One frame up, so that a line names who spoke rather than this file.
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
