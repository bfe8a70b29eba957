"""Waiting for something that happens elsewhere: in a thread, a process, a browser or a database."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds. Bounds nothing of the product: it only ends a test that would wait for ever, so it is far
# longer than anything takes on a busy machine.
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
