"""The load, in a process of its own: what it costs is not counted. Spec on stdin, JSON on stdout.

One connection per request, as the servers here close it after each answer, and as many people at
once as are asked for. Cookies that come back are kept, as a browser keeps them.
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

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# What an address or a form holds in places: an id of its own each time, one for whoever asks, and
# how often they have asked before.
FRESH, OWN, TURN = "{fresh}", "{own}", "{turn}"
# About 5 kB, as long as letters are.
LETTER = "You were loud tonight. I slept all the same, and I dreamt of the river.\n\n" * 69
COOKIE = re.compile(rb"^set-cookie: *([^=;]+)=([^;\r]*)", re.IGNORECASE | re.MULTILINE)

Cookies = dict[str, str]


@dataclass(frozen=True)
class Visit:
    """One address, asked for again and again by people who have these cookies."""

    port: int
    path: str
    status: int
    people: list[Cookies]
    at_once: int = 1
    seconds: float = 1.0
    # No more requests than this; none where time alone decides.
    most: int = 0
    form: dict[str, str] | None = None


@dataclass
class Result:
    took: float = 0.0
    # In seconds, one for each answer that was as expected.
    waits: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        cuts = quantiles(self.waits, n=20) if len(self.waits) > 1 else [0.0] * 19
        return {
            "answers": len(self.waits),
            "seconds": self.took,
            "p50": cuts[9],
            "p95": cuts[18],
            "wrong": self.wrong[:3],
        }


def ask(port: int, path: str, cookies: Cookies, body: bytes | None = None) -> bytes:
    """The whole answer as it came over the wire. Cookies in it are put among those given."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(_request(port, path, cookies, body))
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    head = answer.partition(b"\r\n\r\n")[0]
    for name, value in COOKIE.findall(head):
        cookies[name.decode()] = value.decode()
    return answer


def _request(port: int, path: str, cookies: Cookies, body: bytes | None) -> bytes:
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        f"Host: localhost:{port}",
        f"User-Agent: {AGENT}",
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


def go(visit: Visit) -> Result:
    result = Result()
    turns = iter(range(visit.most)) if visit.most else itertools.repeat(0)
    people = itertools.cycle(visit.people)
    began = time.monotonic()
    until = began + visit.seconds
    workers = [
        threading.Thread(target=_keep_asking, args=(visit, turns, people, until, result))
        for _ in range(visit.at_once)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    result.took = time.monotonic() - began
    return result


def _keep_asking(
    visit: Visit, turns: Iterator[int], people: Iterator[Cookies], until: float, result: Result
) -> None:
    # Put into words for the wire once: each browser does that for itself, none beside the servers.
    form = None if visit.form is None else urlencode(visit.form)
    own = str(uuid4())
    for turn in itertools.count():
        if time.monotonic() >= until or next(turns, None) is None:
            break
        here = {FRESH: str(uuid4()), OWN: own, TURN: str(turn)}
        path = _put(visit.path, here)
        body = None if form is None else _put(form, here).encode()
        began = time.monotonic()
        try:
            status = status_of(ask(visit.port, path, next(people), body))
        except OSError as error:
            result.wrong.append(str(error))
            continue
        if status == visit.status:
            result.waits.append(time.monotonic() - began)
        else:
            result.wrong.append(f"{visit.path} answers {status}")


def _put(text: str, here: dict[str, str]) -> str:
    for name, value in here.items():
        text = text.replace(name, value).replace(quote(name), value)
    return text


def main() -> None:
    json.dump(go(Visit(**json.load(sys.stdin))).told(), sys.stdout)


if __name__ == "__main__":
    main()
