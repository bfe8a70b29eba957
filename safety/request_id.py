"""The random id of the current request, for its log lines and its error page."""

import secrets
from contextvars import ContextVar, Token

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def set_request_id() -> Token[str | None]:
    """Begin a request; pass the token to `reset_request_id` at its end.

    An X-Request-ID header is never used: it could carry anything, and a client that repeats it
    would link its requests in the log.
    """
    return _current.set(secrets.token_hex(8))


def reset_request_id(token: Token[str | None]) -> None:
    _current.reset(token)


def request_id() -> str | None:
    return _current.get()
