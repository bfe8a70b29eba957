from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from healing.guide import guide
from safety.yaml_records import DataFileError


@register
def guide_is_readable(**kwargs: Any) -> Sequence[CheckMessage]:
    """Stop the start on a mistake in the guide, naming file and line."""
    try:
        guide()
    except DataFileError as error:
        return [Error(str(error), id="healing.E001")]
    return []
