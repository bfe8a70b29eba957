"""A visitor, another person and an operator on every path: what is Alice’s stays hers."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from accounts.models import User
from healing.models import Answer
from journal.models import Letter
from tests.adversarial.conftest import everything, seen
from tests.support.addresses import (
    ANSWER,
    FRESH,
    LOCAL,
    OBJECT,
    OPERATOR,
    PRIVATE,
    PUBLIC,
    RULES,
    examples,
    nowhere,
    patterns,
    rule_of,
)
from tests.support.client import PASSWORD, Client
from tests.support.people import signed_in
from tests.support.private_words import CANARIES
from tests.support.second_factors import enter_admin

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

At = Callable[[str], str]


@pytest.fixture
def as_operator(db: None) -> Client:
    client, operator = Client(), User.objects.create_superuser("operator@example.org", PASSWORD)
    client.force_login(operator)
    enter_admin(client, operator)
    return client


def test_every_address_has_a_rule() -> None:
    assert {pattern for pattern, _view in patterns()} == set(RULES)


def test_what_is_public_is_what_the_views_say() -> None:
    said = {pattern for pattern, view in patterns() if not getattr(view, "login_required", True)}

    assert said == {name for name, rule in RULES.items() if rule.whose in (PUBLIC, LOCAL)}


def test_nobody_is_asked_to_sign_in(client: Client, lived_in: User, at: At) -> None:
    before = everything()

    for address in map(at, examples(PRIVATE, OBJECT)):
        for method in METHODS:
            response = client.generic(method, address)
            assert response.status_code == 302, (address, method)
            assert response.headers["Location"] == f"/accounts/login/?next={address}", method
        assert everything() == before, address


def test_nobody_else_is_shown_a_word(client: Client, as_bob: Client, lived_in: User) -> None:
    for example in set(examples(PUBLIC, PRIVATE, OPERATOR)) - {"/leave/"}:
        for stranger in (client, as_bob):
            page = stranger.get(example, follow=True).text
            assert not [word for word in (*CANARIES, lived_in.email) if word in page], example


def told(response: HttpResponse) -> dict[str, str]:
    """All headers but the random id of the response."""
    return {name: said for name, said in response.items() if name != "X-Request-ID"}


@pytest.mark.parametrize("who", ["as_bob", "as_operator"])
def test_what_is_someone_elses_is_not_there(
    request: pytest.FixtureRequest, lived_in: User, at: At, who: str
) -> None:
    stranger: Client = request.getfixturevalue(who)
    before = everything()

    for example in examples(OBJECT):
        sent = rule_of(example).sent
        takes = {"GET", "HEAD"} | ({"POST"} if sent is not None else set())
        ask = (urlencode(sent or {}), "application/x-www-form-urlencoded")
        for method in METHODS:
            where, status = (example, method), 404 if method in takes else 405
            real = stranger.generic(method, at(example), *ask)
            made_up = stranger.generic(method, nowhere(example), *ask)
            assert real.status_code == made_up.status_code == status, where
            assert seen(real) == seen(made_up), where
            assert told(real) == told(made_up), where
        assert everything() == before, example


def test_its_owner_finds_it(as_alice: Client, at: At) -> None:
    """So that “not found” above depends on who asks."""
    for example in examples(OBJECT):
        assert as_alice.get(at(example), follow=True).status_code == 200, example


@pytest.mark.parametrize(
    "address",
    [
        "/steps/1/hoping/{answer}/",
        "/steps/2/filling-in/{answer}/",
        "/steps/2/hoping/{answer}/delete/",
        "/steps/1/filling-in/{letter}/",
        "/journal/{answer}/",
        "/journal/{answer}/let-go/",
    ],
)
def test_what_lies_elsewhere_is_not_found_here(
    as_alice: Client, lived_in: User, at: At, address: str
) -> None:
    before = everything()

    assert as_alice.get(at(address)).status_code == 404
    assert as_alice.post(at(address)).status_code in {404, 405}
    assert everything() == before


def test_ids_of_hers_in_a_strangers_forms_reach_nothing(
    as_bob: Client, bob: User, lived_in: User, letter: Letter, answer: Answer
) -> None:
    """Fields that a form does not have are ignored: no owner, no row and no permission."""
    hers = {
        "id": str(letter.pk),
        "pk": str(answer.pk),
        "owner": str(lived_in.pk),
        "owner_id": str(lived_in.pk),
        "person": str(lived_in.pk),
        "user": str(lived_in.pk),
    }
    rights = {"is_staff": "on", "is_superuser": "on", "is_active": "", "email": "x@example.org"}
    rights |= {"scheme": "9", "created_at": "2001-01-01", "step": "7", "version": "x"}
    before = {label: set(rows) for label, rows in everything().items()}

    for example in examples(PRIVATE, PUBLIC):
        sent = rule_of(example).sent
        if sent is not None and "logout" not in example:
            as_bob.post(example, sent | rights | hers)

    after = {label: set(rows) for label, rows in everything().items()}
    gone = {row for label in before for row in before[label] - after[label]}
    assert not [row for row in gone for each in (letter, answer, lived_in) if str(each.pk) in row]
    assert Letter.objects.of(lived_in).count() == Answer.objects.of(lived_in).count() == 1
    # The form that saves his draft names another one here, and saves nothing.
    his = [*Letter.objects.of(bob), *Answer.objects.of(bob)]
    assert len(his) == 3
    assert {row.scheme for row in his} == {1}
    assert Answer.objects.of(bob).get(exercise="filling-in").step == 1
    bob.refresh_from_db()
    assert (bob.is_staff, bob.is_superuser, bob.is_active) == (False, False, True)
    assert bob.email == "bob@example.org"


@pytest.mark.parametrize("sent", [{}, {"waited": "1"}, {"version": "1"}], ids=str)
def test_stranger_learns_nothing_by_saving_under_an_id(
    as_alice: Client, as_bob: Client, sent: dict[str, str]
) -> None:
    """Neither the id of a page of hers nor that of its letter shows that it is or was there."""

    def save(client: Client, id: str, **more: str) -> HttpResponse:
        letter = {"id": id, "kind": "them", "body": "words", **more}
        return client.post(f"/journal/{id}/autosave/", letter)

    def told(id: str) -> tuple[int, bool, list[str]]:
        answer = save(as_bob, id, **sent)
        return answer.status_code, answer.json().get("id") == id, sorted(answer.json())

    pages = [str(uuid4()), str(uuid4())]
    letters = [save(as_alice, page).json()["id"] for page in pages]
    as_alice.post(f"/journal/{letters[0]}/throw-away/")
    assert Letter.objects.count() == 1

    assert {str(told(id)) for id in pages + letters} == {str(told(str(uuid4())))}


@pytest.mark.parametrize("is_hers", [True, False])
def test_stranger_learns_nothing_from_the_id_that_an_answer_gets(
    as_alice: Client, alice: User, as_bob: Client, bob: User, is_hers: bool
) -> None:
    exercise, sent = "/steps/1/filling-in/", ANSWER | {"id": FRESH}
    if is_hers:
        as_alice.post(exercise, sent)
        assert Answer.objects.of(alice).count() == 1

    for _ in range(2):
        assert as_bob.post(exercise, sent).status_code == 302

    assert Answer.objects.of(bob).get().pk == bob.key.derive_id(Answer.purpose, UUID(FRESH))


@pytest.mark.parametrize("address", ["/admin/", "/admin/accounts/user/", "/admin/auth/group/"])
def test_admin_is_for_operators(client: Client, as_bob: Client, address: str) -> None:
    assert client.get(address).headers["Location"].endswith(f"/login/?next={address}")
    assert as_bob.get(address).headers["Location"] == f"/admin/login/?next={address}"


@pytest.mark.parametrize("example", examples(LOCAL))
def test_inbox_does_not_exist_on_a_server(
    client: Client, as_alice: Client, settings: Settings, example: str
) -> None:
    settings.MAIL_CATCHER = None

    assert client.get(example).status_code == as_alice.get(example).status_code == 404


def test_closed_account_is_nobody(alice: User, at: At) -> None:
    for example in examples(PRIVATE, OBJECT):
        User.objects.filter(pk=alice.pk).update(is_active=True)
        browser = signed_in(alice)
        User.objects.filter(pk=alice.pk).update(is_active=False)

        response = browser.get(at(example))

        assert response.headers["Location"].startswith("/accounts/login/?next="), example
