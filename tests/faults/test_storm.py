"""Everything at once: parts fail in an order that a seed decides, while people write and mail goes
out. At the end every letter is there word for word, once, and no note was sent twice."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.faults.deployment import Deployment
from tests.faults.visitor import Page, Visitor
from tests.support.smtp import Sink
from tests.support.waiting import PATIENCE, wait_for

SEED = 20_261_122
WRITERS = 3
DESK = "/journal/write/them/"
HOLD, RETURNED = "/accounts/returned/hold/", "/accounts/returned/"
# The recipient whose mail is being sent when the sender is killed.
STRUCK = "mailstruck"


@dataclass
class Writer:
    """Writes one letter after the other, and submits each until it is saved."""

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
                sheet = self._given_back(page)
                assert sheet["body"] == words
            return page

        _until(send, 302)

    def _given_back(self, page: Page) -> dict[str, str]:
        """The form that a page of an error gives back: in it, or sealed until the proof."""
        if 'name="sealed_form"' not in page.text:
            return page.form(DESK)
        _until(lambda: self.visitor.post(HOLD, page.form(HOLD)), 302)
        return _until(lambda: self.visitor.get(RETURNED), 200).form(DESK)


def _until(ask: Callable[[], Page], status: int) -> Page:
    """Ask again until a page has this status. Before that, only a calm 503 is allowed."""

    def answer() -> Page | None:
        # The web server is one of the parts that fail.
        with suppress(OSError, HTTPException):
            page = ask()
            assert page.status in (status, 503), page.text
            return page if page.status == status else None
        return None

    found = wait_for(answer, f"a page with {status}")
    assert found
    return found


@contextmanager
def postgres_restarts(deployment: Deployment, sink: Sink) -> Iterator[None]:
    deployment.stop_postgres()
    yield
    deployment.start_postgres()


@contextmanager
def postgres_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    deployment.kill_postgres()
    yield
    deployment.start_postgres()


@contextmanager
def redis_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    deployment.kill_redis()
    yield
    deployment.start_redis()


@contextmanager
def worker_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    deployment.worker.kill()
    yield
    deployment.worker.start()


@contextmanager
def sender_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    """While it hands a mail over."""
    there, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        there.set()
        go_on.wait(PATIENCE)

    sink.when_handed_over = hold
    deployment.call("mail", STRUCK)
    assert there.wait(PATIENCE)
    for child in deployment.worker.children:
        child.kill()
    sink.when_handed_over = lambda: None
    go_on.set()
    yield


@contextmanager
def half_of_the_web_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    with suppress(IndexError):
        deployment.web.children[0].kill()
    yield


@contextmanager
def web_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    deployment.web.kill()
    deployment.web.start()
    yield


@contextmanager
def relay_hangs_up(deployment: Deployment, sink: Sink) -> Iterator[None]:
    sink.drop = "after the dot"
    yield
    sink.drop = ""


@contextmanager
def clock_dies(deployment: Deployment, sink: Sink) -> Iterator[None]:
    deployment.beat.kill()
    yield
    deployment.beat.start()


FAILURES = (
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


def test_storm(deployment: Deployment, sink: Sink) -> None:
    writers = [Writer(deployment.person(f"writer{number}")) for number in range(WRITERS)]
    order = random.Random(SEED).sample(FAILURES, len(FAILURES))  # noqa: S311 it decides nothing secret
    stop = threading.Event()
    names = [STRUCK]
    with ThreadPoolExecutor(WRITERS) as people:
        writing = [people.submit(writer.write, stop) for writer in writers]
        try:
            for number, failure in enumerate(order):
                names += _post(deployment, number)
                with failure(deployment, sink):
                    _help_is_there(deployment)
                _all_write_on(writers, writing)
        finally:
            stop.set()
        for each in writing:
            each.result()

    for writer in writers:
        assert deployment.call("letters", writer.visitor.email) == writer.kept
    _all_mail_arrives(deployment, sink, names)


def _post(deployment: Deployment, number: int) -> list[str]:
    mail, note = f"mail{number}", f"note{number}"
    deployment.call("mail", mail)
    deployment.call("note", note)
    return [mail, note]


def _help_is_there(deployment: Deployment) -> None:
    _until(lambda: deployment.stranger().get("/help/"), 200)


def _all_write_on(writers: list[Writer], writing: list[Future[None]]) -> None:
    before = [len(writer.kept) for writer in writers]

    def do_they() -> bool:
        for each in writing:
            if each.done():
                each.result()
        return all(len(w.kept) > count for w, count in zip(writers, before, strict=True))

    wait_for(do_they, "everybody to keep another letter")


def _all_mail_arrives(deployment: Deployment, sink: Sink, names: list[str]) -> None:
    def is_settled() -> bool:
        deployment.make_due()
        states = [state for state, _ in deployment.states()]
        return len(states) == len(names) and not {"due", "sending"} & set(states)

    # Kill what is still sending, and let the three minutes pass after which it is settled.
    deployment.worker.kill()
    deployment.let_time_pass(4, deployment.being_sent())
    deployment.worker.start()
    wait_for(is_settled, "all mail to be settled")

    copies = Counter(to.partition("@")[0] for to in sink.to)
    rows = deployment.sql(
        "SELECT split_part(email, '@', 1), state FROM mail_message"
        " JOIN accounts_user ON accounts_user.id = person_id"
    )
    for name, state in rows:
        assert state in {"sent", "unknown"}, name
        assert copies[name] == 1 or (copies[name], state) == (0, "unknown"), name
    assert len(rows) == len(FAILURES)
    # Account mail arrives. Sent twice, it has the same Message-ID.
    assert all(copies[name] for name in names if name.startswith("mail"))
    assert len(set(sink.ids)) == len(copies)
