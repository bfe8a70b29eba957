"""Logging: one JSON line for each record, with listed fields only and no private text (ADR 22).

Messages of our own code are constants; what varies goes into the listed fields. A message of a
library is replaced by its place in the source, because libraries put paths, addresses, SQL and
whole forms into their messages. An error is its type, its SQLSTATE and its stack. Its text is left
out, except for our own sentences about settings and data files, which contain no value.
"""

import json
import logging
import logging.config
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from safety.request_id import request_id

ROOT = Path(__file__).resolve().parent.parent
ROOMS = "local|config|operations|home|reminders|pause|healing|journal|accounts|safety|mail|vault"
OURS = re.compile(rf"{re.escape(str(ROOT))}/(?:{ROOMS})/")

# Logs must not show who writes, what, when or from where: no id of a person, no IP address, no
# user agent, no path (it holds ids and tokens), no query string. So a record has these fields
# only, and a value is one word or a number.
FIELDS = ("method", "route", "status", "ms", "kind", "error", "task")
ENCODE = json.JSONEncoder().encode
# No slash: a path would be one word.
WORD = re.compile(r"[\w:.-]{1,100}")

NO_BROKER = "Redis cannot be reached"
# Frequent messages of libraries, in words: their place in the source would not help an operator.
EVENTS = {
    ("gunicorn.error", "Starting gunicorn %s"): "web server starts",
    ("gunicorn.error", "Listening at: %s (%s)"): "web server listens",
    ("gunicorn.error", "Booting worker with pid: %s"): "web process starts",
    ("gunicorn.error", "Worker exiting (pid: %s)"): "web process ends",
    ("gunicorn.error", "Using worker: %s"): "web server has its kind of process",
    ("gunicorn.error", "Connection in use: %s"): (
        "another program listens at the address of the web server"
    ),
    (
        "gunicorn.error",
        "Invalid address: %s",
    ): "the address of the web server is not of this machine",
    ("gunicorn.error", "Can't connect to %s"): "web server cannot listen, and ends",
    ("gunicorn.error", "Worker (pid:%s) exited with code %s."): "web process ended with an error",
    ("gunicorn.error", "Worker (pid:%s) was sent %s!"): "web process was ended by a signal",
    ("gunicorn.error", "Worker (pid:%s) was sent %s! Perhaps out of memory?"): (
        "web process was killed: the machine may be out of memory"
    ),
    ("gunicorn.error", "Reason: %s"): "web server ends because no process of it can start",
    ("gunicorn.error", "Hang up: %s"): "web server reads its settings again",
    ("gunicorn.error", "Unhandled exception in main loop"): "web server broke, and ends",
    ("gunicorn.error", "Handling signal: %s"): "web server was told something",
    ("gunicorn.error", "Shutting down: %s"): "web server ends",
    ("gunicorn.error", "WORKER TIMEOUT (pid:%s)"): "web process answers too slowly and is ended",
    ("gunicorn.error", "Exception in worker process"): "web process cannot start",
    ("celery.worker.consumer.consumer", "consumer: Cannot connect to %s: %s.\n%s\n"): NO_BROKER,
    ("celery.beat", "beat: Connection error: %s. Trying again in %s seconds..."): NO_BROKER,
}
# By logger: how a message begins that gunicorn has formatted before it logs it, and the event.
FORMATTED_EVENTS = {
    "gunicorn.error": ("connection to ", "web server cannot listen at its address"),
}
EVENTS_OF_LOGGERS = {
    "django.security": "request refused",
    "django.request": "page broke",
    "celery.app.trace": "task broke",
    "celery.redirected": "printed",
}
# Below these levels they repeat, for each request or second, what other lines say.
LEVELS_OF_LIBRARIES = {
    "django.request": "ERROR",
    "celery": "WARNING",
    "kombu": "WARNING",
    "amqp": "WARNING",
}
PYTHON_WARNING = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d+): (?P<kind>\w+): ")
# Its records carry the name of the task.
CELERY_TASKS = "celery.app.trace"
# They come with handlers of their own, or do not propagate.
RECONFIGURED = ("django", "django.server", "gunicorn.error")

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# The innermost frames, and few: a pipe writes at most 4 kB in one piece.
MAX_FRAMES = 15
MAX_ERRORS = 4


def parse_level(text: str) -> str:
    """Return the name of a level, INFO for an empty text. Raises ValueError if there is none."""
    level = text.strip().upper() or "INFO"
    if level not in LEVELS:
        raise ValueError
    return level


def configuration(level: str) -> dict[str, Any]:
    """Return a dictConfig that writes everything from `level` up to stderr."""
    propagated = {"handlers": [], "level": level, "propagate": True}
    levels = {name: {"level": own} for name, own in LEVELS_OF_LIBRARIES.items()}
    # No AdminEmailHandler: an error report would carry what was being written.
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {
            "stderr": {"class": f"{__name__}.StderrHandler", "formatter": "json", "level": level}
        },
        "loggers": dict.fromkeys(RECONFIGURED, propagated) | levels,
        "root": {"handlers": ["stderr"], "level": level},
    }


def configure(config: dict[str, Any]) -> None:
    """Apply a dictConfig: Django's LOGGING_CONFIG."""
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
    # Python looks these up for every record, and no line has them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


# --- Formatting ----------------------------------------------------------------------------


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "event": _event(record),
        }
        if id := request_id():
            line["request"] = id
        line |= _fields(record)
        if record.exc_info and record.exc_info[1]:
            line["errors"] = [_describe(error) for error in _chain(record.exc_info[1])]
        # JSON in ASCII escapes newlines and terminal colours: one record stays one line.
        return ENCODE(line)


class StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 the name is logging's
        """Print nothing: logging would print the record with all its arguments."""


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@cache
def _is_ours(file: str) -> bool:
    return OURS.match(file) is not None


def _event(record: logging.LogRecord) -> str:
    if _is_ours(record.pathname):
        return str(record.msg)
    known = _event_of_message(record.name, record.msg) if isinstance(record.msg, str) else None
    return known or _event_of_logger(record.name) or _python_warning(record) or _place(record)


def _event_of_message(name: str, message: str) -> str | None:
    beginning, event = FORMATTED_EVENTS.get(name, ("\n", ""))
    return event if message.startswith(beginning) else EVENTS.get((name, message))


def _python_warning(record: logging.LogRecord) -> str | None:
    """Return category and place of a warning, which Python logs with its text behind them."""
    found = PYTHON_WARNING.match(record.getMessage()) if record.name == "py.warnings" else None
    return found and f"{found['kind']} at {_short(found['file'])}:{found['line']}"


def _event_of_logger(name: str) -> str | None:
    while name:
        if name in EVENTS_OF_LOGGERS:
            return EVENTS_OF_LOGGERS[name]
        name = name.rpartition(".")[0]
    return None


def _place(record: logging.LogRecord) -> str:
    return f"{_short(record.pathname)}:{record.lineno} {record.funcName}"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    values = record.__dict__
    if record.name == CELERY_TASKS:
        values = {"task": values.get("data", {}).get("name")}
    elif not _is_ours(record.pathname):
        return {}
    return {name: values[name] for name in FIELDS if name in values and _is_one_word(values[name])}


def _is_one_word(value: object) -> bool:
    if isinstance(value, str):
        return WORD.fullmatch(value) is not None
    return isinstance(value, (int, float))


# --- Errors --------------------------------------------------------------------------------


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, its causes and the members of groups, the newest first."""
    seen: list[BaseException] = []
    pending = [error]
    while pending and len(seen) < MAX_ERRORS:
        current = pending.pop(0)
        if current in seen:
            continue
        seen.append(current)
        yield current
        before = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
        pending += [*getattr(current, "exceptions", ()), *([before] if before else [])]


def _describe(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    description: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and WORD.fullmatch(sqlstate):
        description["sqlstate"] = sqlstate
    if _is_for_operators(error):
        description["says"] = str(error)
    return description | {"stack": _stack(error.__traceback__)}


def _is_for_operators(error: BaseException) -> bool:
    """Whether this is a sentence of ours about a setting or a data file. None carries a value.

    Django raises the same class, with values.
    """
    if not isinstance(error, ImproperlyConfigured):
        return False
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and _is_ours(frames[-1][0].f_code.co_filename)


def _stack(trace: TracebackType | None) -> list[str]:
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)][-MAX_FRAMES:]
    return [f"{_short(code.co_filename)}:{line} {code.co_name}" for code, line in frames]


def _short(file: str) -> str:
    """Return the path from the package or the project on: the rest differs on every machine."""
    _, package, rest = file.rpartition("-packages/")
    return rest if package else file.removeprefix(f"{ROOT}/").removeprefix(f"{sys.prefix}/")


# --- Errors that Python would print --------------------------------------------------------


def log_uncaught_errors() -> None:
    """Log errors that nothing catches: Python would print their text."""
    logger = logging.getLogger(__name__)

    def uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        # At a terminal an operator ran a command, and needs the whole traceback.
        if sys.stderr.isatty() or not issubclass(kind, Exception):
            sys.__excepthook__(kind, error, error.__traceback__)
        else:
            logger.critical("ended by an error", exc_info=error)

    def in_thread(args: threading.ExceptHookArgs) -> None:
        logger.error("a thread was ended by an error", exc_info=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        logger.error("an error had nowhere to go", exc_info=args.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


def unbuffer_output() -> None:
    """Write output at once, as PYTHONUNBUFFERED lets Python do.

    On a full disk, what a buffer cannot write stays in it, and every later flush fails. Celery
    flushes both streams before it starts a process of its pool: it would start none.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if raw := getattr(getattr(stream, "buffer", None), "raw", None):
            unbuffered = TextIOWrapper(raw, stream.encoding, stream.errors, write_through=True)
            setattr(sys, name, unbuffered)


# --- Reading ---------------------------------------------------------------------------------


def readable(line: str) -> str:
    """Return a line of a log as text for ./dev, and any other line unchanged."""
    try:
        record = json.loads(line)
        errors = [_readable_error(error) for error in record.get("errors", [])]
        return "\n    ".join([f"{record['level']} {record['logger']}: {record['event']}", *errors])
    except (ValueError, KeyError, TypeError, AttributeError):
        return line


def _readable_error(error: Mapping[str, Any]) -> str:
    said = [error["says"]] if "says" in error else []
    return "\n      ".join([error["type"], *said, *error["stack"][-3:]])
