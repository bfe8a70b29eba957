"""Messages that no page shows do not pile up in a session."""

from django.contrib.messages import get_messages, info, warning
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.module_loading import import_string
from pytest_django import Settings

from config.bounded_message_storage import MAX_MESSAGES
from tests.support.client import Client
from vault.sessions import SessionStore


def answer_with(session: SessionStore, storage: str, *messages: str) -> None:
    """Answer one request that adds these messages and shows none."""
    request = request_in(session, storage)
    for message in messages:
        info(request, message)
    request._messages.update(HttpResponse())  # type: ignore[attr-defined]


def request_in(session: SessionStore, storage: str) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = session
    request._messages = import_string(storage)(request)  # type: ignore[attr-defined]
    return request


def shown(session: SessionStore, storage: str) -> list[str]:
    return [str(message) for message in get_messages(request_in(session, storage))]


def test_newest_messages_wait_each_once(settings: Settings) -> None:
    session = SessionStore()
    for number in range(20):
        answer_with(session, settings.MESSAGE_STORAGE, f"message {number}", "It is saved.")

    waiting = shown(session, settings.MESSAGE_STORAGE)
    assert len(waiting) == MAX_MESSAGES
    assert waiting[-2:] == ["message 19", "It is saved."]
    assert waiting.count("It is saved.") == 1


def test_same_words_of_another_level_are_another_message(settings: Settings) -> None:
    session = SessionStore()
    request = request_in(session, settings.MESSAGE_STORAGE)
    info(request, "It is saved.")
    warning(request, "It is saved.")
    request._messages.update(HttpResponse())  # type: ignore[attr-defined]

    assert shown(session, settings.MESSAGE_STORAGE) == ["It is saved.", "It is saved."]


def test_form_that_is_saved_again_and_again_says_so_once(as_alice: Client) -> None:
    chosen = {"name": "Alice", "language": "en", "time_zone": "Europe/Oslo"}
    for _ in range(10):
        assert as_alice.post("/you/", chosen).status_code == 302

    page = as_alice.get("/you/").content.decode()
    assert page.count("Saved.") == 1


def test_same_words_with_another_tag_are_another_message(settings: Settings) -> None:
    """A tag names what was saved: the next page deletes its copy on the device."""
    session = SessionStore()
    for tag in ("one", "two", "two"):
        request = request_in(session, settings.MESSAGE_STORAGE)
        info(request, "It is saved.", extra_tags=tag)
        request._messages.update(HttpResponse())  # type: ignore[attr-defined]

    waiting = get_messages(request_in(session, settings.MESSAGE_STORAGE))
    assert [message.extra_tags for message in waiting] == ["one", "two"]
