from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from healing.guide import guide
from safety.yaml_records import DataFileError


@register
def guide_is_readable(**kwargs: Any) -> Sequence[CheckMessage]:
    """Stop the start on mistakes in the guide, naming file and line."""
    try:
        guide()
    except DataFileError as error:
        return [Error(str(mistake), id="healing.E001") for mistake in error.mistakes]
    return []
