"""Forms that are answered only on the visit from which they come (safety/form_of_this_visit.py)."""

from typing import Any

from tests.support.client import Client


def from_page(client: Client, page: str, posted: dict[str, Any]) -> dict[str, Any]:
    """This, with what the form of the page carries for this client."""
    context = client.get(page).context
    return posted | {"visit": context["visit"], "csrfmiddlewaretoken": str(context["csrf_token"])}
