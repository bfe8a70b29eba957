"""The language of a person: where they choose it, and what follows it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import translation

from accounts.actions import open_account
from accounts.erasure import erase
from accounts.models import Activity, User
from accounts.security_notices import MAIL_OF, notify_of_change
from journal import ready_mails
from mail.sending import send_due
from reminders import actions as reminders
from tests.support.accounts import EVENING, sign_up, waiting_mails
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.invented_languages import ACCENTED, MIRRORED, in_invented, untranslated
from tests.support.letters import a_draft
from tests.support.smtp import Sink

YOU = {"name": "", "time_zone": "UTC", "language": ACCENTED}
IN_ACCENTED = {"accept-language": f"{ACCENTED}-AT, en;q=0.5"}
HELLO = in_invented("Hello.")


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> Iterator[None]:
    """Sign-ups count per client, which is the same one in every test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def in_accented(alice: User) -> User:
    alice.language = ACCENTED
    alice.save(update_fields=["language"])
    return alice


def test_choice_is_hidden_while_there_is_one_language(as_alice: Client, alice: User) -> None:
    assert 'name="language"' not in as_alice.get("/you/").content.decode()

    as_alice.post("/you/", YOU)
    alice.refresh_from_db()
    assert alice.language == "en"


@pytest.mark.usefixtures("invented")
def test_language_is_chosen_and_the_answer_is_in_it(as_alice: Client, alice: User) -> None:
    page = as_alice.get("/you/").content.decode()
    assert f'<option value="{ACCENTED}" lang="{ACCENTED}">' in page
    assert '<option value="en" selected lang="en">' in page

    page = as_alice.post("/you/", YOU, follow=True).content.decode()

    alice.refresh_from_db()
    assert alice.language == ACCENTED
    assert in_invented("Saved.") in page
    assert f'<html lang="{ACCENTED}">' in page


@pytest.mark.usefixtures("invented")
def test_page_from_right_to_left_says_so(as_alice: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language=MIRRORED)

    page = as_alice.get("/steps/1/").content.decode()

    assert f'<html lang="{MIRRORED}" dir="rtl">' in page
    assert '<h1 dir="ltr" lang="en">See what is happening</h1>' in page


def test_language_that_is_gone_leaves_english(as_alice: Client, in_accented: User) -> None:
    assert '<html lang="en">' in as_alice.get("/today/").content.decode()


@pytest.mark.usefixtures("invented")
@pytest.mark.parametrize("asked", ["zz, xa;q=0.5", "xa", "XA-at", "en;q=0.1, xa"])
def test_visitor_gets_the_first_language_that_there_is(client: Client, asked: str) -> None:
    page = client.get("/safety/", headers={"accept-language": asked})

    assert f'<html lang="{ACCENTED}">' in page.content.decode()
    assert "Accept-Language" in page.headers["Vary"]


@pytest.mark.usefixtures("invented")
@pytest.mark.parametrize("asked", ["", "zz", ",;q=x", "\u00e9\u00e9", "x" * 5000, "*"])
def test_visitor_without_one_gets_english(client: Client, asked: str) -> None:
    page = client.get("/safety/", headers={"accept-language": asked})

    assert '<html lang="en">' in page.content.decode()


def test_with_one_language_pages_do_not_vary_by_it(client: Client) -> None:
    assert "Accept-Language" not in client.get("/safety/").headers.get("Vary", "")


@pytest.mark.usefixtures("invented")
def test_page_takes_as_many_statements_in_any_language(
    as_alice: Client, alice: User, statements: Statements
) -> None:
    asked = {}
    for language in ("en", ACCENTED):
        User.objects.filter(pk=alice.pk).update(language=language)
        as_alice.get("/today/")
        with statements() as asked[language]:
            as_alice.get("/today/")

    assert len(asked["en"]) == len(asked[ACCENTED])


# --- Mails -----------------------------------------------------------------------------------


def check_mail(subject: str, text: str, html: str) -> None:
    assert text.startswith(HELLO)
    assert f'<html lang="{ACCENTED}">' in html
    assert untranslated(f'<html lang="{ACCENTED}">{subject} {text}', ACCENTED) == []
    assert untranslated(html, ACCENTED) == []


def check_waiting_mail() -> None:
    [mail] = waiting_mails()
    check_mail(mail.subject, str(mail.body), str(mail.alternatives[0][0]))


@pytest.mark.usefixtures("invented")
def test_account_is_in_the_language_of_the_page_it_was_made_on(db: None) -> None:
    sign_up(Client(headers=IN_ACCENTED), "dana@example.org")

    assert User.objects.get().language == ACCENTED
    check_waiting_mail()


@pytest.mark.usefixtures("invented")
@pytest.mark.parametrize("path", ["/accounts/password/reset/", "/accounts/signup/"])
def test_account_mail_is_in_their_language_from_any_browser(
    client: Client, db: None, path: str
) -> None:
    dana = open_account(email="dana@example.org", password=PASSWORD, now=EVENING)
    User.objects.filter(pk=dana.pk).update(language=ACCENTED)

    typed = {"email": dana.email, "password1": PASSWORD, "consent": "on"}
    page = client.post(path, typed, follow=True).content.decode()

    assert '<html lang="en">' in page
    check_waiting_mail()


@pytest.mark.usefixtures("invented")
def test_mail_to_an_address_without_an_account_is_in_the_language_of_the_page(db: None) -> None:
    client = Client(headers=IN_ACCENTED)

    client.post("/accounts/password/reset/", {"email": "nobody@example.org"})

    check_waiting_mail()


@pytest.mark.usefixtures("invented")
@pytest.mark.parametrize("kind", MAIL_OF)
def test_notice_of_a_change_is_in_their_language(in_accented: User, kind: Activity.Kind) -> None:
    notify_of_change(person=in_accented, kind=kind, now=EVENING)

    check_waiting_mail()


@pytest.mark.usefixtures("invented")
@pytest.mark.django_db(transaction=True)
def test_goodbye_of_an_erased_account_is_in_their_language(in_accented: User) -> None:
    erase(person=in_accented, now=EVENING)

    check_waiting_mail()


@pytest.mark.usefixtures("invented")
@pytest.mark.django_db
def test_mails_that_a_worker_sends_are_in_their_language(in_accented: User, sink: Sink) -> None:
    noon = datetime(2026, 3, 12, 11, tzinfo=UTC)
    in_accented.record_visit(now=noon)
    reminders.turn_on(person=in_accented, hour=18, zone="Europe/Berlin", now=noon)
    in_accented.refresh_from_db()
    letter = a_draft(in_accented, "I kept checking.", now=noon)
    evening = noon + timedelta(days=3, hours=7, minutes=59, seconds=30)
    letter.seal_until(evening.date(), tell_hour=18, person=in_accented, now=noon)

    with translation.override("en"):
        reminders.plan(clock=lambda: evening)
        ready_mails.queue_ready_mails(now=evening)
        assert send_due(clock=lambda: evening) == 2

    for mail in sink.mails:
        text, html = (part.get_content() for part in mail.iter_parts())
        check_mail(str(mail["Subject"]), text, html)
