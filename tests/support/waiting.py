"""Waiting for something that happens elsewhere: in a thread, a process, a browser or a database."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# In seconds: far longer than anything takes on a busy machine. It only ends a test that would wait
# for ever, and bounds nothing of the product.
PATIENCE = 120


def wait_for(find: Callable[[], T], what: str, *, every: float = 0.02) -> T:
    """Call `find` every so many seconds until it returns something true, and return that."""
    tick = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while not (found := find()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} seconds in vain for {what}")
        tick.wait(every)
    return found
