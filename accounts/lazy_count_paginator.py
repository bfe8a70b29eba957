from collections.abc import Iterable
from typing import Any, Protocol, cast

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property


class Countable(Protocol):
    """A list that is read in slices, such as a queryset."""

    def __getitem__(self, part: slice, /) -> Iterable[Any]: ...
    def count(self) -> int: ...


class LazyCountPaginator(Paginator[Any]):
    """Paginator that does not count a list which ends on its first page.

    Most lists here do, and counting is a fifth of what the shelf costs (ADR 24).
    """

    def __init__(self, object_list: Countable, per_page: int) -> None:
        super().__init__(cast(Any, object_list), per_page)

    @cached_property
    def _first_rows(self) -> list[Any]:
        # One row more tells whether there is a second page.
        return list(self.object_list[: self.per_page + 1])

    @cached_property
    def count(self) -> int:
        rows = len(self._first_rows)
        return rows if rows <= self.per_page else super().count

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        if number == 1:
            return Page(self._first_rows[: self.per_page], number, self)
        return super().page(number)
