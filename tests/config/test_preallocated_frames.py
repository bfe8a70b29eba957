from resource import RUSAGE_SELF, getrusage
from typing import Any
from wsgiref.types import StartResponse

from config.preallocated_frames import with_frame_memory

CALLS = 500


def page_faults(depth: int) -> int:
    """Count the pages of memory that are used for the first time by calls at this depth."""
    if depth:
        return page_faults(depth - 1)
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        call()
    return getrusage(RUSAGE_SELF).ru_minflt - before


def call() -> None:
    """Need a frame."""


def application(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    return [b"%d" % max(page_faults(depth) for depth in range(400))]


def test_no_depth_of_calls_maps_memory_for_each_call() -> None:
    [most] = with_frame_memory(application)({}, lambda *_: lambda _: None)

    assert int(most) < CALLS / 2
