"""The request that is being answered, by a name that says nothing about it."""

import secrets
from contextvars import ContextVar, Token

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def begin() -> Token[str | None]:
    """From here to `end`, everything that happens belongs to one request.

    Its name is always made here: one that came with the request could carry anything, and could
    be the same each time, which would tell whose requests they are.
    """
    return _current.set(secrets.token_hex(8))


def end(token: Token[str | None]) -> None:
    _current.reset(token)


def request_id() -> str | None:
    return _current.get()
