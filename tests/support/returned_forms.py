"""Forms as our pages send them, and as they come back."""

import re
from html import unescape

from django.http import HttpResponse

from accounts.models import User
from accounts.returned_forms import OWNER, owner_mark
from healing.exercise_forms import SHOWN
from healing.models import Answer
from healing.saved_state import saved_state
from tests.support.client import Client


def on_a_page_of(person: User, **fields: str) -> dict[str, str]:
    """The fields of a form on this person's page."""
    return fields | {OWNER: owner_mark(person.pk)}


def shown(person: User, answer: Answer) -> dict[str, str]:
    """What the page of this answer sends along: which of its words it has shown."""
    return {SHOWN: saved_state(person, answer.open(person.key).fields)}


def form_with(text: str, page: str) -> dict[str, str]:
    """The data that a browser posts by the form whose button says this; nothing without it."""
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    form = next((each for each in forms if f"{text}</button>" in each), "")
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    # Browsers drop the line break after the opening tag.
    fields += re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return {name: unescape(value) for name, value in fields}


def hold(browser: Client, page: str, says: str) -> HttpResponse:
    """Press the button of a sealed form, and go where that leads."""
    response: HttpResponse = browser.post(
        "/accounts/returned/hold/", form_with(says, page), follow=True
    )
    return response
