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
    """Django's admin, behind the site's own sign-in and a second factor.

    The sign-in brings its rate limits and everything else it asks for. Nothing that people write
    is registered here.
    """

    site_header = site_title = "Operator"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and _has_shown_second_factor(request)

    @method_decorator([never_cache, login_not_required, secure_admin_login])
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send signed-in staff to their second factor; secure_admin_login turns others away.

        Django's own form is never shown: it asks for no second factor.
        """
        next_url = get_next_redirect_url(request) or reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(next_url)
        person = request.user
        if isinstance(person, User) and has_second_factor(person):
            return HttpResponseRedirect(
                f"{second_factor_url(person)}?{urlencode({'next': next_url})}"
            )
        request.session[URL_AFTER_SETUP] = next_url
        messages.warning(request, _("These pages need two-step sign-in. Set it up first."))
        return HttpResponseRedirect(reverse("mfa_index"))

    # The stubs expect a TemplateResponse.
    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the site's own page, which logs the change and sends a mail about it."""
        return HttpResponseRedirect(reverse("account_change_password"))


def _has_shown_second_factor(request: HttpRequest) -> bool:
    person = request.user
    return (
        isinstance(person, User) and has_second_factor(person) and has_proved_second_factor(request)
    )
