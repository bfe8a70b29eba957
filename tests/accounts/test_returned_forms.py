"""A form that could not be accepted comes back to its sender with everything they wrote."""

import re
from collections.abc import Iterator
from html import unescape
from uuid import uuid4

import pytest
from django.conf import settings
from django.forms import BaseForm
from django.urls import get_resolver
from django.utils.html import escape

from accounts.models import User
from accounts.returned_forms import ON_ACCOUNT_PAGES, ON_EVERY_PAGE
from healing.exercise_forms import ExerciseForm
from healing.guide import guide
from journal.models import Letter
from tests.support.client import PASSWORD, Client
from vault.sessions import Session, cookie_for

OURS = "http://testserver"
WORDS = "I kept <b>checking</b> & checking.\n\nThen I slept."


def sent(**more: str) -> dict[str, str]:
    return {"id": str(uuid4()), "to": "M.", "body": WORDS} | more


def test_letter_sent_after_the_session_ended_comes_back(as_alice: Client) -> None:
    as_alice.post("/accounts/logout/")

    page = as_alice.post(
        "/journal/write/them/", sent(), headers={"Referer": "http://testserver/journal/write/them/"}
    )

    assert page.status_code == 403
    assert page.headers["Cache-Control"] == "no-store, private"
    assert f">\n{escape(WORDS)}</textarea>" in page.content.decode()
    assert "/accounts/login/?next=/journal/write/them/" in page.content.decode()
    assert not Letter.objects.exists()


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

    page = strict.post("/journal/write/them/", sent(**token))

    assert page.status_code == 403
    assert "That page had waited too long" in page.content.decode()
    assert f">\n{escape(WORDS)}</textarea>" in page.content.decode()
    assert not Letter.objects.exists()


def as_form(page: str) -> dict[str, str]:
    """The data a browser posts when “Send it again” is pressed."""
    form = page.partition('class="stack tight"')[2].partition("</form>")[0]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    # Browsers drop the line break after the opening tag.
    fields += re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return {name: unescape(value) for name, value in fields}


def test_letter_is_kept_once_after_signing_in_again(carol: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get("/accounts/login/")
    letter = sent(csrfmiddlewaretoken=strict.cookies["c"].value)
    lost = strict.post("/journal/write/them/", letter, headers={"Origin": OURS})
    assert lost.status_code == 403
    door = {"login": carol.email, "password": PASSWORD}
    door["csrfmiddlewaretoken"] = as_form(lost.text)["csrfmiddlewaretoken"]
    assert strict.post("/accounts/login/", door, headers={"Origin": OURS}).status_code == 302

    # The token is from before the sign-in, so the first attempt fails the CSRF check.
    again = strict.post("/journal/write/them/", as_form(lost.text), headers={"Origin": OURS})
    kept = strict.post("/journal/write/them/", as_form(again.text), headers={"Origin": OURS})

    assert kept.status_code == 302
    assert Letter.objects.get().open(carol.key).body == WORDS
    assert str(Letter.objects.get().pk) == letter["id"]


@pytest.mark.parametrize(
    "origin",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Referer": "https://x.example/"}, {}],
    ids=str,
)
def test_form_of_another_site_is_not_offered_to_be_sent(
    alice: User, origin: dict[str, str]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    page = strict.post("/journal/write/them/", sent(), headers=origin)

    assert page.status_code == 403
    assert f">\n{escape(WORDS)}</textarea>" in page.text
    assert "Send it again" not in page.text
    assert as_form(page.text) == {}


def test_password_is_not_carried_in_a_form_to_send_again(as_alice: Client) -> None:
    as_alice.get("/leave/")
    secret = {"password": PASSWORD, "oldpassword": PASSWORD, "password1": PASSWORD}

    page = as_alice.post("/journal/write/them/", sent(**secret), headers={"Origin": OURS})

    assert page.status_code == 403
    assert PASSWORD not in page.text
    assert as_form(page.text).keys() == {"id", "to", "body", "csrfmiddlewaretoken"}


@pytest.mark.urls("tests.safety.urls_that_break")
def test_letter_sent_into_a_fault_of_ours_comes_back(alice: User) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)

    page = browser.post("/broken/", sent(), headers={"Origin": OURS})

    assert page.status_code == 500
    assert "Something broke on our side" in page.text
    assert as_form(page.text)["body"] == WORDS


@pytest.mark.usefixtures("database_down")
def test_letter_sent_without_a_database_comes_back() -> None:
    browser = Client(raise_request_exception=False)
    browser.cookies[settings.SESSION_COOKIE_NAME] = cookie_for("of-somebody-signed-in")

    page = browser.post("/journal/write/them/", sent(), headers={"Origin": OURS})

    assert page.status_code == 503
    assert as_form(page.text)["body"] == WORDS


ANSWER = {"moments-0-happened": WORDS, "stands_out": WORDS}


def test_answer_sent_while_pages_are_locked_comes_back(as_alice: Client) -> None:
    as_alice.get("/leave/")

    page = as_alice.post("/steps/1/filling-in/", ANSWER, headers={"Origin": OURS})

    assert page.status_code == 403
    assert as_form(page.text)["stands_out"] == WORDS
    assert "/accounts/reauthenticate/" in page.text


def test_answer_sent_after_the_session_ended_comes_back(as_alice: Client) -> None:
    Session.objects.all().delete()

    page = as_alice.post("/steps/1/filling-in/", ANSWER, headers={"Origin": OURS})

    assert page.status_code == 403
    assert as_form(page.text)["stands_out"] == WORDS


def test_words_in_a_field_that_has_the_name_of_a_choice_come_back(as_alice: Client) -> None:
    as_alice.get("/leave/")

    page = as_alice.post("/steps/5/boundary/", {"action": WORDS}, headers={"Origin": OURS})

    assert f">\n{escape(WORDS)}</textarea>" in page.text


def test_no_field_of_the_guide_has_a_name_that_is_not_writing() -> None:
    exercises = [each for step in guide().steps.values() for each in step.exercises]
    names = {name for each in exercises for name in ExerciseForm(each).fields}

    assert len(names) > 8
    assert names.isdisjoint(declared(ON_EVERY_PAGE))


ROOMS = {"accounts", "healing", "home", "journal", "reminders", "safety", "mail"}
# Buttons and hidden inputs that templates write beside the fields of a form.
BESIDE_FIELDS = {"action", "next", "state", "then"}


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
    on_every_page += " day tell_hour leaves_line hour zone time_zone language after consent next"

    assert declared(ON_EVERY_PAGE) == {*on_every_page.split()}
    assert declared(ON_ACCOUNT_PAGES) == {"code", "action", "credential"}


def test_letter_sent_to_a_letter_that_is_gone_comes_back_to_be_copied(as_alice: Client) -> None:
    page = as_alice.post(f"/journal/{uuid4()}/edit/", sent(), headers={"Origin": OURS})

    assert page.status_code == 404
    assert f">\n{escape(WORDS)}</textarea>" in page.text
    assert "Send it again" not in page.text


def test_answer_to_what_the_guide_no_longer_asks_comes_back(as_alice: Client) -> None:
    page = as_alice.post("/steps/1/no-longer/", ANSWER, headers={"Origin": OURS})

    assert page.status_code == 404
    assert f">\n{escape(WORDS)}</textarea>" in page.text


def test_choice_is_not_shown_as_words(as_alice: Client) -> None:
    as_alice.get("/leave/")

    page = as_alice.post("/accounts/lock/", {"after": "15"}, headers={"Origin": OURS})

    assert "<textarea" not in page.text
