from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bench.floor.models import Letter

BYTES = b"<!doctype html><title>Bare</title><p>" + b"No person, no template. " * 620


@require_safe
def bare(request: HttpRequest) -> HttpResponse:
    """What the server and an empty Django cost."""
    return HttpResponse(BYTES)


# One statement after the other, as the product's own pages: a transaction would make F look slower.
@login_required
@require_safe
@transaction.non_atomic_requests
def page(request: HttpRequest) -> HttpResponse:
    """F: a session, a person, a thin template."""
    return render(request, "floor/page.html")


@login_required
@require_POST
@transaction.non_atomic_requests
def save(request: HttpRequest) -> HttpResponse:
    """A letter as it was sent, stored and committed."""
    Letter(owner_id=request.user.pk, body=request.POST["body"]).save()
    return redirect("/page/")
