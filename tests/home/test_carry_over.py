"""What was saved without an account, once somebody signs up or signs in in the same browser."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache

from accounts import sign_up_origin
from accounts.actions import open_account
from accounts.models import User
from healing.models import Answer
from tests.support.accounts import code_in, safety_notice_url, sign_up, waiting_mails
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.full_quota import empty, fill_rows
from tests.support.private_words import ANSWER
from tests.support.visitors import EXERCISE, page_at, save, saved, words
from vault.models import Key
from vault.sessions import Session

CODE_PAGE = "/accounts/confirm-email/"
ASK = "/carry-over/"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def evening(now: datetime) -> Iterator[None]:
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def bob(db: None, now: datetime) -> User:
    """Another person, who can sign in by password and has been here before."""
    bob = open_account(email="bob@example.org", password=PASSWORD, now=now)
    bob.record_safety_shown(now=now)
    return bob


# The part of the exercise's page that shows what was saved.
KEPT = f"{EXERCISE}#kept"


@pytest.fixture
def visitor(client: Client, now: datetime) -> Client:
    """A browser in which somebody has saved three answers without an account."""
    for minutes, happened in ((0, "swans"), (1, "herons"), (2, ANSWER)):
        save(client, happened, now + minutes * MINUTE)
    return client


def press(client: Client, now: datetime) -> str:
    """Press the button of the first answer. Return the token of the page that it leads to."""
    [answer, *_] = saved(client, now)
    page = client.post(f"{EXERCISE}{answer.id}/account/", follow=True)
    assert page.redirect_chain == [(f"/accounts/signup/?next={quote(KEPT, safe='')}", 302)]
    _, _, rest = page.text.partition('name="sign_up_origin" value="')
    assert rest
    return rest.partition('"')[0]


def enter_code(client: Client) -> Any:
    return client.post(CODE_PAGE, {"code": code_in(waiting_mails()[-1])})


def sign_in(client: Client, person: User) -> Any:
    return client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})


def happened(person: User) -> list[str]:
    rows = Answer.objects.of(person).order_by("created_at")
    return [row.open(person.key).fields["moments"][0]["happened"] for row in rows]


def asks(response: Any, onward: str) -> bool:
    address = f"{ASK}?next={quote(onward, safe='')}"
    return response.headers["Location"] in {address, safety_notice_url(address)}


def test_sign_up_from_the_answer_carries_all_over(visitor: Client, now: datetime) -> None:
    token = press(visitor, now)
    sign_up(visitor, sign_up_origin=token, next=KEPT)
    response = enter_code(visitor)

    assert response.headers["Location"] == safety_notice_url(KEPT)
    dana = User.objects.get(email="dana@example.org")
    assert happened(dana) == ["swans", "herons", ANSWER]
    rows = list(Answer.objects.of(dana).order_by("created_at"))
    assert [row.created_at for row in rows] == [now, now + MINUTE, now + 2 * MINUTE]
    onward = visitor.post(response.headers["Location"])
    assert onward.headers["Location"] == KEPT
    page = visitor.get(EXERCISE).text
    assert "in your account now" in page
    assert ANSWER in page.partition('id="kept"')[2]
    assert saved(visitor, now) == []
    assert "sign_up_origin" not in visitor.session


def test_sign_up_page_that_is_not_right_at_once_still_carries_over(
    visitor: Client, now: datetime
) -> None:
    token = press(visitor, now)
    page = sign_up(visitor, sign_up_origin=token, next=EXERCISE, password1="short")
    assert f'value="{token}"' in page.text

    sign_up(visitor, sign_up_origin=token, next=EXERCISE)

    assert enter_code(visitor).headers["Location"] == safety_notice_url(EXERCISE)
    assert len(happened(User.objects.get(email="dana@example.org"))) == 3


@pytest.mark.parametrize("opened", ["again", "sent without it", "sent with another"])
def test_another_sign_up_in_the_same_browser_is_asked(
    visitor: Client, now: datetime, opened: str
) -> None:
    """Somebody else may make an account there, after the button was pressed."""
    token = press(visitor, now)
    if opened == "again":
        assert "sign_up_origin" not in visitor.get("/accounts/signup/").text
    else:
        token = "" if opened == "sent without it" else uuid4().hex
    sign_up(visitor, sign_up_origin=token)

    response = enter_code(visitor)

    assert asks(response, "/today/")
    assert not Answer.objects.exists()
    assert ANSWER not in visitor.get(ASK).text


def test_mark_is_bound_to_the_account_that_was_made(
    visitor: Client, bob: User, now: datetime
) -> None:
    sign_up(visitor, sign_up_origin=press(visitor, now), next=EXERCISE)
    dana = User.objects.get(email="dana@example.org")

    assert len(sign_up_origin.about(visitor.session, dana)) == 3
    assert sign_up_origin.about(visitor.session, bob) == []


def test_what_was_written_after_the_button_is_asked_about(visitor: Client, now: datetime) -> None:
    """Somebody else may have written it, before the code of the first person was entered."""
    sign_up(visitor, sign_up_origin=press(visitor, now), next=EXERCISE)
    save(visitor, "of somebody else", now + 3 * MINUTE)

    assert asks(enter_code(visitor), "/steps/1/filling-in/")
    assert not Answer.objects.exists()


def test_sign_up_page_that_is_opened_later_is_that_of_anybody(
    visitor: Client, now: datetime
) -> None:
    """The button was pressed, and the page that it leads to never arrived."""
    answer = saved(visitor, now)[0]
    visitor.post(f"{EXERCISE}{answer.id}/account/")

    assert "sign_up_origin" not in page_at(visitor, "/accounts/signup/", now + MINUTE)


def test_answers_that_nobody_decides_about_end_within_the_hour(
    visitor: Client, bob: User, now: datetime
) -> None:
    """Opening pages as somebody else does not prolong them."""
    visitor.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    for minutes in range(10, 63, 10):
        page_at(visitor, "/today/", now + minutes * MINUTE)

    assert saved(visitor, now + 62 * MINUTE) == []


def test_taking_over_once_more_undoes_no_change(visitor: Client, bob: User, now: datetime) -> None:
    """Another tab’s request may bring an older session back."""
    visitor.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    waiting = visitor.session["visitor_answers"]
    visitor.post("/carry-over/take/")
    row = Answer.objects.of(bob).newest_first()[0]
    visitor.post(f"{EXERCISE}{row.pk}/", {"moments-0-happened": "rewritten"})
    session = visitor.session
    session["visitor_answers"] = waiting
    session.save()

    visitor.post("/carry-over/take/")

    row = Answer.objects.of(bob).get(pk=row.pk)
    assert row.open(bob.key).fields["moments"][0]["happened"] == "rewritten"


def test_starting_again_keeps_the_answers_and_asks(
    visitor: Client, bob: User, now: datetime
) -> None:
    """Before the code is entered, the sign-up is cancelled: somebody else may be there by now."""
    sign_up(visitor, sign_up_origin=press(visitor, now), next=EXERCISE)
    visitor.post("/accounts/logout/", {"next": "/accounts/signup/"})

    response = sign_in(visitor, bob)

    assert asks(response, "/today/")
    assert len(saved(visitor, now)) == 3
    assert not Answer.objects.exists()


def test_sign_up_with_a_known_address_carries_nothing_over(
    visitor: Client, bob: User, now: datetime
) -> None:
    token = press(visitor, now)

    sign_up(visitor, bob.email, sign_up_origin=token, next=EXERCISE)
    visitor.post("/accounts/logout/")

    assert asks(sign_in(visitor, bob), "/today/")
    assert not Answer.objects.exists()


def test_person_is_asked_by_number_and_time_with_no_word_shown(
    visitor: Client, bob: User, now: datetime
) -> None:
    response = sign_in(visitor, bob)
    page = visitor.get(ASK).text

    assert asks(response, "/today/")
    assert "3 answers were saved from this browser" in page
    assert "12 March 2026" in page
    for word in (ANSWER, "swans", "herons", "filling-in"):
        assert word not in page


def test_two_people_in_one_browser(visitor: Client, bob: User, now: datetime) -> None:
    """Bob signs in where somebody else has saved something: he deletes it, and sees no word."""
    pages = [sign_in(visitor, bob).text]
    pages += [visitor.get(each).text for each in (ASK, "/today/", EXERCISE, "/saved/", "/steps/1/")]
    pages.append(visitor.post(f"{ASK}delete/", follow=True).text)
    visitor.post("/accounts/logout/")
    pages += [visitor.get(each).text for each in (EXERCISE, "/accounts/login/")]

    assert not [page for page in pages if ANSWER in page or "swans" in page]
    assert not Answer.objects.exists()
    assert ANSWER not in Session.objects.get().session_data if Session.objects.exists() else True
    assert saved(visitor, now) == []


@pytest.mark.parametrize("gone", ["leave", "sign out", "an hour"])
def test_undecided_answers_are_dropped(
    visitor: Client, bob: User, now: datetime, gone: str
) -> None:
    sign_in(visitor, bob)
    later = now
    if gone == "leave":
        visitor.get("/leave/")
    elif gone == "sign out":
        visitor.post("/accounts/logout/")
    else:
        later = now + 63 * MINUTE

    with time_machine.travel(later, tick=False):
        assert saved(visitor, later) == []
        assert ANSWER not in visitor.get(EXERCISE).text
    assert not Answer.objects.exists()


def test_taking_over_keeps_when_it_was_written(visitor: Client, bob: User, now: datetime) -> None:
    sign_in(visitor, bob)

    with time_machine.travel(now + 10 * MINUTE, tick=False):
        response = visitor.post(f"{ASK}take/", {"next": EXERCISE})
        page = visitor.get(EXERCISE).text

    assert response.headers["Location"] == EXERCISE
    assert "in your account now" in page
    assert happened(bob) == ["swans", "herons", ANSWER]
    assert Answer.objects.of(bob).earliest("created_at").created_at == now
    assert saved(visitor, now) == []


def test_pressed_twice_it_is_taken_over_once(visitor: Client, bob: User, now: datetime) -> None:
    sign_in(visitor, bob)
    waiting = visitor.session["visitor_answers"]
    visitor.post(f"{ASK}take/")

    again = visitor.post(f"{ASK}take/")
    # A second request may have read the session before the first one had changed it.
    session = visitor.session
    session["visitor_answers"] = waiting
    session.save()
    visitor.post(f"{ASK}take/")

    assert again.headers["Location"] == "/today/"
    assert happened(bob) == ["swans", "herons", ANSWER]


def test_full_account_loses_nothing(visitor: Client, bob: User, now: datetime) -> None:
    sign_in(visitor, bob)
    fill_rows(bob)

    page = visitor.post(f"{ASK}take/", {"next": EXERCISE})

    assert page.status_code == 422
    assert "no room for this" in page.text
    assert ANSWER not in page.text
    assert len(words(visitor, now)) == 3
    empty(bob)
    assert visitor.post(f"{ASK}take/", {"next": EXERCISE}).headers["Location"] == EXERCISE
    assert len(happened(bob)) == 3


def test_account_that_cannot_be_opened_loses_nothing(
    visitor: Client, bob: User, now: datetime
) -> None:
    sign_in(visitor, bob)
    wrapped = bytes(Key.objects.get(owner=bob).wrapped)
    Key.objects.filter(owner=bob).update(wrapped=b"x" * len(wrapped))

    page = visitor.post(f"{ASK}take/")

    assert page.status_code == 503
    assert len(words(visitor, now)) == 3
    assert not Answer.objects.exists()


def test_it_goes_nowhere_else(visitor: Client, bob: User) -> None:
    sign_in(visitor, bob)

    for address in ("https://evil.example/", "//evil.example/", "http://["):
        assert visitor.post(f"{ASK}take/", {"next": address}).headers["Location"] == "/today/"


def test_nothing_is_asked_without_an_answer(client: Client, bob: User) -> None:
    assert sign_in(client, bob).headers["Location"] == "/today/"
    assert client.get(ASK).headers["Location"] == "/today/"
    assert client.get(f"{ASK}take/").headers["Location"] == ASK


def test_button_of_an_answer_that_is_gone_says_so(visitor: Client, now: datetime) -> None:
    page = visitor.post(f"{EXERCISE}{uuid4()}/account/", follow=True)

    assert "Its time was over" in page.text
    assert "sign_up_origin" not in visitor.session


def test_statements(visitor: Client, bob: User, statements: Statements, now: datetime) -> None:
    sign_in(visitor, bob)
    page_at(visitor, "/today/", now)

    with statements() as asking:
        visitor.get(ASK)
    assert len(asking) <= 6, asking
