from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from safety import help_pages
from safety.leaving import (
    delete_csrf_cookie,
    left_cookie_name,
    lock,
    redirect_away,
    take_csrf_cookie,
)
from safety.security_txt import security_txt_contents

# The headers by which browsers mark a request that no click has caused.
PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def _is_prefetch(request: HttpRequest) -> bool:
    purpose = " ".join(request.headers.get(name, "") for name in PREFETCH_HEADERS).lower()
    return any(word in purpose for word in ("prefetch", "prerender", "preview"))


@login_not_required
@require_safe
@transaction.non_atomic_requests
def leave(request: HttpRequest) -> HttpResponse:
    if _is_prefetch(request):
        return HttpResponse(status=204)
    response = redirect_away()
    # With the cookie, LockAfterLeavingMiddleware has locked already. HeadMiddleware turns HEAD
    # into GET: only META has the method that was sent.
    if request.META["REQUEST_METHOD"] == "GET" and left_cookie_name() not in request.COOKIES:
        lock(request.session, now=timezone.now())
        if take_csrf_cookie(request):
            delete_csrf_cookie(response)
    return response


@login_not_required
@require_safe
@transaction.non_atomic_requests
def help_page(request: HttpRequest) -> HttpResponse:
    """Used until the page is rendered to a file; then HelpPagesMiddleware answers."""
    return HttpResponse(_rendered(request))


@login_not_required
@require_safe
@transaction.non_atomic_requests
def lines(request: HttpRequest, country: str) -> HttpResponse:
    """As `help_page`. An unknown country gets the page for countries that we do not have."""
    is_page = request.path in help_pages.paths()
    return HttpResponse(_rendered(request), status=200 if is_page else 404)


def _rendered(request: HttpRequest) -> str:
    return help_pages.render(request.path, language=get_language() or settings.LANGUAGE_CODE)


@login_not_required
@require_safe
@transaction.non_atomic_requests
def safety(request: HttpRequest) -> HttpResponse:
    return render(request, "safety/safety.html")


@login_not_required
@require_safe
@transaction.non_atomic_requests
def security_txt(request: HttpRequest) -> HttpResponse:
    text = security_txt_contents(now=timezone.now())
    if not text:
        raise Http404
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
