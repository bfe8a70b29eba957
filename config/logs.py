"""What is logged: one JSON line for each record, with listed fields and none of anybody's words.

Only our own code says things in words, and those are written in the source; what varies goes into
listed fields. What a library says is replaced by the place in its source that said it: libraries
put paths, addresses, statements and whole forms into their sentences. An error is its type, its
SQLSTATE and where it happened, never its text.
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
from pathlib import Path
from types import TracebackType
from typing import Any

from safety.request_id import request_id

ROOT = Path(__file__).resolve().parent.parent
ROOMS = "local|config|operations|home|reminders|healing|journal|accounts|safety|mail|vault"
OURS = re.compile(rf"{re.escape(str(ROOT))}/(?:{ROOMS})/")

# What a record may carry beside its event. Whoever reads the logs must not learn who writes, from
# where, or what and when: no person's id, no address, no browser's name, no path (it holds ids
# and tokens), no query. For the same reason a value is one word or a number, never a sentence.
FIELDS = ("method", "route", "status", "ms", "kind", "error", "task")
ENCODE = json.JSONEncoder().encode
# No slash either: with it a path would be one word.
WORD = re.compile(r"[\w:.-]{1,100}")

NO_BROKER = "Redis cannot be reached"
# What libraries say often enough that a place in their source would be a riddle.
KNOWN = {
    ("gunicorn.error", "Starting gunicorn %s"): "web server starts",
    ("gunicorn.error", "Listening at: %s (%s)"): "web server listens",
    ("gunicorn.error", "Booting worker with pid: %s"): "web process starts",
    ("gunicorn.error", "Worker exiting (pid: %s)"): "web process ends",
    ("gunicorn.error", "Handling signal: %s"): "web server was told something",
    ("gunicorn.error", "Shutting down: %s"): "web server ends",
    ("gunicorn.error", "WORKER TIMEOUT (pid:%s)"): "web process answers too slowly and is ended",
    ("gunicorn.error", "Exception in worker process"): "web process cannot start",
    ("celery.worker.consumer.consumer", "consumer: Cannot connect to %s: %s.\n%s\n"): NO_BROKER,
    ("celery.beat", "beat: Connection error: %s. Trying again in %s seconds..."): NO_BROKER,
}
KNOWN_LOGGERS = {
    "django.security": "request refused",
    "django.request": "page broke",
    "celery.app.trace": "task broke",
    "celery.redirected": "printed",
}
# Their lines below these levels only repeat, for every request or every second, what is known.
QUIETER = {"django.request": "ERROR", "celery": "WARNING", "kombu": "WARNING", "amqp": "WARNING"}
WARNING = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d+): (?P<kind>\w+): ")
# Celery names the task in what it hands over beside its sentence.
TASKS = "celery.app.trace"
# What brings a handler of its own, or keeps others away.
WITHOUT_OWN = ("django", "django.server", "gunicorn.error")

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# The parts nearest to the error, and few enough that a line reaches a pipe in one piece.
FRAMES = 15
ERRORS = 4


def parse_level(text: str) -> str:
    """Return the name of a level, INFO for an empty text. Raises ValueError if there is none."""
    level = text.strip().upper() or "INFO"
    if level not in LEVELS:
        raise ValueError
    return level


def configuration(level: str) -> dict[str, Any]:
    """For logging.config: everything from `level` upwards, as lines on standard error."""
    plain = {"handlers": [], "level": level, "propagate": True}
    quieter = {name: {"level": own} for name, own in QUIETER.items()}
    # No handler mails errors: an error report would carry what was being written.
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{__name__}.Lines"}},
        "handlers": {
            "lines": {"class": f"{__name__}.Handler", "formatter": "lines", "level": level}
        },
        "loggers": dict.fromkeys(WITHOUT_OWN, plain) | quieter,
        "root": {"handlers": ["lines"], "level": level},
    }


def configure(wanted: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG."""
    logging.config.dictConfig(wanted)
    logging.captureWarnings(True)
    # Python asks for these for every record, and no line has them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


# --- Lines ---------------------------------------------------------------------------------


class Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "event": _event(record),
        }
        if name := request_id():
            line["request"] = name
        line |= _fields(record)
        if record.exc_info and record.exc_info[1]:
            line["errors"] = [_told(error) for error in _chain(record.exc_info[1])]
        # Line ends, colours and other alphabets are written as escapes: one record, one line.
        return ENCODE(line)


class Handler(logging.StreamHandler):  # type: ignore[type-arg]
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 the name is logging's
        """Python would print the record with all its arguments."""


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@cache
def _is_ours(file: str) -> bool:
    return OURS.match(file) is not None


def _event(record: logging.LogRecord) -> str:
    if _is_ours(record.pathname):
        return str(record.msg)
    known = KNOWN.get((record.name, record.msg)) if isinstance(record.msg, str) else None
    return known or _known_logger(record.name) or _warning(record) or _place(record)


def _warning(record: logging.LogRecord) -> str | None:
    """Python logs a warning as it would print it: place, kind, words."""
    found = WARNING.match(record.getMessage()) if record.name == "py.warnings" else None
    return found and f"{found['kind']} at {_short(found['file'])}:{found['line']}"


def _known_logger(name: str) -> str | None:
    while name:
        if name in KNOWN_LOGGERS:
            return KNOWN_LOGGERS[name]
        name = name.rpartition(".")[0]
    return None


def _place(record: logging.LogRecord) -> str:
    return f"{_short(record.pathname)}:{record.lineno} {record.funcName}"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    given = record.__dict__
    if record.name == TASKS:
        given = {"task": given.get("data", {}).get("name")}
    elif not _is_ours(record.pathname):
        return {}
    return {name: given[name] for name in FIELDS if name in given and _is_one_word(given[name])}


def _is_one_word(value: object) -> bool:
    if isinstance(value, str):
        return WORD.fullmatch(value) is not None
    return isinstance(value, (int, float))


# --- Errors --------------------------------------------------------------------------------


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, as Python would print them, the newest first."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting and len(seen) < ERRORS:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.append(current)
        yield current
        before = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
        waiting += [*getattr(current, "exceptions", ()), *([before] if before else [])]


def _told(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    told: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and WORD.fullmatch(state):
        told["sqlstate"] = state
    return told | {"stack": _stack(error.__traceback__)}


def _stack(trace: TracebackType | None) -> list[str]:
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)][-FRAMES:]
    return [f"{_short(code.co_filename)}:{line} {code.co_name}" for code, line in frames]


def _short(file: str) -> str:
    """Without what stands before the package or the project: it differs on every machine."""
    _, package, rest = file.rpartition("-packages/")
    return rest if package else file.removeprefix(f"{ROOT}/").removeprefix(f"{sys.prefix}/")


# --- Where programs would print by themselves ----------------------------------------------


def keep_words_of_errors() -> None:
    """Python prints an error that nobody catches with its text. A log gets it as a line instead."""
    logger = logging.getLogger(__name__)

    def uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        # Whoever sits before it has asked for this and may see all of it.
        if sys.stderr.isatty() or not issubclass(kind, Exception):
            sys.__excepthook__(kind, error, error.__traceback__)
        else:
            logger.critical("ended by an error", exc_info=error)

    def in_thread(given: threading.ExceptHookArgs) -> None:
        logger.error("a thread was ended by an error", exc_info=given.exc_value)

    def nowhere(given: "sys.UnraisableHookArgs") -> None:
        logger.error("an error had nowhere to go", exc_info=given.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = nowhere


# --- For somebody who reads them here ------------------------------------------------------


def readable(line: str) -> str:
    """A line as ./dev shows it when a program does not start; any other text as it is."""
    try:
        said = json.loads(line)
        errors = [_readable_error(error) for error in said.get("errors", [])]
        return "\n    ".join([f"{said['level']} {said['logger']}: {said['event']}", *errors])
    except (ValueError, KeyError, TypeError, AttributeError):
        return line


def _readable_error(error: Mapping[str, Any]) -> str:
    return "\n      ".join([error["type"], *error["stack"][-3:]])
