from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.returned_forms import not_writing
from accounts.time_zones import ZoneField, ZoneSelect, zone_choices
from mail.quiet_hours import HOUR_LABELS


@not_writing("hour", "zone")
class RemindersForm(forms.Form):
    hour = forms.TypedChoiceField(
        label=_("Around what time?"),
        coerce=int,
        choices=list(HOUR_LABELS.items()),
        initial=18,
        error_messages={
            "required": _("Choose a time."),
            "invalid_choice": _("Choose a time from the list."),
        },
    )
    zone = ZoneField(
        label=_("Your time zone"),
        help_text=_("We need this so that “evening” means your evening."),
        error_messages={
            "required": _("Choose the place whose time you live by."),
            "invalid_choice": _("Choose a place from the list."),
        },
        widget=ZoneSelect(attrs={"data-zone": ""}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(ZoneField, self.fields["zone"]).choices = zone_choices()
