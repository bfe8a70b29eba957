"""The guide, read once per process."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from healing.guide_files import load_guides, signature
from healing.guide_types import Guide


def guide(language: str = "") -> Guide:
    """The guide in this language, or else in the active one. Raises DataFileError."""
    folder = settings.GUIDE_FOLDER
    guides = _guides(folder, signature(folder) if settings.GUIDE_RELOAD else "")
    code = language or get_language() or settings.LANGUAGE_CODE
    return guides.get(code) or guides[settings.LANGUAGE_CODE]


@cache
def _guides(folder: Path, signature: str) -> Mapping[str, Guide]:
    return load_guides(folder)
