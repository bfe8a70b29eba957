from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.private_input_attributes import PRIVATE_INPUT_ATTRIBUTES
from accounts.returned_forms import not_writing
from accounts.time_zones import NO_ZONE_CHOSEN, ZoneField, ZoneSelect, zone_choices

CHOOSE_A_PLACE = _("Choose a place from the list.")


class LanguageSelect(forms.Select):
    """Names of languages, each in the language itself."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["lang"] = value
        return option


@not_writing("time_zone", "language", "checks_spelling")
class PreferencesForm(forms.Form):
    """Name, place, language and spelling. Every field may stay as it is."""

    name = forms.CharField(
        label=_("What would you like to be called?"),
        help_text=_("Any name, or none. It is stored encrypted and shown only to you."),
        required=False,
        validators=[MaxLengthValidator(60, _("This line holds 60 characters."))],
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES | {"autocomplete": "nickname"}),
    )
    time_zone = ZoneField(
        label=_("Your time zone"),
        help_text=_("So that “evening” means your evening."),
        error_messages={"required": CHOOSE_A_PLACE, "invalid_choice": CHOOSE_A_PLACE},
        widget=ZoneSelect(attrs={"data-zone": NO_ZONE_CHOSEN}),
    )
    language = forms.ChoiceField(label=_("Language"), widget=LanguageSelect)
    checks_spelling = forms.BooleanField(
        label=_("Let this browser check my spelling"),
        help_text=_(
            "Some browsers send what you type to their maker for that. It holds wherever you are"
            " signed in."
        ),
        required=False,
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        zone = cast(ZoneField, self.fields["time_zone"])
        zone.choices = [(NO_ZONE_CHOSEN, _("Not said yet")), *zone_choices()]
        language = cast(forms.ChoiceField, self.fields["language"])
        language.choices = settings.LANGUAGES
        if len(settings.LANGUAGES) == 1:
            del self.fields["language"]
