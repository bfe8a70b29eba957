from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from healing.guide import GuideError, guide


@register
def guide_is_readable(**kwargs: Any) -> Sequence[CheckMessage]:
    """A mistake in the guide stops the start, named by file and line."""
    try:
        guide()
    except GuideError as error:
        return [Error(str(error), id="healing.E001")]
    return []
