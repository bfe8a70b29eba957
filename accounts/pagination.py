from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import SimpleLazyObject, cached_property

from vault.statements import Statement


class Listing:
    """A list that is shown in pages, so many rows on each.

    `make` takes the values that a Statement takes, and gives the queryset. Most lists end on their
    first page: its statement is built once, and nobody counts what it holds already.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], per_page: int) -> None:
        self.make = make
        self.per_page = per_page
        # One more tells whether there is a second page.
        self.first = Statement(lambda *values: make(*values)[: per_page + 1])

    def page(self, number: str | None, *values: Any) -> Page[Any]:
        """This page, or the nearest that there is."""
        return _Pages(self, values).get_page(number)


class _Pages(Paginator[Any]):
    def __init__(self, listing: Listing, values: tuple[Any, ...]) -> None:
        super().__init__(SimpleLazyObject(partial(listing.make, *values)), listing.per_page)
        self.first = partial(listing.first.rows, *values)

    def _check_object_list_is_ordered(self) -> None:
        """Looking would make the queryset, which is seldom needed."""

    @cached_property
    def _begin(self) -> list[Any]:
        return self.first()

    @cached_property
    def count(self) -> int:
        return len(self._begin) if len(self._begin) <= self.per_page else super().count

    def page(self, number: int | str) -> Page[Any]:
        if self.validate_number(number) == 1:
            return Page(self._begin[: self.per_page], 1, self)
        return super().page(number)
