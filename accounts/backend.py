"""The path of our backend as every session stores it: moving it would sign everybody out."""

from accounts.sessions.backend import Backend

__all__ = ["Backend"]
