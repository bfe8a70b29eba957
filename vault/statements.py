"""Statements that nearly every page asks, built once. Building one takes the processor far longer
than asking it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.db.models.query import get_related_populators


class Statement:
    """What a queryset would ask, with other values each time.

    `make` takes the values and gives the queryset. They differ from each other at the first call,
    and are never None or a list, which would make another statement of it.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]]) -> None:
        self.make = make
        self.sql = ""

    def first(self, *values: Any) -> Any:
        """The first of the rows, or None."""
        return next(iter(self.rows(*values)), None)

    def rows(self, *values: Any) -> list[Any]:
        if not self.sql:
            self._build(values)
        params = [values[at] if at is not None else own for at, own in self.params]
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self.sql, params)
            found = self.convert(cursor.fetchall())
        return [self._model(row) for row in found] if self.model else found

    def _build(self, values: tuple[Any, ...]) -> None:
        query = self.make(*values).query
        compiler = query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        places = {value: at for at, value in enumerate(values)}
        self.params = [(places.get(param), param) for param in params]
        if {at for at, _ in self.params if at is not None} != set(range(len(values))):
            # One that was not found again would be asked about for ever, whoever came next.
            raise ValueError("A value of this statement cannot be told from the others.")
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        self.convert = partial(_converted, compiler, converters) if converters else list
        # A queryset of values has rows as they are, and no model.
        self.model: Any = None if query.values_select else query.model
        self._build_model(compiler)
        self.sql = sql

    def _build_model(self, compiler: Any) -> None:
        info = compiler.klass_info
        self.columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        self.names = [column.target.attname for column, _, _ in compiler.select[self.columns]]
        # The stubs speak of a later Django.
        self.related = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]

    def _model(self, row: Any) -> Any:
        found = self.model.from_db(DEFAULT_DB_ALIAS, self.names, row[self.columns])
        for related in self.related:
            related.populate(row, found)
        return found


def _converted(compiler: Any, converters: Any, rows: list[Any]) -> list[Any]:
    return list(compiler.apply_converters(rows, converters))
