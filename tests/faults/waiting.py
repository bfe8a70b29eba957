import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Long for a busy machine; nothing here takes this long where all is well.
PATIENCE = 120


def wait_for(find: Callable[[], T], what: str, *, seconds: float = PATIENCE) -> T:
    """What `find` returns once it is true of the world. Fails when that takes too long."""
    tick = threading.Event()
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} seconds in vain for {what}")
        tick.wait(0.02)
    return found
