"""Logs, as the programs write them: listed fields, and no text of any person."""

import ast
import json
import logging
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.conf import settings
from django.db.utils import load_backend
from django.test import RequestFactory
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter
from gunicorn import arbiter, sock
from pytest_django import DjangoDbBlocker

from config.logs import (
    EVENTS,
    FIELDS,
    FORMATTED_EVENTS,
    JsonFormatter,
    StderrHandler,
    configuration,
    readable,
)
from local.folder import ROOT
from local.stack import manage_py
from local.supervisor import BEAT, WORKER
from safety.helplines import load
from safety.request_id import request_id, reset_request_id, set_request_id
from tests.config.breaking import FAILURES
from tests.support.addresses import RULES, nowhere
from tests.support.dev_command import run
from tests.support.gunicorn_server import (
    Output,
    Web,
    committed_person,
    environment_of_tests,
    started,
    web,
)
from vault.key_ring import parse_ring

# The programs that are started use the test database.
pytestmark = pytest.mark.django_db

CANARY = "canary-alice@example.org"
ALWAYS = {"time", "level", "logger", "event"}
ROOMS = (
    "local",
    "config",
    "operations",
    "home",
    "reminders",
    "healing",
    "journal",
    "accounts",
    "safety",
    "mail",
    "vault",
)


# --- One line ------------------------------------------------------------------------------


def record(message: object, *args: object, **extra: object) -> logging.LogRecord:
    """Return a record as a module of ours makes it."""
    record = logging.LogRecord("mail.relay", 30, f"{ROOT}/mail/relay.py", 1, message, args, None)
    vars(record).update(extra)
    return record


def line(record: logging.LogRecord) -> dict[str, object]:
    text = JsonFormatter().format(record)
    assert text.isascii()
    assert text.isprintable()
    return dict(json.loads(text))


def test_line_has_the_listed_fields_and_no_other() -> None:
    given = record("relay is away", error="OSError", status=503, email=CANARY, args_of="x")

    logged = line(given)

    assert logged | {"time": ""} == {
        "time": "",
        "level": "WARNING",
        "logger": "mail.relay",
        "event": "relay is away",
        "status": 503,
        "error": "OSError",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}\+00:00", str(logged["time"]))


@pytest.mark.parametrize(
    "value", [CANARY, "two words", "a\nb", "/r/token/", "", "x" * 101, ["a"], object()]
)
def test_a_field_is_one_word_or_a_number(value: object) -> None:
    assert line(record("x", route=value)).keys() == ALWAYS


def test_warning_is_its_category_and_its_place() -> None:
    text = f"/x/site-packages/lib/a.py:7: RuntimeWarning: {CANARY}\n  {CANARY}\n"
    given = logging.LogRecord("py.warnings", 30, "logging/__init__.py", 1, text, (), None)

    assert line(given)["event"] == "RuntimeWarning at lib/a.py:7"


def test_arguments_of_a_message_are_left_out() -> None:
    assert line(record("%s was here", CANARY))["event"] == "%s was here"


@pytest.mark.parametrize("message", [f"{CANARY} was here", f"{CANARY} %s", ValueError(CANARY), {}])
def test_message_of_a_library_is_its_place_in_the_source(message: object) -> None:
    given = logging.LogRecord("lib", 30, "/x/site-packages/lib/a.py", 7, message, (), None, "f")
    vars(given).update(route="home", status=200)

    assert line(given).items() >= {"event": "lib/a.py:7 f", "logger": "lib"}.items()
    assert line(given).keys() == ALWAYS


def test_newlines_and_colours_are_escaped() -> None:
    odd = "a\r\nb\x1b[31m\u2028\x00"

    assert line(record(odd))["event"] == odd


def test_error_is_its_type_and_its_stack() -> None:
    given = record("x")
    try:
        try:
            int(CANARY)
        except ValueError as error:
            raise LookupError(CANARY) from error
    except LookupError as error:
        given.exc_info = (LookupError, error, error.__traceback__)

    first, second = line(given)["errors"]  # type: ignore[misc]

    place = r"tests/config/test_logs\.py:\d+ test_error_is_its_type_and_its_stack"
    assert (first["type"], second["type"]) == ("builtins.LookupError", "builtins.ValueError")
    assert re.fullmatch(place, first["stack"][0])
    assert CANARY not in JsonFormatter().format(given)


def caught(call: Callable[[], object]) -> dict[str, Any]:
    """Return what is logged of the error that this raises."""
    given = record("x")
    with pytest.raises(Exception) as raised:  # noqa: PT011 whichever it is
        call()
    given.exc_info = (raised.type, raised.value, raised.tb)
    return dict(line(given)["errors"][0])  # type: ignore[index]


def test_our_own_sentence_about_a_setting_or_a_file_is_logged(tmp_path: Path) -> None:
    """Without it an operator would look for the cause in our source."""
    file = tmp_path / "nl.yaml"
    file.write_text("name: Nederland\n")

    key = caught(lambda: parse_ring(f"k1:{CANARY}"))
    country = caught(lambda: load(file))

    assert key["says"] == "VAULT_KEYS: entry 1 is not a key."
    told = country["says"].splitlines()
    assert len(told) == 2
    assert all(re.fullmatch(r"nl\.yaml, line \d+: .+", each) for each in told)
    assert "nl.yaml" in readable(json.dumps(line(record("x")) | {"errors": [country]}))


def test_sentence_of_a_library_is_not_logged() -> None:
    """Django raises the same class as we do, and names values."""
    said = caught(lambda: load_backend(CANARY))

    assert said["type"] == "django.core.exceptions.ImproperlyConfigured"
    assert "says" not in said


def gunicorn_record(message: str, *args: object) -> logging.LogRecord:
    path = "/x/site-packages/gunicorn/sock.py"
    return logging.LogRecord("gunicorn.error", 40, path, 1, message, args, None, "f")


def test_port_that_is_taken_is_named_without_its_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use") as refused:
            socket.create_server(("127.0.0.1", port))
    address = str(("127.0.0.1", port))
    # As gunicorn.sock logs them, one after the other.
    said = [
        line(gunicorn_record("Connection in use: %s", address))["event"],
        line(gunicorn_record(f"connection to {address} failed: {refused.value}"))["event"],
        line(gunicorn_record("Can't connect to %s", address))["event"],
    ]

    assert said == [
        "another program listens at the address of the web server",
        "web server cannot listen at its address",
        "web server cannot listen, and ends",
    ]


def test_messages_of_gunicorn_are_those_that_it_logs() -> None:
    """An upgrade may word them otherwise: then its place in the source is all that is logged."""
    source = "".join(
        Path(module.__file__ or "").read_text(encoding="utf-8") for module in (arbiter, sock)
    )
    source += 'msg = "Worker (pid:%s) was sent %s! Perhaps out of memory?"'
    named = [message for name, message in EVENTS if name == "gunicorn.error"]
    named += [beginning for beginning, _ in FORMATTED_EVENTS.values()]

    assert len(named) > 12
    assert [message for message in named if f'"{message}' not in source] == []


def test_errors_that_cause_each_other_end() -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    given = record("x")
    given.exc_info = (ValueError, one, None)

    assert len(line(given)["errors"]) == 2  # type: ignore[arg-type]


def test_line_has_a_request_id_only_within_a_request() -> None:
    token = set_request_id()
    assert re.fullmatch("[0-9a-f]{16}", request_id() or "")
    assert line(record("x"))["request"] == request_id()
    reset_request_id(token)

    assert "request" not in line(record("x"))


def test_record_that_cannot_be_formatted_is_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = StderrHandler()
    handler.setFormatter(logging.Formatter("%(nothing)s"))

    handler.handle(record(CANARY))

    assert capsys.readouterr() == ("", "")


def test_line_is_shown_as_text_by_dev() -> None:
    error = {"type": "builtins.ValueError", "stack": ["a.py:1 f", "b.py:2 g"]}
    logged = json.dumps({"level": "ERROR", "logger": "x", "event": "page broke", "errors": [error]})

    shown = "ERROR x: page broke\n    builtins.ValueError\n      a.py:1 f\n      b.py:2 g"
    assert readable(logged) == shown
    assert [readable(text) for text in ("no JSON", "3", "{}")] == ["no JSON", "3", "{}"]


# --- Messages and handlers -----------------------------------------------------------------


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield the place of every `logger.<level>(…)` of ours, and the call."""
    for file in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                on = node.func.value
                if isinstance(on, ast.Name) and on.id in {"logger", "logging", "log"}:
                    yield f"{file.name}:{node.lineno} {node.func.attr}", node


LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


def test_messages_of_our_own_code_are_constants() -> None:
    logged = [(place, call) for place, call in calls() if place.split()[-1] in LEVELS]

    assert len(logged) >= 4
    for place, call in logged:
        assert len(call.args) == 1, place
        assert isinstance(call.args[0], ast.Constant), place
        assert {keyword.arg for keyword in call.keywords} <= {"extra", "exc_info"}, place


def handlers() -> list[logging.Handler]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    return [each for logger in loggers for each in getattr(logger, "handlers", [])]


def test_no_handler_mails_errors() -> None:
    known = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]

    assert settings.ADMINS == settings.MANAGERS == []
    assert [each for each in [*handlers(), *known] if isinstance(each, AdminEmailHandler)] == []


def test_one_handler_writes_all_lines() -> None:
    """No handlers of Django, Celery or gunicorn."""
    ours = [each for each in handlers() if type(each).__module__.split(".")[0] in ROOMS]

    assert [type(each) for each in ours] == [StderrHandler]
    for name in ("django", "django.server", "django.request", "gunicorn.error", "celery"):
        own = logging.getLogger(name).handlers
        assert [each for each in own if not isinstance(each, logging.NullHandler)] == []
        assert logging.getLogger(name).propagate


def test_level_is_that_of_the_setting() -> None:
    config = configuration("ERROR")

    assert config["root"]["level"] == config["handlers"]["stderr"]["level"] == "ERROR"


def test_error_report_shows_no_submitted_values(rf: RequestFactory) -> None:
    request = rf.post("/journal/write/them/", {"body": CANARY})
    assert request.POST["body"] == CANARY
    try:
        local = CANARY.upper()  # noqa: F841 (a report would show it)
        raise ValueError
    except ValueError:
        html = ExceptionReporter(request, *sys.exc_info()).get_traceback_html()

    assert CANARY not in html
    assert CANARY.upper() not in html


# --- The web server ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, collected: None, django_db_setup: None
) -> Iterator[Web]:
    file = tmp_path_factory.mktemp("web") / "log"
    with web(file, DJANGO_SETTINGS_MODULE="tests.config.breaking", LOG_LEVEL="DEBUG") as server:
        yield server


@pytest.fixture(scope="module")
def cookie(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with committed_person(CANARY, django_db_blocker) as value:
        yield f"{settings.SESSION_COOKIE_NAME}={value}; other={CANARY}"


def ask(server: Web, path: str, cookie: str, failure: str = "", method: str = "POST") -> bytes:
    """Send a request with the canary wherever a request can hold text."""
    body = f"body={CANARY}&email={CANARY}&password={CANARY}&title=a%0D%0Ab".encode()
    headers = {
        "Host": "localhost:8000",
        "Cookie": cookie,
        "User-Agent": f"{CANARY}\t",
        "Referer": f"http://localhost:8000/{CANARY}",
        "X-Request-ID": CANARY,
        "X-Forwarded-For": CANARY,
        "X-Break": failure,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    start = f"{method} {path}?q={CANARY}%0D%0Ax HTTP/1.1\r\n"
    return server.raw(f"{start}{head}\r\n".encode(), body)


def assert_harmless(said: Output) -> None:
    assert "canary" not in said.text().lower()
    assert "127.0.0.1" not in said.text()
    names = {name for line in said.lines() for name in line}
    assert names <= ALWAYS | {"request", "errors", *FIELDS}


ADDRESSES = [f"/{rule.example or pattern}" for pattern, rule in RULES.items()]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_failing_page_logs_type_and_place_only(server: Web, cookie: str, method: str) -> None:
    for address in ADDRESSES:
        path = nowhere(address)
        before = server.output.size()
        status = ask(server, path, cookie, "plain", method).split()[1]
        lines = server.output.lines(before)

        (request,) = [line for line in lines if line["event"] == "request"]
        assert request["status"] == int(status)
        assert re.fullmatch(r"[\w:-]+", str(request["route"]))
        if status == b"500":
            (broke,) = [line for line in lines if line["event"] == "page broke"]
            assert broke["request"] == request["request"]
            assert broke["errors"][0]["type"] == "builtins.ValueError"  # type: ignore[index]
    assert '"status": 500' in server.output.text()
    assert_harmless(server.output)


@pytest.mark.parametrize("failure", FAILURES)
def test_no_text_is_logged_however_a_page_fails(server: Web, cookie: str, failure: str) -> None:
    before = server.output.size()

    ask(server, "/journal/", cookie, failure, "GET")

    assert server.output.lines(before)
    assert_harmless(server.output)


@pytest.mark.parametrize(
    ("failure", "types", "sqlstate"),
    [
        ("chained", ["builtins.RuntimeError", "builtins.ValueError"], None),
        ("unique", ["django.db.utils.IntegrityError", "psycopg.errors.UniqueViolation"], "23505"),
        ("in a thread", ["builtins.ValueError"], None),
        ("half-way", ["builtins.ValueError"], None),
    ],
)
def test_error_of_a_page_is_logged_with_causes_and_sqlstate(
    server: Web, cookie: str, failure: str, types: list[str], sqlstate: str | None
) -> None:
    before = server.output.size()

    ask(server, "/journal/", cookie, failure, "GET")
    lines = server.output.lines(before)
    broken = [line["errors"] for line in lines if line["level"] == "ERROR"]

    assert [error["type"] for error in broken[0]] == types  # type: ignore[attr-defined]
    assert broken[0][-1].get("sqlstate") == sqlstate  # type: ignore[index]


def test_request_id_is_in_the_header_the_log_and_the_page(server: Web, cookie: str) -> None:
    head, _, page = ask(server, "/journal/", cookie, "plain", "GET").partition(b"\r\n\r\n")

    (id,) = re.findall(rb"X-Request-ID: ([0-9a-f]{16})\r", head)
    assert f'"request": "{id.decode()}"' in server.output.text()
    assert b"<code>" + id + b"</code>" in page


MALFORMED = {
    "no request": b"canary\r\n\r\n",
    "no method": b"CANA,RY / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no header": b"GET / HTTP/1.1\r\nHost: localhost\r\ncanary canary\r\n\r\n",
    "another host": b"GET /canary HTTP/1.1\r\nHost: canary.example\r\n\r\n",
    "a long line": b"GET /" + b"canary" * 2000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an unknown method": b"CANARY /canary HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no length": (b"POST /canary HTTP/1.1\r\nHost: localhost\r\nContent-Length: canary\r\n\r\n"),
    "colours": b"GET /\x1b[31mcanary%0d%0a HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_request_refused_by_gunicorn_is_not_logged(server: Web, raw: bytes) -> None:
    before = server.output.size()

    assert server.raw(raw).startswith(b"HTTP/1.1 4")

    assert server.output.lines(before)
    assert_harmless(server.output)


# --- Worker, beat, commands ----------------------------------------------------------------


def test_worker_logs_type_and_place_of_a_failing_task(tmp_path: Path) -> None:
    queue = f"breaking-{uuid4()}"
    command = WORKER.command.replace("-A config", "-A tests.config.breaking_worker")
    command = command.replace("--queues mail", f"--queues {queue}").removeprefix("python ")
    with started(
        [sys.executable, *command.split()], environment_of_tests(), tmp_path / "log"
    ) as said:
        with Celery(broker=settings.REDIS_URL) as sender:
            for name in ("printing", "no-such-canary", "breaking"):
                sender.send_task(name, [f"{CANARY}\r\n"], queue=queue)
            with sender.connection() as connection:
                sent = connection.SimpleQueue(queue)
                sent.put(CANARY)
                sent.put({"canary": CANARY}, headers={"task": CANARY, "id": CANARY})
                sent.close()
            sender.send_task("breaking", [CANARY], queue=queue)
        assert said.wait_for('"task": "breaking"'), said.text()
        failed = [line for line in said.lines() if line.get("task") == "breaking"]
        assert_harmless(said)

    types = [error["type"] for error in failed[0]["errors"]]
    assert types == ["builtins.RuntimeError", "builtins.ValueError"]
    assert "tests/config/breaking_worker.py:" in failed[0]["errors"][0]["stack"][-1]


@pytest.mark.parametrize("program", [WORKER, BEAT], ids=["worker", "beat"])
def test_broker_that_is_down_is_named_without_its_address(
    tmp_path: Path, django_db_setup: None, program: object
) -> None:
    away = environment_of_tests() | {"REDIS_URL": "redis://:canary@127.0.0.1:1/0"}
    command = program.command.removeprefix("python ").split()  # type: ignore[attr-defined]

    with started([sys.executable, *command], away, tmp_path / "log") as said:
        assert said.wait_for("Redis cannot be reached"), said.text()
        assert_harmless(said)


def test_failing_command_writes_one_line(clean_env: dict[str, str]) -> None:
    code = f"raise ValueError('{CANARY}')"
    command = [*manage_py("shell"), "--no-imports", "-c", code]

    done = run(command, environment_of_tests(), cwd=ROOT)

    assert done.returncode == 1
    (logged,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert logged["errors"][0]["type"] == "builtins.ValueError"
    assert CANARY not in done.stdout + done.stderr
