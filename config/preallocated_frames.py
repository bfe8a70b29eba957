"""Memory for the frames of one request (ADR 24).

Until a late release of 3.13, Python maps memory for frames in chunks of 16 kB: when a call does not
fit into the last chunk it maps another, and unmaps that when the call returns
(https://github.com/python/cpython/issues/142183). A loop that calls functions just where a chunk
ends does so each time. Where that is changes with every middleware: it took a third of the shelf.
"""

from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# In words of 8 bytes, of which none is used: Python maps 256 kB for a frame of this size, and the
# calls within it have half of that. A page needs less than 64 kB.
FRAME_SIZE = 16_000


def with_frame_memory(application: WSGIApplication) -> WSGIApplication:
    """Call an application in one chunk that is large enough for all of its frames."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        return application(environ, start_response)

    call.__code__ = call.__code__.replace(co_stacksize=FRAME_SIZE)
    return call
