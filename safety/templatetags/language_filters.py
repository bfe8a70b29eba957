"""Mark words in another language than the page: what is not translated is in English (ADR 31)."""

from django import template
from django.conf import settings
from django.forms.utils import flatatt
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


@register.filter
def lang_of(language: str) -> SafeString | str:
    """Return the attributes for words in this language; none if the whole page is in it."""
    return _attributes(language) if language and language != get_language() else ""


@register.filter
def lang_of_page(language: str) -> SafeString | str:
    """Return the attributes for words of the page inside of words in this language."""
    return _attributes(get_language() or "") if lang_of(language) else ""


def _attributes(language: str) -> SafeString:
    is_rtl = language.partition("-")[0] in settings.LANGUAGES_BIDI
    return flatatt({"lang": language, "dir": "rtl" if is_rtl else "ltr"})
