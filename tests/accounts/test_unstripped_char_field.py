import pytest
from django.core.exceptions import ValidationError

from accounts.unstripped_char_field import UnstrippedCharField


@pytest.mark.parametrize(
    ("posted", "cleaned"),
    [
        ("  tea \n", "  tea \n"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("one\rtwo", "one\rtwo"),
        (" \r\n\t ", ""),
        (None, ""),
    ],
)
def test_text_is_cleaned_to_what_was_on_the_screen(posted: str | None, cleaned: str) -> None:
    assert UnstrippedCharField(required=False).clean(posted) == cleaned


def test_whitespace_alone_does_not_fill_a_required_field() -> None:
    with pytest.raises(ValidationError) as caught:
        UnstrippedCharField().clean(" \r\n ")

    assert caught.value.error_list[0].code == "required"
