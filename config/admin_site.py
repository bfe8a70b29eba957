from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.utils import get_next_redirect_url
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.mfa.adapter import (
    URL_AFTER_SETUP,
    has_proved_second_factor,
    has_second_factor,
    second_factor_url,
)
from accounts.models import User


class AdminSite(admin.AdminSite):
    """Django's own admin, entered by the same door as everything else.

    So its tries are counted, and whatever that door asks for is asked here too; and it opens only
    where a second factor was shown. Nothing that people write is registered in it.
    """

    site_header = site_title = "Operator"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and _is_proved(request)

    @method_decorator([never_cache, login_not_required, secure_admin_login])
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The way in for somebody who runs the place and is signed in: everybody else was sent
        away before this. Django's own form is never shown, since it knows of no second factor."""
        onward = get_next_redirect_url(request) or reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(onward)
        person = request.user
        if isinstance(person, User) and has_second_factor(person):
            return HttpResponseRedirect(
                f"{second_factor_url(person)}?{urlencode({'next': onward})}"
            )
        request.session[URL_AFTER_SETUP] = onward
        messages.warning(request, _("These pages open to a second step only. Set one up first."))
        return HttpResponseRedirect(reverse("mfa_index"))

    # The stubs know only of a page.
    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Where everyone changes theirs: there it is listed, and a mail tells of it."""
        return HttpResponseRedirect(reverse("account_change_password"))


def _is_proved(request: HttpRequest) -> bool:
    person = request.user
    return (
        isinstance(person, User) and has_second_factor(person) and has_proved_second_factor(request)
    )
