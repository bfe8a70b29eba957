from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase

from accounts.error_views import signed_out
from accounts.returned_forms import has_writing


class SignInMiddleware(LoginRequiredMiddleware):
    """Require a sign-in, unless the view opts out. A form that was posted after the session had
    ended is given back instead of being lost in a redirect."""

    # The stubs allow only a redirect here.
    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.method == "POST" and has_writing(request):
            return signed_out(request)
        return super().handle_no_permission(request, view_func)
