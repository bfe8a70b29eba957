"""A form that could not be accepted comes back to its sender with everything they wrote, and to
nobody else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID, uuid4

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.forms import BaseForm
from django.urls import get_resolver
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.html import escape
from pytest_django import Settings

from accounts.erasure import erase
from accounts.models import User
from accounts.returned_forms import (
    ON_ACCOUNT_PAGES,
    ON_EVERY_PAGE,
    WAITING_FORMS,
    WAITS_FOR,
    form_waits_of,
    owner_mark,
)
from accounts.tidying import drop_expired_entries
from healing.exercise_forms import ExerciseForm
from healing.guide import guide
from healing.models import Answer
from journal.models import Letter
from journal.search_session import SEARCHES_LAST
from tests.support.client import PASSWORD, Client
from tests.support.letters import a_draft
from tests.support.returned_forms import form_with, hold, on_a_page_of
from tests.support.second_factors import code_of, give_app
from vault.sessions import Session, cookie_for

OURS = "http://testserver"
NIGHT = datetime(2026, 3, 12, 23, 5, tzinfo=UTC)
# Buttons.
AGAIN, SHOW = "Send it again", "Show what I sent"
NEXT = "next=%2Faccounts%2Freturned%2F"
SIGN_IN, UNLOCK = "Sign in, and show what I sent", "Unlock, and show what I sent"
WORDS = "I kept <b>checking</b> & checking.\n\nThen I slept."


def sent(**more: str) -> dict[str, str]:
    return {"id": str(uuid4()), "to": "M.", "body": WORDS} | more


def test_form_without_words_leads_to_the_door(client: Client, db: None) -> None:
    page = client.post("/steps/4/mark/", {"state": "settled"})

    assert page.status_code == 302
    assert page.headers["Location"] == "/accounts/login/?next=/steps/4/mark/"


def test_password_is_never_shown_again(client: Client, db: None) -> None:
    page = client.post("/you/privacy/erase/", {"password": PASSWORD})

    assert page.status_code == 302
    assert PASSWORD not in page.content.decode()


@pytest.mark.parametrize("token", [{}, {"csrfmiddlewaretoken": "x" * 64}], ids=["none", "wrong"])
def test_letter_sent_from_a_page_too_old_comes_back(alice: User, token: dict[str, str]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    strict.get("/you/")

    page = strict.post("/journal/write/them/", on_a_page_of(alice, **sent(**token)))

    assert page.status_code == 403
    assert "That page had waited too long" in page.text
    assert f">\n{escape(WORDS)}</textarea>" in page.text
    assert not Letter.objects.exists()


@pytest.mark.parametrize("owner", [{}, {"form_owner": ""}, {"form_owner": "x"}], ids=str)
def test_form_of_another_site_shows_nothing(alice: User, owner: dict[str, str]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": OURS}):
        page = strict.post("/journal/write/them/", sent(**owner), headers=headers)

        assert page.status_code == 403
        assert "<textarea" not in page.text
        assert "checking" not in page.text
        assert form_with(SHOW, page.text) == {}


def test_password_is_not_carried_in_a_form_to_send_again(as_alice: Client, alice: User) -> None:
    secret = {"password": PASSWORD, "oldpassword": PASSWORD, "password1": PASSWORD}

    page = as_alice.post("/journal/no/such/", on_a_page_of(alice, **sent(**secret)))
    as_alice.get("/leave/")
    closed = as_alice.post("/journal/write/them/", on_a_page_of(alice, **sent(**secret)))
    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
    again = hold(as_alice, closed.text, UNLOCK)

    assert form_with(AGAIN, again.text).keys() == {
        "id", "to", "body", "csrfmiddlewaretoken", "form_owner", "given_back"
    }  # fmt: skip
    for each in (page, closed, again):
        assert PASSWORD not in each.text


@pytest.mark.urls("tests.safety.urls_that_break")
def test_letter_sent_into_a_fault_of_ours_comes_back(alice: User) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)

    page = browser.post("/broken/", on_a_page_of(alice, **sent()), headers={"Origin": OURS})

    assert page.status_code == 500
    assert "Something broke on our side" in page.text
    assert form_with(AGAIN, page.text)["body"] == WORDS


# --- Posted by somebody who is not proven ----------------------------------------------------

Gone = Callable[[Client, User], object]


def sign_out(browser: Client, person: User) -> None:
    browser.post("/accounts/logout/")


def end_session(browser: Client, person: User) -> None:
    Session.objects.all().delete()


def lock(browser: Client, person: User) -> None:
    browser.get("/leave/")


def erase_account(browser: Client, person: User) -> None:
    erase(person=person, now=timezone.now())


def sign_in_someone_else(browser: Client, person: User) -> None:
    browser.post("/accounts/logout/")
    browser.force_login(User.objects.get(email="bob@example.org"))


GONE = [sign_out, end_session, lock, erase_account, sign_in_someone_else]
ANSWER = {"moments-0-happened": WORDS, "stands_out": WORDS}
PLACES = {
    "/journal/write/them/": sent(),
    "/steps/1/filling-in/": ANSWER,
    "/steps/5/boundary/": {"action": WORDS},
    "/steps/1/no-longer/": ANSWER,
    "/nowhere/": ANSWER,
    "/journal/search/": {"text": WORDS},
    "/you/": {"name": WORDS},
}


@pytest.mark.parametrize("leave", GONE)
@pytest.mark.parametrize("address", PLACES)
def test_nothing_is_shown_to_somebody_who_is_not_proven(
    as_alice: Client, alice: User, bob: User, leave: Gone, address: str
) -> None:
    """As when a browser sends a form again after its person has left."""
    form = on_a_page_of(alice, **PLACES[address])
    leave(as_alice, alice)

    page = as_alice.post(address, form, headers={"Origin": OURS})

    assert page.status_code in {403, 404}
    assert page.headers["Cache-Control"] == "no-store, private"
    assert "checking" not in page.text
    assert "<textarea" not in page.text
    assert "sealed_form" in page.text
    assert not Letter.objects.exists()
    assert not Answer.objects.exists()


@pytest.mark.parametrize("address", ["/steps/1/filling-in/", "/steps/5/boundary/"])
def test_nothing_is_shown_to_a_visitor(client: Client, db: None, address: str) -> None:
    page = client.post(address, PLACES[address])

    assert "checking" not in page.text


@pytest.mark.usefixtures("database_down")
def test_nothing_is_shown_while_the_database_is_down() -> None:
    """Nobody can be proven, and the page is made without a query."""
    browser = Client(raise_request_exception=False)
    browser.cookies[settings.SESSION_COOKIE_NAME] = cookie_for("of-somebody-signed-in")
    owner = {"form_owner": owner_mark(uuid4())}

    page = browser.post("/journal/write/them/", sent(**owner), headers={"Origin": OURS})
    again = browser.post("/accounts/returned/hold/", form_with(SHOW, page.text))

    assert (page.status_code, again.status_code) == (503, 503)
    assert "checking" not in page.text
    assert form_with(SHOW, again.text)["sealed_form"] == form_with(SHOW, page.text)["sealed_form"]


# --- The proof, and what it opens ------------------------------------------------------------


def test_letter_comes_back_once_signed_in(carol: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get("/accounts/login/")
    letter = on_a_page_of(carol, **sent(csrfmiddlewaretoken=strict.cookies["c"].value))
    lost = strict.post("/journal/write/them/", letter, headers={"Origin": OURS})
    assert "You were signed out meanwhile" in lost.text

    door = hold(strict, lost.text, SIGN_IN)
    assert door.redirect_chain[-1][0] == "/accounts/login/?next=/accounts/returned/"
    proof = form_with("Sign in", door.text) | {"login": carol.email, "password": PASSWORD}
    page = strict.post("/accounts/login/", proof, follow=True)
    first = form_with("I have read this", page.text)
    page = strict.post("/accounts/first/", first, follow=True) if first else page

    assert "Here is what you sent" in page.text
    assert form_with(AGAIN, page.text)["body"] == WORDS
    # Reloaded, and sent twice.
    assert form_with(AGAIN, strict.get("/accounts/returned/").text)["body"] == WORDS
    for _ in range(2):
        kept = strict.post("/journal/write/them/", form_with(AGAIN, page.text))
        assert kept.status_code == 302
    assert Letter.objects.get().open(carol.key).body == WORDS
    assert Letter.objects.get().pk == Letter.stored_id(carol, UUID(letter["id"]))
    assert "Nothing is waiting here" in strict.get("/accounts/returned/").text


def test_answer_comes_back_once_unlocked_with_the_second_factor(
    as_alice: Client, alice: User
) -> None:
    secret = give_app(alice)
    as_alice.get("/leave/")
    lost = as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))

    door = hold(as_alice, lost.text, UNLOCK)
    assert "checking" not in door.text
    assert as_alice.get("/accounts/returned/").status_code == 302
    assert door.redirect_chain[-1][0] == f"/accounts/reauthenticate/?{NEXT}"
    proof = {"code": code_of(secret), "next": "/accounts/returned/"}
    page = as_alice.post("/accounts/2fa/reauthenticate/", proof, follow=True)

    assert form_with(AGAIN, page.text)["stands_out"] == WORDS


def test_answer_comes_back_once_signed_in_with_the_second_factor(
    client: Client, carol: User
) -> None:
    secret = give_app(carol)
    carol.record_safety_shown(now=NIGHT)
    lost = client.post("/steps/1/filling-in/", on_a_page_of(carol, **ANSWER))
    hold(client, lost.text, SIGN_IN)

    password = {"login": carol.email, "password": PASSWORD, "next": "/accounts/returned/"}
    half = client.post("/accounts/login/", password)
    assert half.headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/accounts/returned/").status_code == 302
    page = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}, follow=True)

    assert form_with(AGAIN, page.text)["stands_out"] == WORDS


def test_form_that_waits_belongs_to_its_owner(as_alice: Client, alice: User, bob: User) -> None:
    form = on_a_page_of(alice, **ANSWER)
    sign_in_someone_else(as_alice, alice)
    lost = as_alice.post("/steps/1/filling-in/", form, headers={"Origin": OURS})

    theirs = hold(as_alice, lost.text, SHOW)

    assert theirs.status_code == 403
    assert "This was written by someone else" in theirs.text
    assert "checking" not in theirs.text
    sign_out(as_alice, bob)
    as_alice.force_login(alice)
    assert form_with(AGAIN, hold(as_alice, theirs.text, SHOW).text)["stands_out"] == WORDS


def test_form_of_an_erased_account_opens_for_nobody(
    as_alice: Client, alice: User, bob: User
) -> None:
    erase_account(as_alice, alice)
    lost = as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))
    assert "If their account was erased, it opens for nobody." in lost.text
    as_alice.force_login(bob)

    assert "checking" not in hold(as_alice, lost.text, SIGN_IN).text


def test_form_waits_for_an_hour_and_its_page_for_a_day(as_alice: Client, alice: User) -> None:
    with time_machine.travel(NIGHT, tick=False) as clock:
        as_alice.force_login(alice)
        as_alice.get("/leave/")
        lost = as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))

        clock.shift(timedelta(hours=8))
        as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert "checking" in hold(as_alice, lost.text, UNLOCK).text
        clock.shift(timedelta(hours=1))
        as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert "Nothing is waiting here" in as_alice.get("/accounts/returned/").text
        assert WAITING_FORMS not in as_alice.session

        clock.shift(timedelta(hours=15))
        as_alice.force_login(alice)
        assert "Nothing is waiting here" in hold(as_alice, lost.text, UNLOCK).text


def test_longest_letter_in_any_script_comes_back(as_alice: Client, alice: User) -> None:
    letter = sent(body="\N{SAILBOAT}\N{VARIATION SELECTOR-16}\N{BUSTS IN SILHOUETTE}" * 33_333)
    as_alice.get("/leave/")
    lost = as_alice.post("/journal/write/them/", on_a_page_of(alice, **letter))
    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})

    page = hold(as_alice, lost.text, UNLOCK)

    assert form_with(AGAIN, page.text)["body"] == letter["body"]


def test_more_than_a_letter_is_not_sealed(as_alice: Client, alice: User) -> None:
    as_alice.get("/leave/")

    page = as_alice.post("/journal/write/them/", on_a_page_of(alice, body="a" * 1_000_000))

    assert page.status_code == 403
    assert "sealed_form" not in page.text


@pytest.mark.parametrize("change", ["", "x", "é", "{owner}.", "{other}.{data}", "{owner}.{short}"])
def test_only_what_we_have_sealed_waits(
    as_alice: Client, alice: User, bob: User, change: str
) -> None:
    as_alice.get("/leave/")
    lost = as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))
    owner, _, data = form_with(UNLOCK, lost.text)["sealed_form"].partition(".")
    other = owner_mark(bob.pk)
    value = change.format(owner=owner, other=other, data=data, short=data[:-8])

    page = as_alice.post("/accounts/returned/hold/", {"sealed_form": value})

    assert page.status_code == 302
    assert WAITING_FORMS not in as_alice.session


def test_sealed_form_survives_a_token_that_is_too_old(alice: User) -> None:
    """Signing in, in another tab, changes the token."""
    strict = Client(enforce_csrf_checks=True)
    lost = strict.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))
    strict.force_login(alice)
    del strict.cookies["c"]

    refused = hold(strict, lost.text, SIGN_IN)
    page = hold(strict, refused.text, SHOW)

    assert refused.status_code == 403
    assert form_with(AGAIN, page.text)["stands_out"] == WORDS


def test_forms_that_visitors_hold_are_limited(client: Client, db: None) -> None:
    lost = client.post("/steps/1/filling-in/", {"form_owner": owner_mark(uuid4()), **ANSWER})
    value = form_with(SIGN_IN, lost.text)
    cache.clear()
    pages = [Client().post("/accounts/returned/hold/", value) for _ in range(101)]

    assert {page.status_code for page in pages[:100]} == {302}
    assert pages[100].status_code == 429
    assert form_with(SHOW, pages[100].text)["sealed_form"] == value["sealed_form"]


def test_forms_of_two_pages_wait_beside_each_other(as_alice: Client, alice: User) -> None:
    as_alice.get("/leave/")
    lost = [
        as_alice.post("/journal/write/them/", on_a_page_of(alice, **sent(body=body)))
        for body in ("first words", "second words")
    ]
    for page in lost:
        hold(as_alice, page.text, UNLOCK)
    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})

    page = as_alice.get("/accounts/returned/")
    assert "first words" in page.text
    newest = form_with(AGAIN, page.text)
    assert newest["body"] == "second words"
    assert as_alice.post("/journal/write/them/", newest).status_code == 302

    page = as_alice.get("/accounts/returned/")
    assert form_with(AGAIN, page.text)["body"] == "first words"
    assert "second words" not in page.text


def test_one_form_too_many_stays_on_its_page(as_alice: Client, alice: User) -> None:
    as_alice.get("/leave/")
    lost = [
        as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, stands_out=f"word {number}"))
        for number in range(11)
    ]
    pages = [hold(as_alice, page.text, UNLOCK) for page in lost]

    assert pages[10].status_code == 409
    assert (
        form_with(SHOW, pages[10].text)["sealed_form"]
        == form_with(UNLOCK, lost[10].text)["sealed_form"]
    )
    # The first one once more needs no more room.
    assert hold(as_alice, lost[0].text, UNLOCK).status_code == 200
    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
    words = as_alice.get("/accounts/returned/").text
    assert [number for number in range(11) if f"word {number}</" in words] == [*range(10)]


@pytest.mark.parametrize(("count", "length"), [(4, 10), (2, 100_000), (1, 200_000)])
def test_visitor_can_let_little_wait(db: None, count: int, length: int) -> None:
    visitor = Client()
    pages = []
    for _ in range(count):
        form = {"form_owner": owner_mark(uuid4()), "stands_out": token_urlsafe(length)[:length]}
        lost = visitor.post("/steps/1/filling-in/", form)
        pages.append(hold(visitor, lost.text, SIGN_IN))

    assert [page.status_code for page in pages] == [200] * (count - 1) + [409]
    value = form_with(SIGN_IN, lost.text)["sealed_form"]
    assert form_with(SHOW, pages[-1].text)["sealed_form"] == value
    assert len(visitor.session.get(WAITING_FORMS, {})) == count - 1


def test_leaving_at_the_sign_in_page_keeps_what_waits(client: Client, carol: User) -> None:
    lost = client.post("/journal/write/them/", on_a_page_of(carol, **sent()))
    hold(client, lost.text, SIGN_IN)
    before = client.session.session_key

    assert client.get("/leave/").status_code == 303
    assert client.session.session_key != before
    assert [*client.session.keys()] == [WAITING_FORMS]
    assert "checking" not in client.get("/accounts/returned/", follow=True).text

    client.post("/accounts/login/", {"login": carol.email, "password": PASSWORD})
    assert form_with(AGAIN, client.get("/accounts/returned/").text)["body"] == WORDS


def test_form_that_is_not_accepted_still_waits(as_alice: Client, alice: User) -> None:
    letter = a_draft(alice, now=NIGHT)
    form = on_a_page_of(alice, next_hour="tea", then="keep", state="draft")
    as_alice.get("/leave/")
    lost = as_alice.post(f"/journal/{letter.pk}/close/", form)
    Letter.objects.update(state="kept")
    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
    again = form_with(AGAIN, hold(as_alice, lost.text, UNLOCK).text)

    refused = as_alice.post(f"/journal/{letter.pk}/close/", again)

    assert refused.status_code == 302
    assert "tea</textarea>" in as_alice.get("/accounts/returned/").text


def test_what_waits_is_not_stored_for_longer(as_alice: Client, alice: User) -> None:
    """Nobody comes back, and the session lasts on."""
    with time_machine.travel(NIGHT, tick=False) as clock:
        as_alice.force_login(alice)
        as_alice.post("/journal/search/", {"text": "river"})
        drop_expired_entries(now=timezone.now())
        assert "searches" in as_alice.session
        clock.shift(SEARCHES_LAST)
        drop_expired_entries(now=timezone.now())
        assert "searches" not in as_alice.session

        as_alice.get("/leave/")
        lost = as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))
        visitor = Client()
        for browser in (as_alice, visitor):
            hold(browser, lost.text, UNLOCK)
        clock.shift(WAITS_FOR - timedelta(seconds=1))
        drop_expired_entries(now=timezone.now())
        assert WAITING_FORMS in as_alice.session
        clock.shift(timedelta(seconds=1))
        drop_expired_entries(now=timezone.now())

        for browser in (as_alice, visitor):
            assert WAITING_FORMS not in browser.session
        assert as_alice.get("/today/").headers["Location"].startswith("/accounts/reauthenticate/")
        assert not Session.objects.exclude(entries_end_at=None).exists()


def test_waiting_form_is_sealed_in_the_session(as_alice: Client, alice: User) -> None:
    as_alice.get("/leave/")
    lost = as_alice.post("/steps/1/filling-in/", on_a_page_of(alice, **ANSWER))

    hold(as_alice, lost.text, UNLOCK)

    assert WAITING_FORMS in as_alice.session
    assert "checking" not in str(dict(as_alice.session))


def test_page_that_was_open_while_the_secret_key_changed_is_still_its_writers(
    carol: User, settings: Settings
) -> None:
    """The change signs everybody out. An open page then has its writer's old mark."""
    browser, letter = Client(), on_a_page_of(carol, **sent())
    browser.force_login(carol)
    settings.SECRET_KEY = "another one"

    lost = browser.post("/journal/write/them/", letter)
    assert "You were signed out meanwhile" in lost.text
    hold(browser, lost.text, SIGN_IN)
    browser.force_login(carol)

    page = browser.get("/accounts/returned/")
    assert form_with(AGAIN, page.text)["body"] == WORDS
    # The open page itself goes on as well, once somebody has signed in beside it.
    assert browser.post("/journal/write/them/", letter).status_code == 302


def test_page_from_before_marks_outlived_the_secret_key_is_its_writers(
    as_alice: Client, alice: User, bob: User
) -> None:
    digest = salted_hmac("accounts.form_owner", str(alice.pk), algorithm="sha256").digest()
    form = ANSWER | {"form_owner": UUID(bytes=digest[:16]).hex}
    strangers = Client()
    strangers.force_login(bob)

    assert strangers.post("/steps/1/filling-in/", form).status_code == 403
    assert as_alice.post("/steps/1/filling-in/", form).status_code == 302
    as_alice.get("/leave/")
    lost = as_alice.post("/steps/1/filling-in/", form)
    hold(as_alice, lost.text, UNLOCK)
    assert form_waits_of(as_alice.session, alice.pk)
    assert not form_waits_of(as_alice.session, bob.pk)
    proof = {"password": PASSWORD, "next": "/accounts/returned/"}
    page = as_alice.post("/accounts/reauthenticate/", proof, follow=True)
    assert form_with(AGAIN, page.text)["stands_out"] == WORDS


def test_mark_names_a_person_to_nobody(alice: User, bob: User) -> None:
    assert owner_mark(alice.pk) == owner_mark(User.objects.get(pk=alice.pk).pk)
    assert owner_mark(alice.pk) != owner_mark(bob.pk)
    assert UUID(owner_mark(alice.pk)) != alice.pk


# --- Cookies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/login/"])
def test_browser_without_cookies_is_told_so(db: None, address: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    token = str(strict.get(address).context["csrf_token"])
    strict.cookies.clear()

    page = strict.post(
        address,
        {"email": "eve@example.org", "login": "eve@example.org", "csrfmiddlewaretoken": token},
        headers={"Origin": OURS},
    )

    assert page.status_code == 403
    assert "Your browser sent no cookie" in page.text
    assert "allow them for this site" in page.text
    assert "eve@example.org" not in page.text


# --- What is writing -------------------------------------------------------------------------


def test_words_in_a_field_that_has_the_name_of_a_choice_come_back(
    as_alice: Client, alice: User
) -> None:
    form = on_a_page_of(alice, action=WORDS)

    page = as_alice.post("/steps/5/no-longer/", form, headers={"Origin": OURS})

    assert f">\n{escape(WORDS)}</textarea>" in page.text


def test_no_field_of_the_guide_has_a_name_that_is_not_writing() -> None:
    exercises = [each for step in guide().steps.values() for each in step.exercises]
    names = {name for each in exercises for name in ExerciseForm(each).fields}

    assert len(names) > 8
    assert names.isdisjoint(declared(ON_EVERY_PAGE))


ROOMS = {"accounts", "healing", "home", "journal", "reminders", "safety", "mail"}
# Buttons and hidden inputs that templates write beside the fields of a form.
BESIDE_FIELDS = {"action", "next", "state", "then", "which-question", "go-to"}
BESIDE_FIELDS |= {"saved-state", "device-copy", "guide-version"}


def declared(by_form: dict[type[BaseForm], frozenset[str]]) -> frozenset[str]:
    # The views import the forms.
    get_resolver().url_patterns  # noqa: B018
    return frozenset().union(*by_form.values())


def forms_of_ours(parent: type[BaseForm] = BaseForm) -> Iterator[type[BaseForm]]:
    for form_class in parent.__subclasses__():
        if form_class.__module__.partition(".")[0] in ROOMS:
            yield form_class
        yield from forms_of_ours(form_class)


def test_every_form_declares_what_is_not_writing() -> None:
    declared(ON_EVERY_PAGE)
    known = ON_EVERY_PAGE.keys() | ON_ACCOUNT_PAGES.keys()
    found = set(forms_of_ours())

    assert len(found) > 20
    # A subclass has the fields of its parent.
    assert {each for each in found if not known & {*each.__mro__}} == set()


def test_names_that_are_not_writing_are_names_of_fields_or_of_buttons() -> None:
    unknown = {
        (form_class.__name__, name)
        for form_class, names in (*ON_EVERY_PAGE.items(), *ON_ACCOUNT_PAGES.items())
        for name in names - BESIDE_FIELDS
        if name not in form_class.base_fields
    }

    assert unknown == set()


def test_names_that_are_not_writing_are_known() -> None:
    """One name too many would lose writing; one too few would show a choice as writing."""
    on_every_page = "id version revision answers since kind sitting turn waited then keep state"
    on_every_page += " until day tell_hour leaves_line hour zone time_zone language after consent"
    on_every_page += " next checks_spelling shows_names asks_why which-question go-to minutes"
    on_every_page += " saved-state device-copy guide-version"

    assert declared(ON_EVERY_PAGE) == {*on_every_page.split()}
    assert declared(ON_ACCOUNT_PAGES) == {"code", "action", "credential"}


def test_letter_sent_to_a_page_that_is_gone_comes_back_to_be_copied(
    as_alice: Client, alice: User
) -> None:
    page = as_alice.post(f"/journal/{uuid4()}/no-longer/", on_a_page_of(alice, **sent()))

    assert page.status_code == 404
    assert f">\n{escape(WORDS)}</textarea>" in page.text
    assert "Send it again" not in page.text


def test_answer_to_what_the_guide_no_longer_asks_comes_back(as_alice: Client, alice: User) -> None:
    page = as_alice.post("/steps/1/no-longer/", on_a_page_of(alice, **ANSWER))

    assert page.status_code == 404
    assert f">\n{escape(WORDS)}</textarea>" in page.text


def test_choice_is_not_shown_as_words(as_alice: Client, alice: User) -> None:
    page = as_alice.post("/accounts/no/such/", on_a_page_of(alice, after="15"))

    assert "<textarea" not in page.text
