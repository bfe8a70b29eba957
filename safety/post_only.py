from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]


def post_only(page: str) -> Callable[[View], View]:
    """Let the view answer POST only, and redirect a GET to the page of its form.

    `page` is a URL name that takes the same arguments. An address stays in the history and in the
    address bar, and a reload or a sign-in may open it: browsers show a bare 405 as their own error.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            return HttpResponseRedirect(reverse(page, args=args, kwargs=kwargs))

        return require_http_methods(["GET", "HEAD", "POST"])(wrapper)

    return decorate
