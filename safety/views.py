from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from safety import contact, help_pages
from safety.helplines import countries
from safety.leaving import away, lock, marker

# How browsers say that nobody has clicked yet.
GUESSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def _is_guess(request: HttpRequest) -> bool:
    said = " ".join(request.headers.get(name, "") for name in GUESSES).lower()
    return any(word in said for word in ("prefetch", "prerender", "preview"))


@login_not_required
@require_safe
@transaction.non_atomic_requests
def leave(request: HttpRequest) -> HttpResponse:
    if _is_guess(request):
        return HttpResponse(status=204)
    # With the marker, LockAfterLeavingMiddleware has locked already. A HEAD looks like a GET here:
    # only META has the method as it came.
    if request.META["REQUEST_METHOD"] == "GET" and marker() not in request.COOKIES:
        lock(request.session, now=timezone.now())
    return away()


@login_not_required
@require_safe
@transaction.non_atomic_requests
def help_page(request: HttpRequest) -> HttpResponse:
    """Until the page is on disk; then HelpPagesMiddleware answers."""
    return HttpResponse(help_pages.rendered(request.path))


@login_not_required
@require_safe
@transaction.non_atomic_requests
def lines(request: HttpRequest, country: str) -> HttpResponse:
    """As `help_page`; a country we know nothing about is told so, with the way to those we do."""
    return HttpResponse(
        help_pages.rendered(request.path), status=200 if country in countries() else 404
    )


@login_not_required
@require_safe
@transaction.non_atomic_requests
def safety(request: HttpRequest) -> HttpResponse:
    return render(request, "safety/safety.html")


@login_not_required
@require_safe
@transaction.non_atomic_requests
def security_txt(request: HttpRequest) -> HttpResponse:
    words = contact.security_txt(now=timezone.now())
    if not words:
        raise Http404
    return HttpResponse(words, content_type="text/plain; charset=utf-8")
