from typing import Any

import pytest
from django.core.paginator import Paginator

from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.models import User
from tests.support.database import Statements


@pytest.fixture
def people(db: None, many: int) -> Any:
    User.objects.bulk_create(User(email=f"{number}@example.org") for number in range(many))
    return User.objects.order_by("pk")


@pytest.mark.parametrize("many", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("number", [None, "1", "2", "3", "99", "-1", "x", "last"])
def test_pages_are_those_of_django(people: Any, many: int, number: str | None) -> None:
    ours, django = (each(people, 3).get_page(number) for each in (LazyCountPaginator, Paginator))

    assert list(ours) == list(django)
    assert (ours.number, len(ours), ours.has_other_pages()) == (
        django.number,
        len(django),
        django.has_other_pages(),
    )
    assert (ours.paginator.count, ours.paginator.num_pages) == (many, django.paginator.num_pages)


@pytest.mark.parametrize(("many", "asked"), [(0, 1), (3, 1), (4, 2), (7, 2)])
def test_list_that_ends_on_its_first_page_is_not_counted(
    people: Any, many: int, asked: int, statements: Statements
) -> None:
    with statements() as found:
        page = LazyCountPaginator(people, 3).get_page(None)
        assert [list(page), page.has_next()] == [list(page), many > 3]

    assert len(found) == asked
