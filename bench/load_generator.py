"""Generate load in a process of its own, whose CPU time is not counted.

Reads a Visit as JSON from stdin and writes a summary as JSON to stdout. Makes one connection per
request, because gunicorn's sync worker closes it after each response, and stores cookies as a
browser does.
"""

import itertools
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Placeholders in a path or a form: a new uuid each time, one uuid for each client, and how many
# requests that client has sent before.
NEW_UUID, CLIENT_UUID, REQUEST_NUMBER = "{new_uuid}", "{client_uuid}", "{request_number}"
# About 5 kB, as long as letters are.
LETTER = "You were loud tonight. I slept all the same, and I dreamt of the river.\n\n" * 69
SET_COOKIE = re.compile(rb"^set-cookie: *([^=;]+)=([^;\r]*)", re.IGNORECASE | re.MULTILINE)

Cookies = dict[str, str]


@dataclass(frozen=True)
class Visit:
    """One address, requested again and again; each request takes the next of the cookie jars."""

    port: int
    path: str
    status: int
    cookie_jars: list[Cookies]
    clients: int = 1
    seconds: float = 1.0
    # 0 is no limit: only the time counts.
    max_requests: int = 0
    form: dict[str, str] | None = None


@dataclass
class Result:
    seconds: float = 0.0
    # In seconds, of each answer with the expected status.
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        enough = len(self.latencies) > 1
        percentiles = quantiles(self.latencies, n=20) if enough else [0.0] * 19
        return {
            "answers": len(self.latencies),
            "seconds": self.seconds,
            "p50": percentiles[9],
            "p95": percentiles[18],
            "errors": self.errors[:3],
        }


def request(port: int, path: str, cookies: Cookies, body: bytes | None = None) -> bytes:
    """Return the whole response as it came over the wire, and add its cookies to those given."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(_encode(port, path, cookies, body))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head = answer.partition(b"\r\n\r\n")[0]
    for name, value in SET_COOKIE.findall(head):
        cookies[name.decode()] = value.decode()
    return answer


def _encode(port: int, path: str, cookies: Cookies, body: bytes | None) -> bytes:
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        f"Host: localhost:{port}",
        f"User-Agent: {USER_AGENT}",
        "Accept: text/html,*/*;q=0.8",
        "Accept-Language: en-GB,en;q=0.5",
        "Accept-Encoding: gzip, deflate, br",
        f"Cookie: {'; '.join(f'{name}={value}' for name, value in cookies.items())}",
        "Connection: close",
    ]
    if body is not None:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def status_of(answer: bytes) -> int:
    words = answer[:32].split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def run(visit: Visit) -> Result:
    result = Result()
    limit = iter(range(visit.max_requests)) if visit.max_requests else itertools.repeat(0)
    jars = itertools.cycle(visit.cookie_jars)
    started = time.monotonic()
    deadline = started + visit.seconds
    threads = [
        threading.Thread(target=_run_client, args=(visit, limit, jars, deadline, result))
        for _ in range(visit.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.monotonic() - started
    return result


def _run_client(
    visit: Visit, limit: Iterator[int], jars: Iterator[Cookies], deadline: float, result: Result
) -> None:
    # Encoded once: with real visitors that work is done on other machines.
    form = None if visit.form is None else urlencode(visit.form)
    client_uuid = str(uuid4())
    for number in itertools.count():
        if time.monotonic() >= deadline or next(limit, None) is None:
            break
        values = {NEW_UUID: str(uuid4()), CLIENT_UUID: client_uuid, REQUEST_NUMBER: str(number)}
        path = _fill_in(visit.path, values)
        body = None if form is None else _fill_in(form, values).encode()
        started = time.monotonic()
        try:
            status = status_of(request(visit.port, path, next(jars), body))
        except OSError as error:
            result.errors.append(str(error))
            continue
        if status == visit.status:
            result.latencies.append(time.monotonic() - started)
        else:
            result.errors.append(f"{visit.path} answers {status}")


def _fill_in(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value).replace(quote(placeholder), value)
    return text


def main() -> None:
    json.dump(run(Visit(**json.load(sys.stdin))).summary(), sys.stdout)


if __name__ == "__main__":
    main()
