from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bench.floor.models import Letter

BYTES = b"<!doctype html><title>Bare</title><p>" + b"No person, no template. " * 620


@require_safe
def bare(request: HttpRequest) -> HttpResponse:
    """The cost of the server and of Django alone."""
    return HttpResponse(BYTES)


# Without a transaction, as the product's pages: with one F would be slower, our ratios better.
@login_required
@require_safe
@transaction.non_atomic_requests
def page(request: HttpRequest) -> HttpResponse:
    """The unit F: the cost of a session, a user and a plain template."""
    return render(request, "floor/page.html")


@login_required
@require_POST
@transaction.non_atomic_requests
def save(request: HttpRequest) -> HttpResponse:
    """Store a letter as it was sent, and commit."""
    Letter(owner_id=request.user.pk, body=request.POST["body"]).save()
    return redirect("/page/")
