from datetime import datetime, timedelta

import pytest
from django.core.paginator import Paginator

from accounts.models import Activity, User
from accounts.pagination import Listing
from tests.conftest import Statements

HAPPENED = Listing(lambda owner: Activity.objects.of(owner).newest_first(), per_page=3)


def happen(person: User, *, times: int, now: datetime) -> None:
    Activity.objects.bulk_create(
        Activity(owner=person, kind=Activity.Kind.SIGNED_IN, at=now - timedelta(hours=hours))
        for hours in range(times)
    )


@pytest.mark.parametrize("times", [0, 1, 3, 4, 8])
@pytest.mark.parametrize("number", [None, "", "1", "2", "3", "last", "0", "-1", "99", "x", "1.0"])
def test_listing_gives_the_pages_that_django_gives(
    alice: User, bob: User, now: datetime, times: int, number: str | None
) -> None:
    happen(alice, times=times, now=now)
    happen(bob, times=5, now=now)
    all_of_them = Activity.objects.of(alice).newest_first()

    page = HAPPENED.page(number, alice.pk)

    same = Paginator(all_of_them, 3).get_page(number)
    assert list(page) == list(same)
    assert (page.number, page.paginator.num_pages, page.paginator.count) == (
        same.number,
        same.paginator.num_pages,
        same.paginator.count,
    )
    assert (page.has_next(), page.has_previous()) == (same.has_next(), same.has_previous())


@pytest.mark.parametrize(("times", "asked"), [(0, 1), (3, 1), (4, 2), (50, 2)])
def test_listing_counts_only_what_does_not_fit_on_a_page(
    alice: User, now: datetime, times: int, asked: int, statements: Statements
) -> None:
    happen(alice, times=times, now=now)

    with statements() as found:
        assert len(HAPPENED.page(None, alice.pk)) == min(times, 3)

    assert len(found) == asked
