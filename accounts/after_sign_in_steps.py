"""What other apps do once somebody has signed in, before the page they came for."""

from collections.abc import Callable

from django.http import HttpRequest

from accounts.models import User

# Gets the address of the next page, and returns it or that of a page before it.
Step = Callable[[HttpRequest, User, str], str]

_steps: list[Step] = []


def register(step: Step) -> None:
    """Called once the apps are ready."""
    _steps.append(step)


def next_page(request: HttpRequest, person: User, address: str) -> str:
    for step in _steps:
        address = step(request, person, address)
    return address
