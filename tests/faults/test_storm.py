"""Everything at once: parts of the house fall in an order that a seed decides, while people write
and mail goes out. At the end every letter is there word for word, once, and no note came twice."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.faults.house import House
from tests.faults.visitor import Page, Visitor
from tests.faults.waiting import wait_for
from tests.support.smtp import Sink

SEED = 20_261_122
WRITERS = 3
DESK = "/journal/write/them/"
# Whose mail is on its way when the sender dies.
STRUCK = "mailstruck"


@dataclass
class Writer:
    """Writes one letter after the other, and sends each until it is kept."""

    visitor: Visitor
    kept: list[str] = field(default_factory=list)

    def write(self, stop: threading.Event) -> None:
        while not stop.is_set():
            words = f"{self.visitor.email} {len(self.kept)}: I kept “checking”.\nThen I slept."
            self._keep(words)
            self.kept.append(words)

    def _keep(self, words: str) -> None:
        sheet = _until(lambda: self.visitor.get(DESK), 200).form(DESK)
        sheet |= {"to": "", "body": words}

        def send() -> Page:
            nonlocal sheet
            page = self.visitor.keep(sheet)
            if page.status != 302:
                # Their words have come back with the page: they send what it holds.
                sheet = page.form(DESK)
                assert sheet["body"] == words
            return page

        _until(send, 302)


def _until(ask: Callable[[], Page], status: int) -> Page:
    """Ask again for as long as nobody answers, or calmly says that it is not possible now."""

    def answer() -> Page | None:
        # The web server is one of the things that fall.
        with suppress(OSError, HTTPException):
            page = ask()
            assert page.status in (status, 503), page.text
            return page if page.status == status else None
        return None

    found = wait_for(answer, f"a page with {status}")
    assert found
    return found


@contextmanager
def postgres_restarts(house: House, sink: Sink) -> Iterator[None]:
    house.stop_postgres()
    yield
    house.start_postgres()


@contextmanager
def postgres_dies(house: House, sink: Sink) -> Iterator[None]:
    house.kill_postgres()
    yield
    house.start_postgres()


@contextmanager
def redis_dies(house: House, sink: Sink) -> Iterator[None]:
    house.kill_redis()
    yield
    house.start_redis()


@contextmanager
def worker_dies(house: House, sink: Sink) -> Iterator[None]:
    house.worker.kill()
    yield
    house.worker.start()


@contextmanager
def sender_dies(house: House, sink: Sink) -> Iterator[None]:
    """In the middle of a mail."""
    there, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        there.set()
        go_on.wait(60)

    sink.when_handed_over = hold
    house.inside("mail", STRUCK)
    assert there.wait(60)
    for child in house.worker.children:
        child.kill()
    sink.when_handed_over = lambda: None
    go_on.set()
    yield


@contextmanager
def half_of_the_web_dies(house: House, sink: Sink) -> Iterator[None]:
    with suppress(IndexError):
        house.web.children[0].kill()
    yield


@contextmanager
def web_dies(house: House, sink: Sink) -> Iterator[None]:
    house.web.kill()
    house.web.start()
    yield


@contextmanager
def relay_hangs_up(house: House, sink: Sink) -> Iterator[None]:
    sink.drop = "after the dot"
    yield
    sink.drop = ""


@contextmanager
def clock_dies(house: House, sink: Sink) -> Iterator[None]:
    house.beat.kill()
    yield
    house.beat.start()


FALLS = (
    postgres_restarts,
    postgres_dies,
    redis_dies,
    worker_dies,
    sender_dies,
    half_of_the_web_dies,
    web_dies,
    relay_hangs_up,
    clock_dies,
)


def test_storm(house: House, sink: Sink) -> None:
    writers = [Writer(house.person(f"writer{number}")) for number in range(WRITERS)]
    order = random.Random(SEED).sample(FALLS, len(FALLS))  # noqa: S311 it decides nothing secret
    stop = threading.Event()
    names = [STRUCK]
    with ThreadPoolExecutor(WRITERS) as people:
        writing = [people.submit(writer.write, stop) for writer in writers]
        try:
            for number, fall in enumerate(order):
                names += _post(house, number)
                with fall(house, sink):
                    _help_is_there(house)
                _all_write_on(writers, writing)
        finally:
            stop.set()
        for each in writing:
            each.result()

    for writer in writers:
        assert house.inside("letters", writer.visitor.email) == writer.kept
    _all_mail_arrives(house, sink, names)


def _post(house: House, number: int) -> list[str]:
    mail, note = f"mail{number}", f"note{number}"
    house.inside("mail", mail)
    house.inside("note", note)
    return [mail, note]


def _help_is_there(house: House) -> None:
    """Whatever has fallen."""
    _until(lambda: house.stranger().get("/help/"), 200)


def _all_write_on(writers: list[Writer], writing: list[Future[None]]) -> None:
    before = [len(writer.kept) for writer in writers]

    def do_they() -> bool:
        for each in writing:
            if each.done():
                each.result()
        return all(len(w.kept) > count for w, count in zip(writers, before, strict=True))

    wait_for(do_they, "everybody to keep another letter")


def _all_mail_arrives(house: House, sink: Sink, names: list[str]) -> None:
    def is_over() -> bool:
        house.hurry()
        states = [state for state, _ in house.states()]
        return len(states) == len(names) and not {"due", "sending"} & set(states)

    # Whoever was still sending is gone, and three minutes with it.
    house.worker.kill()
    house.later(4, house.being_sent())
    house.worker.start()
    wait_for(is_over, "all mail to be over")

    copies = Counter(to.partition("@")[0] for to in sink.to)
    rows = house.sql(
        "SELECT split_part(email, '@', 1), state FROM mail_message"
        " JOIN accounts_user ON accounts_user.id = person_id"
    )
    for name, state in rows:
        assert state in {"sent", "unknown"}, name
        assert copies[name] == 1 or (copies[name], state) == (0, "unknown"), name
    assert len(rows) == len(FALLS)
    # What somebody waits for arrives; where it is sent again, it is the same mail.
    assert all(copies[name] for name in names if name.startswith("mail"))
    assert len(set(sink.ids)) == len(copies)
